"""Properties that ask nothing in a scenario, or only in part of it, and why."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from dirql.model.algebra import is_false, substitute, variables_of
from dirql.model.driver import Program
from dirql.model.expr import Expression
from dirql.model.machine import Machine
from dirql.model.scenario import Scenario
from dirql.model.system import System

from .trace_words import readable

LOST = "unserviced-cause"
"""The property that asks what a device still holds."""

LEFT = {"interrupt-left-connected": "interrupts", "queue-left-pending": "queues"}
"""The properties about a driver that is gone, with what of `System` they are about."""


@dataclass(frozen=True, slots=True)
class NotAsked:
    """A property that asks nothing here, or `only_after_failed_start`, and the reason."""

    property: str
    reason: str
    only_after_failed_start: bool = False


def not_asked(
    system: System,
    program: Program,
    scenario: Scenario,
    names: Collection[str] | None,
    taken: Collection[int] | None = None,
) -> tuple[NotAsked, ...]:
    """Which of the properties called `names` (`None`: all) ask nothing, or little.

    `taken` are the transitions that a search found enabled, `None` if none was made.
    """
    return tuple(
        item
        for item in (*_silent(program), *_never_gone(system, scenario, taken))
        if names is None or item.property in names
    )


def _silent(program: Program) -> Iterator[NotAsked]:
    """Devices that do not say what work they hold: nobody can tell whether an interrupt is lost."""
    silent = [item.object for item in program.devices if item.line and not item.waiting]
    if silent:
        verb = "declares" if len(silent) == 1 else "declare"
        yield NotAsked(LOST, f"{', '.join(map(readable, silent))} {verb} no `waiting` routine")


def _never_gone(
    system: System, scenario: Scenario, taken: Collection[int] | None
) -> Iterator[NotAsked]:
    """What is asked of a driver that is gone, where it never is, or only after a failed start."""
    found = _why_never_gone(system, scenario, taken)
    if found is not None:
        reason, after_failed_start = found
        for name, what in LEFT.items():
            if getattr(system, what):
                yield NotAsked(name, reason, after_failed_start)


def _why_never_gone(
    system: System, scenario: Scenario, taken: Collection[int] | None
) -> tuple[str, bool] | None:
    """Why the driver is never removed, and whether a failed start is judged all the same."""
    may_fail = _comes_about(system.failed, system.machine, taken)
    if scenario.finally_ is None:
        return "the scenario has no `finally_`", may_fail
    ends = _comes_about(system.removed, system.machine, taken)
    endless = [name for name in system.notes.endless if name != scenario.finally_.routine]
    if endless:
        verb = "loops" if len(endless) == 1 else "loop"
        reason = f"{', '.join(endless)} {verb} for ever, and `finally_` waits for it"
        return reason, ends and may_fail
    if not ends:
        return f"{scenario.finally_.routine} never returns", False
    return None


def _comes_about(condition: Expression, machine: Machine, taken: Collection[int] | None) -> bool:
    """Whether a step that was taken can make `condition`, false at first, true."""
    reads = variables_of(condition)
    steps = (
        dict(item.updates)
        for index, item in enumerate(machine.transitions)
        if taken is None or index in taken
    )
    return any(
        not reads.isdisjoint(updates) and not is_false(substitute(condition, updates))
        for updates in steps
    )
