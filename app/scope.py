"""What a verdict speaks of: a proof about something other than the driver is worth nothing."""

import re
from collections.abc import Iterable, Iterator

from dirql.model.driver import Program
from dirql.model.expr import Constant
from dirql.model.kernel.knobs import KNOBS, Knobs
from dirql.model.machine import ContextKind, Machine
from dirql.model.routine import Call
from dirql.properties import PROPERTIES

from .trace_words import readable

PLURALS = {
    ContextKind.THREAD: "threads",
    ContextKind.DPC: "DPCs",
    ContextKind.ISR: "interrupts",
    ContextKind.WORKER: "workers",
    ContextKind.HARDWARE: "devices",
}

INITIALIZED_BY = {
    "KSPIN_LOCK": "KeInitializeSpinLock",
    "KTIMER": "KeInitializeTimer",
    "IO_REMOVE_LOCK": "IoInitializeRemoveLock",
}
"""Kernel objects that need initialising and do not say so in their declaration, as events do."""

LONGEST_LIST = 60
"""The names of the contexts of a kind, in characters, above which they are only counted."""

LOST = "unserviced-cause"
"""The property that asks what a device still holds."""

END = Constant("done")
"""The program counter of a thread that has ended."""

SLOT = re.compile(r"(?P<name>.*)@(?P<processor>P\d+)")
"""What tells the slots of one kind on several processors apart."""


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
            *_contexts(machine),
            *_endless(machine),
            *_knobs(knobs),
            _properties(properties),
            *_not_asked(program, properties),
            *_saturated(program),
            _ready(program),
            _cut(cutting_rules),
        )
        if phrase
    )


def _contexts(machine: Machine) -> Iterator[str]:
    """`threads Start, Stop`, `DPCs`, `nic interrupt on P0`, `hardware`: a phrase for each kind."""
    for kind in ContextKind:
        names = [item.name for item in machine.contexts if item.kind is kind]
        listed = ", ".join(_slots(names, _processors(machine)))
        if len(listed) > LONGEST_LIST:
            yield f"{len(names)} {PLURALS[kind]}"
        elif kind is ContextKind.DPC and names:
            yield PLURALS[kind]
        elif kind is ContextKind.THREAD and names:
            yield f"{'thread' if len(names) == 1 else PLURALS[kind]} {listed}"
        else:
            yield listed


def _endless(machine: Machine) -> Iterator[str]:
    """`Poll loops for ever`: a thread that no step of its own leads to its end, as if by design."""
    ends = {
        (item.context, name)
        for item in machine.transitions
        for name, value in item.updates
        if value == END
    }
    for item in machine.contexts:
        if (
            item.kind is ContextKind.THREAD
            and item.counter
            and (item.name, item.counter) not in ends
        ):
            yield f"{item.name} loops for ever"


def _processors(machine: Machine) -> set[str]:
    """The processors that have slots."""
    slots = (SLOT.fullmatch(item.name) for item in machine.contexts)
    return {slot["processor"] for slot in slots if slot}


def _slots(names: Iterable[str], processors: set[str]) -> Iterator[str]:
    """`names`, with one for all slots of a kind; it says where they are, unless everywhere."""
    places: dict[str, list[str]] = {}
    for name in names:
        slot = SLOT.fullmatch(name)
        found = places.setdefault(slot["name"] if slot else name, [])
        if slot:
            found.append(slot["processor"])
    for name, found in places.items():
        everywhere = not found or processors == {*found}
        yield name if everywhere else f"{name} on {', '.join(found)}"


def _knobs(knobs: Knobs) -> Iterator[str]:
    """The knobs that are not at their defaults, and those whose default is to look both ways."""
    either = [knob.name for knob in KNOBS if knobs[knob.name] == "either"]
    if either:
        yield f"knob{'s' * (len(either) > 1)} {', '.join(either)} both ways"
    for knob in KNOBS:
        if knobs[knob.name] not in (knob.default, "either"):
            yield f"knob {knob.name}={knobs[knob.name]}"


def _properties(names: Iterable[str] | None) -> str:
    if names is None:
        return f"all {len(PROPERTIES)} properties"
    return "only " + ", ".join(names)


def _not_asked(program: Program, names: Iterable[str] | None) -> Iterator[str]:
    """Devices that do not say what work they hold: nobody can tell whether an interrupt is lost."""
    if names is not None and LOST not in names:
        return
    silent = [item.object for item in program.devices if item.line and not item.waiting]
    if silent:
        verb = "has" if len(silent) == 1 else "have"
        yield f"lost interrupts not looked for: {', '.join(silent)} {verb} no waiting routine"


def _saturated(program: Program) -> Iterator[str]:
    for item in program.objects:
        for field in item.fields:
            if field.saturating:
                name = readable(f"{item.name}.{field.name}")
                yield f"{name} stays at its bound instead of passing it"


def _ready(program: Program) -> str:
    """The locks and timers that the pattern uses and never initialises."""
    names = {item.name for item in program.objects if item.type in INITIALIZED_BY}
    calls = [
        node.instruction
        for routine in program.routines
        for node in routine.nodes
        if isinstance(node.instruction, Call)
    ]
    initialised = {item for call in calls if _initialises(call) for item in call.arguments}
    used = {item for call in calls for item in call.arguments} - initialised
    listed = sorted(names & {str(item.value) for item in used if isinstance(item, Constant)})
    if not listed or any(not isinstance(item, Constant) for item in initialised):
        return ""
    return f"{', '.join(map(readable, listed))} taken as initialised by code left out"


def _initialises(call: Call) -> bool:
    """Whether the call makes a lock or a timer ready."""
    name = call.routine.value if isinstance(call.routine, Constant) else ""
    return str(name).startswith(tuple(INITIALIZED_BY.values()))


def _cut(rules: tuple[str, ...]) -> str:
    """Rules at which behaviours ended unasked."""
    if not rules:
        return ""
    return f"behaviours end where these rules, not asked for, are broken: {', '.join(rules)}"
