"""What a verdict speaks of: a proof about something other than the driver is worth nothing."""

from collections.abc import Iterable, Iterator

from dirql.model.driver import Program
from dirql.model.kernel.knobs import KNOBS, Knobs
from dirql.model.machine import ContextKind, Machine
from dirql.properties import PROPERTIES

PLURALS = {
    ContextKind.THREAD: "threads",
    ContextKind.DPC: "DPCs",
    ContextKind.ISR: "service routines",
    ContextKind.WORKER: "workers",
    ContextKind.HARDWARE: "hardware",
}


def scope_of(
    machine: Machine,
    program: Program,
    knobs: Knobs,
    properties: tuple[str, ...] | None,
    cutting_rules: tuple[str, ...],
) -> tuple[str, ...]:
    """The scope of a check, one phrase each.

    Parameters say what was checked: `properties` is `None` for all; `cutting_rules` are rules that
    were not asked and yet ended behaviours.
    """
    return tuple(
        phrase
        for phrase in (
            _contexts(machine),
            _knobs(knobs),
            _properties(properties),
            *_saturated(program),
            "behaviours end where Windows would bug-check",
            _cut(cutting_rules),
        )
        if phrase
    )


def _contexts(machine: Machine) -> str:
    """`threads Start, Stop; service routines NicIsr on P0`."""
    groups = (
        (PLURALS[kind], [item.name for item in machine.contexts if item.kind is kind])
        for kind in ContextKind
    )
    return "; ".join(f"{plural} {', '.join(names)}" for plural, names in groups if names)


def _knobs(knobs: Knobs) -> str:
    changed = [f"{name}={value}" for name, value in knobs.settings]
    both = [
        f"{knob.name} both ways"
        for knob in KNOBS
        if knobs[knob.name] == "either" and (knob.name, "either") not in knobs.settings
    ]
    return "knobs: " + ", ".join([*changed, *both, "the others at their defaults"])


def _properties(names: Iterable[str] | None) -> str:
    if names is None:
        return f"all {len(PROPERTIES)} properties"
    return "only " + ", ".join(names)


def _saturated(program: Program) -> Iterator[str]:
    for item in program.objects:
        for field in item.fields:
            if field.saturating:
                yield f"{item.name}.{field.name} stays at its bound instead of passing it"


def _cut(rules: tuple[str, ...]) -> str:
    return f"and where these rules, not asked for, are broken: {', '.join(rules)}" if rules else ""
