"""A behaviour of one context from one visible point to the next, executed symbolically.

A `Path` starts at a location, takes the one visible action there, and runs through everything that
only touches locals, up to the next visible action. What it went through becomes one transition:
its guard, its updates, its checks. Where a local condition depends on data, the path forks.
"""

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeAlias

from ..algebra import (
    atoms,
    conjunction,
    disjunction,
    equal,
    if_then_else,
    interval,
    is_false,
    member,
    negation,
    not_equal,
    same_value,
    substitute,
)
from ..domain import Domain, Range
from ..expr import (
    FALSE,
    TRUE,
    And,
    Compare,
    Constant,
    Expression,
    IfThenElse,
    Member,
    Not,
    Or,
    Read,
)
from ..grade import SURVIVED
from ..inspection import is_integer
from ..kernel.callbacks import Callback
from ..kernel.rule import Held, Micro, Step
from ..language.words import compared
from ..machine import Access, Check, Choice, Source
from ..routine import NULL, Routine
from .flow import NOTHING, Flow, Marks, Touch


def numeric(expression: Expression) -> Expression:
    """`expression` with truth tests of values of either kind settled.

    "Not zero and not NULL" is asked where the front end cannot tell a number from a reference.
    Once locals are replaced it can be told: references are constants, everything else is a number,
    and no number is the address of an object.
    """
    match expression:
        case Not(operand):
            return negation(numeric(operand))
        case And(operands):
            return conjunction(*map(numeric, operands))
        case Or(operands):
            return disjunction(*map(numeric, operands))
        case IfThenElse(condition, then, otherwise):
            return if_then_else(numeric(condition), numeric(then), numeric(otherwise))
        case Compare("==" | "!=" as operator, left, right) if _is_label(left) != _is_label(right):
            same = _is_address(*((left, right) if _is_label(left) else (right, left)))
            return same if operator == "==" else negation(same)
        case Member(Constant(value), values):
            return Constant(any(same_value(value, item) for item in values))
        case Member(operand, values):
            numbers = [item for item in values if not isinstance(item, str)]
            mixed = 0 < len(numbers) < len(values)
            return member(operand, numbers) if mixed else expression
        case _:
            return expression


def _is_label(expression: Expression) -> bool:
    return isinstance(expression, Constant) and isinstance(expression.value, str)


def _is_address(label: Expression, number: Expression) -> Expression:
    """Whether a number is the address called `label`: 0 is NULL, and no other is one."""
    return equal(number, Constant(0)) if label == Constant(NULL) else FALSE


def never(condition: Expression, domains: Mapping[str, Domain]) -> bool:
    """Whether the bounds of what `condition` compares show that it is false in every state."""
    match condition:
        case Compare("<" | "<=" as operator, left, right):
            lowest, highest = interval(left, domains).low, interval(right, domains).high
            return lowest >= highest if operator == "<" else lowest > highest
        case And(operands):
            return any(never(item, domains) for item in operands)
        case Or(operands):
            return all(never(item, domains) for item in operands)
        case _:
            return is_false(condition)


def ends(check: Check) -> bool:
    """Whether a step with this check is certainly the last: false, and no free build goes on."""
    return is_false(check.condition) and check.property not in SURVIVED


def within(condition: Expression, domains: Mapping[str, Domain]) -> Expression:
    """`condition` without what the bounds of its operands show to hold or to be out of reach."""
    match condition:
        case Not(operand):
            return negation(within(operand, domains))
        case And(operands):
            return conjunction(*(within(item, domains) for item in operands))
        case Or(operands):
            return disjunction(*(within(item, domains) for item in operands))
        case Compare("<" | "<=") if never(negation(condition), domains):
            return TRUE
        case Member(operand, values) if all(map(is_integer, values)):
            bounds = interval(operand, domains)
            return member(operand, [x for x in values if bounds.low <= int(x) <= bounds.high])
        case _:
            return condition


@dataclass(slots=True)
class RoutineActivation:
    """A driver routine on the stack of a path; `locals` maps each local to what it holds.

    `role` is what Windows calls it as, `None` where the driver itself calls it.
    """

    routine: Routine
    node: int
    locals: dict[str, Expression]
    role: Callback | None
    entry_irql: int
    entry_held: tuple[Held, ...]
    serves: str = ""
    flow: Flow = field(default_factory=lambda: Flow(0))

    def clone(self) -> "RoutineActivation":
        """An independent copy."""
        other = copy(self)
        other.locals = dict(self.locals)
        other.flow = self.flow.clone()
        return other

    def value(self, expression: Expression, domains: Mapping[str, Range]) -> Expression:
        """`expression` over locals as one over the machine's variables, which have `domains`."""
        return numeric(substitute(expression, self.locals, partial(compared, domains)))


@dataclass(slots=True)
class KernelActivation:
    """A kernel routine on the stack of a path; its result rests on `rests_on`."""

    routine: str
    micros: tuple[Micro, ...]
    result: Expression | None
    source: Source
    rests_on: Marks = NOTHING

    def clone(self) -> "KernelActivation":
        """An independent copy."""
        return copy(self)


Activation = RoutineActivation | KernelActivation

SERVED, QUEUED = "served", "queued"
"""What a service routine has done for its device: made it let go, or queued work."""

Mark: TypeAlias = tuple[int, str, int, frozenset[tuple[str, object]]]
"""Where a path has been: height of the stack, routine, node, and the known locals there."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What must hold of the locals at a line of the driver."""

    check: Check
    source: Source


@dataclass(slots=True)
class Path:
    """What has happened so far, and what is on the stack.

    `claims` are to be settled before it goes on.
    `ends` tells that the next step only breaks a rule, so no local is needed any more.
    `takes` and `waits_on` name the spin lock or dispatcher object that its kernel step needs.
    `atomic_base` is the height of the stack under a device routine that runs as one step.
    """

    stack: list[Activation]
    irql: int
    pinned: bool
    held: tuple[Held, ...]
    handled: str
    raised: tuple[int, ...] = ()
    acted: bool = False
    atomic_base: int | None = None
    failed: bool = False
    ends: bool = False
    spontaneous: bool = False
    name: str = ""
    rule: str = ""
    source: Source = field(default_factory=Source)
    opaque: str = ""
    choices: tuple[Choice, ...] = ()
    lucky: bool = False
    takes: str = ""
    waits_on: str = ""
    guard: list[Expression] = field(default_factory=list[Expression])
    updates: dict[str, Expression] = field(default_factory=dict[str, Expression])
    checks: list[Check] = field(default_factory=list[Check])
    claims: list[Claim] = field(default_factory=list[Claim])
    accesses: list[Access] = field(default_factory=list[Access])
    touches: list[Touch] = field(default_factory=list[Touch])
    seen: set[Mark] = field(default_factory=set[Mark])
    result: Expression | None = None

    def fork(self, guard: Iterable[Expression] = ()) -> "Path":
        """A copy that goes on only where `guard` holds."""
        other = copy(self)
        other.stack = [item.clone() for item in self.stack]
        other.guard = [*self.guard, *guard]
        other.updates = dict(self.updates)
        other.checks = list(self.checks)
        other.claims = list(self.claims)
        other.accesses = list(self.accesses)
        other.touches = list(self.touches)
        other.seen = set(self.seen)
        return other

    def decided(self, first: str) -> tuple[Choice, ...]:
        """All choices, behind a `first` one, where one of them is of an unknown value."""
        return (Choice(first), *self.choices) if self.opaque else ()

    @property
    def ruled(self) -> Marks:
        """What the branches that it is in rest on."""
        flows = (item.flow for item in self.stack if isinstance(item, RoutineActivation))
        return NOTHING.union(*(flow.ruled for flow in flows))

    @property
    def possible(self) -> bool:
        """Whether the guard is not plainly false."""
        return not is_false(conjunction(*self.guard))

    def read(self, variable: str) -> Expression:
        """The present value of `variable`: what this path stored, or what was there before."""
        return self.updates.get(variable, Read(variable))

    def present(self, expression: Expression) -> Expression:
        """An expression over present values as one over the state before the path."""
        return substitute(expression, self.updates) if self.updates else expression

    def fail(self, check: Check) -> "Path":
        """End the path with a broken rule."""
        self.checks.append(check)
        self.failed = True
        return self

    def must_stop(self) -> bool:
        """Whether a visible action has to wait for the next transition."""
        return self.acted and self.atomic_base is None

    def claim(self, check: Check, source: Source) -> None:
        """Go on only where `check` holds.

        It is no part of a visible action that follows: that may have to wait, and what is false
        here would never be seen.
        """
        if self.atomic_base is None:
            self.claims.append(Claim(check, source))
            return
        self.checks.append(check)
        self.failed = self.failed or is_false(check.condition)

    def settled(self) -> list["Path"]:
        """Forks in which the first claim is true, or is about to be seen to be false."""
        claim, *self.claims = self.claims
        condition = claim.check.condition
        if is_false(condition):
            return [self.breaks(claim.check, claim.source)]
        fails = self.fork(atoms(negation(condition))).breaks(claim.check, claim.source)
        self.guard += atoms(condition)
        return [self, fails]

    def breaks(self, check: Check, source: Source) -> "Path":
        """End the path at `source` with a rule that is broken after what was done before.

        What others can see of this step has happened by then: they may act on it, and break rules
        of their own. So the rule is broken by a step that follows, which is named for it.
        """
        if not self.must_stop():
            self.acted, self.name = True, check.property
            return self.fail(check)
        micros = (Step(check.property, checks=(replace(check, condition=FALSE),)),)
        self.stack.append(KernelActivation("", micros, None, source))
        self.ends, self.claims = True, []
        return self

    def survives(self, check: Check, source: Source, answer: Expression, name: str = "") -> None:
        """Ask at `source` for a rule that a free build survives, and go on with `answer`.

        As in `breaks` it is a step of its own, behind what was done before.
        """
        micros = (Step(name or check.property, checks=(check,)),)
        self.stack.append(KernelActivation("", micros, answer, source))

    def split(self, value: Expression, domains: dict[str, Range]) -> list[tuple["Path", Constant]]:
        """Forks in which `value`, a truth value in C, is known to be 0 or 1."""
        if isinstance(value, Constant):
            return [(self, Constant(int(value.value not in (0, False, NULL))))]
        bounds = interval(value, domains)
        if bounds.low > 0 or bounds.high < 0:
            return [(self, Constant(1))]
        forks = [
            (self.fork((not_equal(value, Constant(0)),)), Constant(1)),
            (self.fork((equal(value, Constant(0)),)), Constant(0)),
        ]
        return [(path, known) for path, known in forks if path.possible]
