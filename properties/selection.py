"""Asking a machine for some of the properties, or for all.

Leaving a *rule* out must not change what can happen. Where a free build goes on behind a broken
rule (`Grade`), the behaviour goes on: a check of such a rule that is not asked is simply left out.
Where Windows would have stopped, the behaviour still ends; it is only not reported. So for each
check of a crash that is not asked:

* The step gets one more guard atom, and is not taken where the rule would be broken. (Where a
  check that is asked fails as well, the step stays enabled, so that nothing asked is missed.)
* A *cut* is added behind the machine's own transitions: a step that is enabled exactly where the
  rule would be broken, changes nothing, and is owed. A state with a cut is therefore not
  quiescent: what should have happened next did not come to rest, Windows stopped it. It costs
  no states, and the indices of the machine's own transitions stay what they are. A cut touches
  what its step touches, and races where that does.
* The goal of each progress condition also holds where a cut is enabled: a context behind a cut is
  not stuck, and neither is one that waits for it. A context that is stuck whatever the others do,
  but can always be overtaken by a broken rule, is thus not reported; ask for the rule as well.

Cuts among the transitions an engine has `taken` name the rules that ended behaviours.
`MODEL_BOUND` is not a rule, and its checks always stay.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dirql.model.algebra import atoms, conjunction, disjunction, is_false, negation
from dirql.model.expr import Expression
from dirql.model.grade import SURVIVED, Grade
from dirql.model.machine import (
    MODEL_BOUND,
    Check,
    Invariant,
    Machine,
    Progress,
    Transition,
)
from dirql.model.system import System

from .property import Kind, Property, UnknownPropertyError


@dataclass(frozen=True, slots=True)
class _Cut:
    """An added transition and the rule, not asked, that ends behaviours there."""

    rule: str
    transition: Transition


def select(
    properties: Sequence[Property], system: System, names: Collection[str] | None
) -> Machine:
    """The machine of `system` with the conditions of the properties called `names` (`None`: all).

    Raises:
        UnknownPropertyError: a name is not one of `properties`.
    """
    known = {item.name for item in properties}
    for name in names or ():
        if name not in known:
            raise UnknownPropertyError(name, known)
    asked = [item for item in properties if names is None or item.name in names]
    machine = system.machine
    rules = None if names is None else frozenset(names) | {MODEL_BOUND}
    cuts = _cuts(machine.transitions, rules)
    ended = disjunction(*(_enabled(cut.transition) for cut in cuts))
    conditions = [condition for item in asked for condition in item.conditions(system)]
    last = {item.name for item in asked if item.kind is not Kind.PROGRESS}
    progress = sorted(
        (*machine.progress, *(item for item in conditions if isinstance(item, Progress))),
        # a stuck context is the better story; conditions that count the same steps come together
        key=lambda item: (item.property in last, item.owed),
    )
    return replace(
        machine,
        transitions=(
            *(_guarded(_going_on(step, rules), rules) for step in machine.transitions),
            *(cut.transition for cut in cuts),
        ),
        invariants=(
            *machine.invariants,
            *(item for item in conditions if isinstance(item, Invariant)),
        ),
        progress=tuple(replace(item, goal=disjunction(item.goal, ended)) for item in progress),
        races=tuple(item.name for item in asked if item.kind is Kind.RACE),
    )


def rules_that_cut(
    system: System, names: Collection[str] | None, taken: Collection[int]
) -> tuple[str, ...]:
    """The rules that were not asked and ended behaviours, for a machine of `select`.

    `taken` are the indices of the transitions that an engine found enabled.
    """
    if names is None:
        return ()
    steps = system.machine.transitions
    cuts = _cuts(steps, frozenset(names) | {MODEL_BOUND})
    found = {cut.rule for index, cut in enumerate(cuts, len(steps)) if index in taken}
    return tuple(sorted(found))


def without(machine: Machine, names: Collection[str], grades: Mapping[str, Grade]) -> Machine:
    """`machine`, not asked for the properties called `names`; `dirql.properties` says more.

    Raises:
        ValueError: one of the names is a crash.
    """
    crashes = sorted(name for name in names if grades.get(name, Grade.CRASH) is Grade.CRASH)
    if crashes:
        raise ValueError(f"behaviours end at {', '.join(crashes)}, whether asked or not")
    if not names:
        return machine
    return replace(
        machine,
        transitions=tuple(_without(step, names) for step in machine.transitions),
        invariants=tuple(item for item in machine.invariants if item.property not in names),
        progress=tuple(item for item in machine.progress if item.property not in names),
        races=tuple(name for name in machine.races if name not in names),
    )


def going_on(machine: Machine) -> Machine:
    """`machine` without the checks that a free build survives."""
    return replace(
        machine, transitions=tuple(_without(step, SURVIVED) for step in machine.transitions)
    )


def _without(step: Transition, names: Collection[str]) -> Transition:
    """`step` without the checks of the rules called `names`."""
    kept = tuple(check for check in step.checks if check.property not in names)
    return step if len(kept) == len(step.checks) else replace(step, checks=kept)


def _going_on(step: Transition, rules: frozenset[str] | None) -> Transition:
    """`step` without the checks that a free build survives and that are not among `rules`."""
    return step if rules is None else _without(step, SURVIVED - rules)


def _cuts(steps: Iterable[Transition], rules: frozenset[str] | None) -> tuple[_Cut, ...]:
    """One cut for each check of a crash outside `rules` that can fail."""
    return tuple(
        _Cut(
            check.property,
            replace(
                step,
                name=f"{step.name} (breaks {check.property})",
                guard=(*step.guard, *atoms(negation(check.condition))),
                updates=(),
                checks=(),
            ),
        )
        for step in steps
        for check in _unasked(step, rules)
    )


def _guarded(step: Transition, rules: frozenset[str] | None) -> Transition:
    """`step`, kept from breaking a rule outside `rules` unless it breaks one inside as well."""
    unasked = _unasked(step, rules)
    if not unasked:
        return step
    asked = tuple(check for check in step.checks if check not in unasked)
    holds = conjunction(*(check.condition for check in unasked))
    breaks = (negation(check.condition) for check in asked)
    return replace(step, guard=(*step.guard, disjunction(holds, *breaks)), checks=asked)


def _unasked(step: Transition, rules: frozenset[str] | None) -> tuple[Check, ...]:
    """The checks of `step` that are not asked, can fail, and end the behaviour where they do."""
    return tuple(
        check
        for check in step.checks
        if rules is not None
        and check.property not in rules | SURVIVED
        and not is_false(negation(check.condition))
    )


def _enabled(step: Transition) -> Expression:
    return conjunction(*step.guard, *step.scheduling)
