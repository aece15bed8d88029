"""A machine as formulas: the third reader of the contract.

`Moment` is the state at one time and the fold over expressions; `Relation` the step from one
moment to the next. Two moments and one relation are enough: longer paths are made by renaming.
How values become bits is in `terms.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from dirql.model.domain import Enumeration, Range, Value
from dirql.model.expr import (
    And,
    Arithmetic,
    Compare,
    Constant,
    Expression,
    IfThenElse,
    Member,
    Not,
    Or,
    Read,
    Select,
)
from dirql.model.machine import Check, Machine, Transition, Variable

from . import solver
from .solver import Solver, Term
from .terms import (
    Encoded,
    Label,
    Number,
    Truth,
    arithmetic,
    bits_for,
    choice,
    compare,
    in_domain,
    integer,
    label,
    resized,
    same_value,
    value_in,
    variable_term,
)

State: TypeAlias = tuple[Value, ...]
"""One value for each variable, in the order of the machine."""


class Moment:
    """The state at one time: the value of each variable, and of any expression over them.

    Attributes:
        variables: what is encoded, in the order of the machine.
        values: the encoded value of each variable, by name.
    """

    def __init__(self, variables: Sequence[Variable], prefix: str) -> None:
        """Make fresh constants named `prefix` and the variable's name."""
        self.variables = variables
        self.values: Mapping[str, Encoded] = {
            item.name: variable_term(item.domain, f"{prefix}{item.name}") for item in variables
        }
        self._done: dict[tuple[int, int], tuple[Encoded, Expression, Enumeration | None]] = {}

    @property
    def terms(self) -> tuple[Term, ...]:
        """The constants, in the order of the variables."""
        return tuple(value.term for value in self.values.values())

    @property
    def domain(self) -> Term:
        """That every variable has a value of its domain."""
        return solver.conjunction(in_domain(value) for value in self.values.values())

    @property
    def initial(self) -> Term:
        """That every variable has one of its initial values."""
        return solver.conjunction(
            self.truth(Member(Read(item.name), item.initial)) for item in self.variables
        )

    def truth(self, expression: Expression) -> Term:
        """`expression`, a boolean, as a formula over this moment."""
        return self.encode(expression).term

    def all(self, expressions: Iterable[Expression]) -> Term:
        """The conjunction of `expressions`."""
        return solver.conjunction(self.truth(item) for item in expressions)

    def encode(self, expression: Expression, wanted: Enumeration | None = None) -> Encoded:
        """`expression` as a term; a bare label is one of `wanted`."""
        key = id(expression), id(wanted)
        found = self._done.get(key)
        if found is None:
            # What the key names is kept beside the term, so that no identity is used again.
            found = self._done[key] = self._fold(expression, wanted), expression, wanted
        return found[0]

    def _fold(self, expression: Expression, wanted: Enumeration | None) -> Encoded:
        match expression:
            case Constant(bool(value)):
                return Truth(solver.TRUE if value else solver.FALSE)
            case Constant(int(value)):
                return integer(value)
            case Constant(value):
                return label(str(value), wanted or Enumeration("", (str(value),)))
            case Read(variable):
                return self.values[variable]
            case Not(operand):
                return Truth(solver.negation(self.truth(operand)))
            case And(operands):
                return Truth(self.all(operands))
            case Or(operands):
                return Truth(solver.disjunction(self.truth(item) for item in operands))
            case Compare(operator, left, right):
                return Truth(self._comparison(operator, left, right))
            case Arithmetic(operation, left, right):
                return arithmetic(operation, self._number(left), self._number(right))
            case IfThenElse(condition, then, otherwise):
                wanted = wanted or self._labels_of(then, otherwise)
                chosen = self.encode(then, wanted), self.encode(otherwise, wanted)
                return choice(self.truth(condition), *chosen)
            case Member(operand, values):
                return Truth(self._membership(operand, values))
            case Select(index, items):
                return self._selection(self._number(index), items, wanted)
            case _:
                assert_never(expression)

    def _number(self, expression: Expression) -> Number:
        encoded = self.encode(expression)
        if not isinstance(encoded, Number):
            raise TypeError(f"an integer is needed here, and this is none: {expression}")
        return encoded

    def _comparison(self, operator: str, left: Expression, right: Expression) -> Term:
        if operator == "!=":
            return solver.negation(self._comparison("==", left, right))
        labels = self._labels_of(left, right)
        a, b = self.encode(left, labels), self.encode(right, labels)
        if isinstance(a, Number) and isinstance(b, Number):
            return compare(operator, a, b)
        return solver.equal(a.term, b.term)

    def _membership(self, operand: Expression, values: tuple[Value, ...]) -> Term:
        encoded = self.encode(operand, self._labels_of(operand))
        return solver.disjunction(same_value(encoded, value) for value in values)

    def _selection(
        self, index: Number, items: tuple[Expression, ...], wanted: Enumeration | None
    ) -> Encoded:
        wanted = wanted or self._labels_of(*items)
        result = self.encode(items[-1], wanted)
        for position in range(len(items) - 2, -1, -1):
            here = compare("==", index, integer(position))
            result = choice(here, self.encode(items[position], wanted), result)
        return result

    def _labels_of(self, *expressions: Expression) -> Enumeration | None:
        """The enumeration whose labels the bare labels among `expressions` are."""
        loose: dict[str, None] = {}
        pending = list(reversed(expressions))
        while pending:
            match pending.pop():
                case Read(variable):
                    value = self.values[variable]
                    return value.domain if isinstance(value, Label) else None
                case Constant(str(label)):
                    loose[label] = None
                case IfThenElse(_, then, otherwise):
                    pending += (otherwise, then)
                case Select(_, items):
                    pending += reversed(items)
                case _:
                    return None
        return Enumeration("", tuple(loose)) if loose else None


def is_state(moment: Moment, state: State) -> Term:
    """That every variable at `moment` has the value `state` gives it."""
    pairs = zip(moment.values.values(), state, strict=True)
    return solver.conjunction(same_value(encoded, value) for encoded, value in pairs)


def state_in(answer: Solver, moment: Moment) -> State:
    """The state at `moment` in the last model that `answer` found."""
    return tuple(value_in(answer, value) for value in moment.values.values())


@dataclass(frozen=True, slots=True)
class Action:
    """A transition as formulas over the moment before it.

    Attributes:
        enabled: guard and scheduling hold.
        sound: every check holds.
        fits: every new value belongs to its variable's domain; `None` where that is plain.
        updates: (variable, its new value in the variable's own bits) pairs.
    """

    enabled: Term
    sound: Term
    fits: Term | None
    updates: tuple[tuple[str, Term], ...]

    @property
    def leads_on(self) -> Term:
        """That the step may be taken, breaks no check and stays within all domains."""
        fits = () if self.fits is None else (self.fits,)
        return solver.conjunction((self.enabled, self.sound, *fits))

    @property
    def overflows(self) -> Term:
        """That the step breaks no check and yet leaves a domain."""
        if self.fits is None:
            return solver.FALSE
        return solver.conjunction((self.enabled, self.sound, solver.negation(self.fits)))


def action(moment: Moment, transition: Transition) -> Action:
    """`transition` taken at `moment`."""
    updates: list[tuple[str, Term]] = []
    limits: list[Term] = []
    for name, expression in transition.updates:
        variable = moment.values[name]
        wanted = variable.domain if isinstance(variable, Label) else None
        term, fits = resized(moment.encode(expression, wanted), variable)
        updates.append((name, term))
        limits += () if fits is None else (fits,)
    return Action(
        enabled(moment, transition),
        moment.all(check.condition for check in transition.checks),
        solver.conjunction(limits) if limits else None,
        tuple(updates),
    )


def updated(moment: Moment, taken: Action, term: Term) -> Term:
    """`term`, over `moment`, said of the state that `taken` leads to."""
    pairs = [(moment.values[name].term, new) for name, new in taken.updates]
    return solver.substitute(term, pairs)


def enabled(moment: Moment, transition: Transition) -> Term:
    """That `transition` may be taken at `moment`."""
    return moment.all((*transition.guard, *transition.scheduling))


def broken(moment: Moment, transition: Transition, check: Check) -> Term:
    """That `transition` may be taken at `moment`, where it breaks `check`."""
    return solver.conjunction(
        (enabled(moment, transition), solver.negation(moment.truth(check.condition)))
    )


class Relation:
    """One step of a machine, from the moment `before` to the moment `after`.

    `choice` is the index of the transition taken. Each variable keeps its value unless the
    transition chosen updates it: one clause for each variable and one for each transition.
    """

    def __init__(self, machine: Machine) -> None:
        """Encode all transitions of `machine`."""
        self.machine = machine
        self.before = Moment(machine.variables, "before ")
        self.after = Moment(machine.variables, "after ")
        self._width = bits_for(Range(0, len(machine.transitions)))
        self.choice = solver.vector("choice", self._width)
        self.actions = [action(self.before, item) for item in machine.transitions]

    def chosen(self, transition: int) -> Term:
        """That the transition of that index is the one taken."""
        return solver.equal(self.choice, solver.number(transition, self._width))

    def between(self, term: Term, before: Moment, after: Moment, choice: Term) -> Term:
        """`term`, over this relation's moments and choice, said of others."""
        return solver.substitute(
            term,
            (
                *zip(self.before.terms, before.terms, strict=True),
                *zip(self.after.terms, after.terms, strict=True),
                (self.choice, choice),
            ),
        )

    def at(self, term: Term, moment: Moment) -> Term:
        """`term`, over the moment `before`, said of `moment`."""
        return solver.substitute(term, tuple(zip(self.before.terms, moment.terms, strict=True)))

    def moment(self, name: str) -> tuple[Moment, Term]:
        """A fresh moment called `name`, and the choice of the step that leads away from it."""
        choice = solver.vector(f"{name} choice", self._width)
        return Moment(self.machine.variables, f"{name} "), choice

    @property
    def step(self) -> Term:
        """That `after` follows `before` by the transition `choice`, which breaks no check."""
        chosen = [self.chosen(index) for index in range(len(self.actions))]
        parts = [solver.disjunction(chosen)]
        writers: dict[str, list[Term]] = {item.name: [] for item in self.machine.variables}
        for pick, taken in zip(chosen, self.actions, strict=True):
            effect = [taken.leads_on]
            for name, term in taken.updates:
                effect.append(solver.equal(self.after.values[name].term, term))
                writers[name].append(pick)
            parts.append(solver.implication(pick, solver.conjunction(effect)))
        for name, picks in writers.items():
            kept = solver.equal(self.after.values[name].term, self.before.values[name].term)
            parts.append(solver.disjunction((*picks, kept)))
        return solver.conjunction(parts)

    def reliable(self, *, owed: bool) -> Term:
        """That the transition `choice` is no lucky one, and, if `owed`, no spontaneous one."""
        excluded = (
            index
            for index, item in enumerate(self.machine.transitions)
            if item.lucky or (owed and item.spontaneous)
        )
        return solver.conjunction(solver.negation(self.chosen(index)) for index in excluded)

    @property
    def overflow(self) -> Term:
        """That some step from `before` breaks no check and yet leaves a domain."""
        return solver.disjunction(taken.overflows for taken in self.actions)

    @property
    def quiescent(self) -> Term:
        """That only spontaneous transitions, if any, may be taken at `before`."""
        pairs = zip(self.machine.transitions, self.actions, strict=True)
        return solver.conjunction(
            solver.negation(taken.enabled) for item, taken in pairs if not item.spontaneous
        )
