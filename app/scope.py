"""What a verdict speaks of: a proof about something other than the driver is worth nothing."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from dirql.model.driver import Program
from dirql.model.expr import Constant
from dirql.model.kernel.dispatch import calls_for_nothing
from dirql.model.kernel.knobs import KNOBS, Knobs
from dirql.model.machine import ContextKind, Machine
from dirql.model.routine import Call
from dirql.model.system import System
from dirql.properties import PROPERTIES

from .defaults import Default
from .not_asked import LOST, NotAsked
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

SPURIOUS_CALLS = "spurious_calls"

SLOT = re.compile(r"(?P<name>.*)@(?P<processor>P\d+)")
"""What tells the slots of one kind on several processors apart."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found of the scope.

    Attributes:
        cutting_rules: rules that were not asked and yet ended behaviours.
        not_asked: properties that ask nothing in this scenario.
        waived: properties that are broken on purpose.
    """

    cutting_rules: tuple[str, ...] = ()
    not_asked: tuple[NotAsked, ...] = ()
    waived: tuple[str, ...] = ()


NOTHING = Found()


def scope_of(
    system: System,
    program: Program,
    knobs: Knobs,
    properties: tuple[str, ...] | None,
    found: Found = NOTHING,
) -> tuple[str, ...]:
    """The scope of a check, one phrase each; `properties` that were checked is `None` for all."""
    return tuple(
        phrase
        for phrase in (
            *_contexts(system.machine),
            *(f"{name} loops for ever" for name in system.notes.endless),
            *_knobs(knobs, _explored(system)),
            _not_called(system, knobs),
            _properties(properties),
            *_not_asked(found.not_asked),
            *_saturated(program),
            _ready(program, system.notes.locks),
            _cut(found.cutting_rules),
            f"waived: {', '.join(found.waived)}" if found.waived else "",
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


def _knobs(knobs: Knobs, mattering: Collection[str]) -> Iterator[str]:
    """The knobs that are not at their defaults, and those of which both answers were explored."""
    either = [
        knob.name for knob in KNOBS if knobs[knob.name] == "either" and knob.name in mattering
    ]
    if either:
        yield f"{', '.join(either)}: both answers"
    for knob in KNOBS:
        if knobs[knob.name] not in (knob.default, "either"):
            yield f"knob {knob.name}={knobs[knob.name]}"


def _explored(system: System) -> Collection[str]:
    """The knobs of which the machine shows every answer that is in force."""
    asked = system.notes.knobs
    return asked if calls_for_nothing(system.machine) else asked - {SPURIOUS_CALLS}


def _not_called(system: System, knobs: Knobs) -> str:
    """Why no service routine is called for nothing, though the knob would allow it."""
    if (
        knobs[SPURIOUS_CALLS] != "either"
        or SPURIOUS_CALLS not in system.notes.knobs
        or calls_for_nothing(system.machine)
    ):
        return ""
    if any(line.shared and line.objects for line in system.lines):
        return "spurious calls not explored (shared line)"
    if knobs["disconnect_waits_for_isr"] != "yes":
        return "spurious calls not explored (a disconnect does not wait)"
    return ""


def _properties(names: Iterable[str] | None) -> str:
    if names is None:
        return f"all {len(PROPERTIES)} properties"
    return "only " + ", ".join(names)


def _not_asked(properties: Iterable[NotAsked]) -> Iterator[str]:
    """Properties that ask nothing in this scenario, those of one reason together."""
    together: dict[tuple[str, bool], list[str]] = {}
    for item in properties:
        if item.property == LOST:
            yield f"lost interrupts not checked ({item.reason})"
        else:
            key = item.reason, item.only_after_failed_start
            together.setdefault(key, []).append(item.property)
    for (reason, after_failed_start), names in together.items():
        when = "asked only after a start that failed" if after_failed_start else "not asked"
        yield f"{when}: {', '.join(names)} ({reason})"


def rests_on(found: Iterable[Default]) -> Iterator[str]:
    """What a verdict `holds` rests on, and what it does not, one phrase each."""
    said: dict[str, list[str]] = {}
    for item in found:
        if item.verdict == "violated":
            yield (
                f"rests on {item.knob}={item.value} "
                f"(with {item.knob}={item.other}: violated {item.property})"
            )
        else:
            without = " (without spurious calls)" if item.quieter else ""
            said.setdefault(item.verdict, []).append(f"{item.knob}={item.other}{without}")
    for verdict, settings in said.items():
        yield f"{'also holds' if verdict == 'holds' else verdict} with {', '.join(settings)}"


def _saturated(program: Program) -> Iterator[str]:
    for item in program.objects:
        for field in item.fields:
            if field.saturating:
                name = readable(f"{item.name}.{field.name}")
                yield f"{name} stays at its bound instead of passing it"


def _ready(program: Program, handed_in: Iterable[str]) -> str:
    """The locks and timers that the pattern uses, or hands to a connect call, uninitialised."""
    names = {item.name for item in program.objects if item.type in INITIALIZED_BY}
    calls = [
        node.instruction
        for routine in program.routines
        for node in routine.nodes
        if isinstance(node.instruction, Call)
    ]
    initialised = {item for call in calls if _initialises(call) for item in call.arguments}
    used = {item for call in calls for item in call.arguments} - initialised
    named = {str(item.value) for item in used if isinstance(item, Constant)}
    ready = {str(item.value) for item in initialised if isinstance(item, Constant)}
    listed = sorted(names & (named | {*handed_in} - ready))
    if not listed or any(not isinstance(item, Constant) for item in initialised):
        return ""
    return f"{', '.join(map(readable, listed))} assumed to be initialised elsewhere"


def _initialises(call: Call) -> bool:
    """Whether the call makes a lock or a timer ready."""
    name = call.routine.value if isinstance(call.routine, Constant) else ""
    return str(name).startswith(tuple(INITIALIZED_BY.values()))


def _cut(rules: tuple[str, ...]) -> str:
    """Rules at which behaviours ended unasked."""
    if not rules:
        return ""
    return f"behaviours end where these rules, not asked for, are broken: {', '.join(rules)}"
