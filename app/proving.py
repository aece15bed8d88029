"""`dirql prove`: induction instead of exploration, for all values of parameters at once."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dirql.explorer.engine import Limits
from dirql.explorer.patience import LimitReached, left, settle
from dirql.explorer.symbolic.induction import prove
from dirql.explorer.symbolic.lemmas import MOST_STATES, PATIENCE, lemmas
from dirql.explorer.symbolic.observed import LEMMA
from dirql.explorer.symbolic.proof import Counterexample, Goal, Kind, Proof
from dirql.model.domain import Value
from dirql.model.machine import MODEL_BOUND, Invariant, Machine
from dirql.properties import (
    PROPERTIES,
    Grade,
    apply,
    deadlock_goals,
    kernel_invariants,
    rules_that_cut,
)
from dirql.properties.property import Kind as PropertyKind

from . import toolbox
from .answers import Subject
from .not_asked import LEFT, NotAsked, not_asked
from .progress import working
from .report import count
from .trace_words import is_bookkeeping, readable, value_text

USUAL_GOALS = (
    "irql-too-high",
    "irql-too-low",
    "lock-cycle",
    "preemption-deadlock",
    "recursive-lock-acquire",
    "synchronize-on-dead-interrupt",
    "wait-at-dispatch-level",
)
"""No context waits in a circle, and no lock is taken where its contract forbids it: at a level too
high, by its own owner, of an interrupt object that is not connected."""

SHARE = 0.6
"""Part of the time that is left in which lemmas are looked for; then they are tried."""

LITTLE = 5.0
"""Seconds for looking where behaviours end, when a limit has been reached already."""

MOST_VALUES = 12
"""Variables shown of a state from which a proof fails."""


@working("proving")
def prove_subject(subject: Subject, names: Sequence[str]) -> Proof:
    """Prove the properties called `names` of what `subject` describes.

    With the kernel invariants alone if they are enough, else with lemmas learnt from the states
    that the driver can reach. That the limits of the model are never reached is always a goal:
    behaviours end there, and nothing is proved of what would follow.
    """
    machine = apply(subject.system, None)
    goals = [item for item in deadlock_goals(subject.system) if item not in machine.invariants]
    extended = replace(machine, invariants=(*machine.invariants, *goals))
    kernel = kernel_invariants(subject.system)
    wanted = (*names, MODEL_BOUND)
    started = time.monotonic()
    found = prove(extended, kernel, properties=wanted)
    hoped = {item.property for item in machine.progress if item.quiescent}
    if any(
        not goal.proved and (goal.kind is not Kind.PROGRESS or goal.property in hoped)
        for goal in found.goals
    ):
        try:
            found = _with_lemmas(extended, kernel, wanted, found)
        except LimitReached as limit:  # what was proved without lemmas stays proved
            settle()
            found = replace(found, unfinished=str(limit))
    return replace(found, seconds=time.monotonic() - started)


def _with_lemmas(
    machine: Machine, kernel: Sequence[Invariant], names: Sequence[str], first: Proof
) -> Proof:
    """The proof with lemmas for what the `first` one could not prove."""
    seconds = min(PATIENCE, SHARE * left())
    learnt = lemmas(machine, first.invariants, names, seconds=seconds)
    found = prove(machine, (*kernel, *learnt), properties=names)
    return replace(found, questions=first.questions + found.questions)


@dataclass(frozen=True, slots=True)
class Cuts:
    """The crashes at which behaviours end: what lies behind them is in no state of the machine.

    `certain` says that they were found in reachable states; otherwise they may be there.
    """

    rules: tuple[str, ...]
    certain: bool = True

    def before(self, name: str) -> bool:
        """Whether the property called `name` could also be broken where behaviours have ended."""
        return any(rule != name for rule in self.rules)


@working("looking where behaviours end")
def cuts_of(subject: Subject, proof: Proof) -> Cuts:
    """Where behaviours end, whatever is asked.

    That is explored, as `dirql check` does; of a space too large for that, each rule counts that
    the invariants of `proof` do not exclude. Where a limit leaves no time to ask, every one may be
    broken.
    """
    try:
        return _cuts_of(subject, proof)
    except LimitReached:
        settle()
        return Cuts(_crashes(), certain=False)


def _crashes() -> tuple[str, ...]:
    return tuple(item.name for item in PROPERTIES if item.grade is Grade.CRASH)


def _cuts_of(subject: Subject, proof: Proof) -> Cuts:
    machine = apply(subject.system, ())
    engine = toolbox.engine(toolbox.EngineChoice())
    seconds = LITTLE if proof.unfinished else None
    result = engine.check(machine, Limits(states=MOST_STATES, seconds=seconds))
    rules = rules_that_cut(subject.system, (), result.statistics.taken)
    if not result.limited:
        return Cuts(rules)
    whole = apply(subject.system, None)
    wanted = _crashes()
    if proof.unfinished:  # there is no time to ask
        return Cuts(wanted, certain=False)
    again = prove(replace(whole, invariants=()), proof.invariants, properties=wanted)
    possible = {
        item.property for item in again.goals if item.kind is Kind.CHECK and not item.proved
    }
    return Cuts(tuple(sorted(possible.union(rules))), certain=possible <= {*rules})


def all_names() -> tuple[str, ...]:
    """The names of everything that induction can speak of."""
    return tuple(item.name for item in PROPERTIES if item.kind is not PropertyKind.PROGRESS)


NO_CUTS = Cuts(())


def told(subject: Subject, proof: Proof, names: Sequence[str], cuts: Cuts) -> str:
    """The `proof` of the properties called `names` as text, with what they do not ask."""
    asked = subject.asked
    silent = not_asked(subject.system, asked.pattern.program, asked.scenario, names)
    return proof_text(proof, subject.machine, names, cuts, silent)


def proof_text(
    proof: Proof,
    machine: Machine,
    names: Sequence[str],
    cuts: Cuts = NO_CUTS,
    silent: Sequence[NotAsked] = (),
) -> str:
    """What was proved, property by property, and where a proof failed from which state.

    Of the `silent` properties nothing, or less, was to be proved.
    """
    quiet = {item.property: item for item in silent}
    return "\n".join(_proof_text(proof, machine, names, cuts, quiet))


def _proof_text(
    proof: Proof,
    machine: Machine,
    names: Sequence[str],
    cuts: Cuts,
    silent: Mapping[str, NotAsked],
) -> Iterator[str]:
    width = max(len(name) for name in names)
    beyond = [goal for goal in _goals(proof, MODEL_BOUND) if not goal.proved]
    proved = "proved up to a limit of the model" if beyond else "proved"
    for name in names:
        goals = _goals(proof, name)
        open_goals = [goal for goal in goals if not goal.proved]
        part = silent.get(name)
        if part is not None and (name in LEFT or not goals) and not part.only_after_failed_start:
            yield f"  {name:<{width}}  not asked: {part.reason}"
        elif cuts.before(name) and not open_goals:
            before = f"{_places(goals)} before one cannot" if goals else "no step before one can"
            yield f"  {name:<{width}}  not proved behind a crash; {before} break it"
        elif not goals:
            yield f"  {name:<{width}}  {proved}: no step or state of this driver can break it"
        elif not open_goals:
            places = f"{_places(goals)}{_by_induction(goals)}"
            yield f"  {name:<{width}}  {proved} ({places}){_in_part(part)}"
        elif not (open_places := _without_rest(open_goals)):
            yield f"  {name:<{width}}  not proved: {_hope(goals)}; ask check"
        else:
            yield f"  {name:<{width}}  not proved ({len(open_places)} of {_places(goals)})"
            yield from (f"    {line}" for line in _why(open_places[0], machine))
    if cuts.rules:
        yield f"  behaviours {'' if cuts.certain else 'may '}end where these rules are broken:"
        yield f"    {', '.join(cuts.rules)}"
    if beyond:
        yield "  a limit of the model may be reached, and what follows is not covered:"
        yield from (f"    {line}" for line in _why(beyond[0], machine))
    domains = [goal for goal in proof.goals if not goal.property and not goal.proved]
    if domains:
        yield f"  {len(domains)} steps may store a value outside its domain: {domains[0].detail}"
    if proof.unfinished:
        yield f"  not tried to the end: {proof.unfinished} while lemmas were looked for"
    learnt = len(_lemmas(proof))
    lemma_count = f" and {count(learnt, 'lemma')}" if learnt else ""
    yield (
        f"  {count(len(proof.invariants) - learnt, 'kernel invariant')}{lemma_count} inductive, "
        f"{len(proof.dropped)} dropped; {proof.questions} questions to the solver, "
        f"{proof.seconds:.1f} s"
    )


def _in_part(silent: NotAsked | None) -> str:
    """Of what little something was proved."""
    if silent is None:
        return ""
    part = "asked only after a start that failed: " if silent.only_after_failed_start else ""
    return f"; {part}{silent.reason}"


def _hope(goals: Sequence[Goal]) -> str:
    """Why goals are open although everything else is proved of the property."""
    if any(goal.kind is Kind.QUIESCENT for goal in goals):
        return "induction does not show that the driver comes to rest"
    return "induction does not speak of progress"


def lemma_text(proof: Proof) -> str:
    """The lemmas of a proof, one a line."""
    return "\n".join(f"  lemma: {readable(item.detail)}" for item in _lemmas(proof))


def _lemmas(proof: Proof) -> list[Invariant]:
    return [item for item in proof.invariants if item.property == LEMMA]


def _goals(proof: Proof, name: str) -> list[Goal]:
    return [goal for goal in proof.goals if goal.property == name]


def _without_rest(goals: Sequence[Goal]) -> list[Goal]:
    """Those that are places: that the driver comes to rest is none."""
    return [goal for goal in goals if goal.kind is not Kind.PROGRESS]


def _by_induction(goals: Sequence[Goal]) -> str:
    """How many of them do not hold in any state whatever, so that invariants were needed."""
    places = _without_rest(goals)
    needing = sum(not goal.everywhere for goal in places)
    if len(places) == 1:
        return ", by induction" if needing else ", by itself"
    return f", {needing} of them by induction" if needing else ", each by itself"


def _places(goals: Sequence[Goal]) -> str:
    """How many there are."""
    return count(len(_without_rest(goals) or goals), "place")


def _why(goal: Goal, machine: Machine) -> Iterator[str]:
    """The first failure: not a bug, a state that the invariants do not exclude."""
    yield goal.detail
    found = goal.counterexample
    if found is None:
        yield "the solver gave up: its time ran out"
        return
    yield f"{found.reason}; the state need not be reachable"
    if found.transition is not None:
        step = machine.transitions[found.transition]
        yield f"step: {step.context}: {step.name}"
    yield f"state: {', '.join(_state(found))}"


def _state(found: Counterexample) -> Iterator[str]:
    """The values that matter most to a reader: where contexts are, and what is not at rest."""
    shown = [(name, value) for name, value in found.states[-1] if _tells(name, value)]
    for name, value in shown[:MOST_VALUES]:
        yield f"{readable(name)} = {value_text(value)}"
    if len(shown) > MOST_VALUES:
        yield f"and {len(shown) - MOST_VALUES} more"


def _tells(name: str, value: Value) -> bool:
    return is_bookkeeping(name) or value not in (False, 0, "none", "NULL")
