"""What a proof found, as plain data: what holds, what was not proved, and why."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from dirql.model.domain import Value
from dirql.model.expr import Expression
from dirql.model.machine import Invariant

NamedState: TypeAlias = tuple[tuple[str, Value], ...]
"""(variable, value) pairs in the order of the machine."""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """Why a proof failed, which is not a bug: the first of `states` need not be reachable.

    Attributes:
        states: consecutive states. A claim holds in all but the last; a rule is broken, or a
            domain left, by the next step from the last.
        transition: index of the step into the last state, or of the step that breaks the rule;
            `None` when the first state is initial, or when the state itself is the answer.
        reason: one sentence that says which of these it is.
    """

    states: tuple[NamedState, ...]
    transition: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """A claim that is not inductive, at least not with those that were left.

    `round` is 0 when it is false in a behaviour (the counterexample is that behaviour), 1 when it
    fails although every claim left by round 0 is assumed, and more when it fails only because
    others have been dropped. `counterexample` is `None` when the solver ran out of time.
    """

    claim: Invariant
    round: int
    counterexample: Counterexample | None


class Kind(Enum):
    """What a goal claims."""

    INVARIANT = "invariant"
    """The condition holds in every reachable state."""
    QUIESCENT = "quiescent"
    """The condition holds in every reachable quiescent state."""
    CHECK = "check"
    """No step breaks this rule."""
    DOMAIN = "domain"
    """The step stores no value outside the domain of its variable."""
    RACE = "race"
    """The two contexts never stand before their accesses at once."""
    PROGRESS = "progress"
    """Something can still happen: proved only where it is never waited for."""


@dataclass(frozen=True, slots=True)
class Goal:
    """Something to be proved: proved or not, and if not, why.

    Attributes:
        kind: what it claims.
        property: the property it belongs to; empty for domains.
        detail: the sentence of the invariant or check, or the name of the step.
        transition: index of the step of a check or domain, else `None`.
        proved: whether it holds in every behaviour.
        counterexample: where the proof fails; `None` when proved or out of time.
        everywhere: whether it holds in every state, reachable or not, so that no invariant was
            needed.
    """

    kind: Kind
    property: str
    detail: str
    transition: int | None
    proved: bool
    counterexample: Counterexample | None = None
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proved of a machine.

    Attributes:
        machine: its name.
        steps: the k of k-induction; 1 is plain induction.
        assumptions: what was taken for granted in every state.
        invariants: the claims that are inductive together, goals among them not included.
        dropped: the claims that are not, in the order they failed.
        goals: what was to be proved.
        questions: how often the solver was asked.
        seconds: wall time.
        unfinished: which limit kept more from being tried; empty while none did.
    """

    machine: str
    steps: int
    assumptions: tuple[Expression, ...]
    invariants: tuple[Invariant, ...]
    dropped: tuple[Dropped, ...]
    goals: tuple[Goal, ...]
    questions: int
    seconds: float
    unfinished: str = ""

    @property
    def complete(self) -> bool:
        """Whether every goal was proved."""
        return all(goal.proved for goal in self.goals)
