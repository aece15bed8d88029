"""What every machine must satisfy before a reader may give it a meaning.

A machine is checked once, when it is made, so engines need no defence of their own. Expressions
are given *sorts*: boolean, integer, or an enumeration. A label has no sort by itself; it takes that
of what it is compared with or stored in, and must be one of its labels.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import pairwise
from typing import TypeAlias, assert_never

from .domain import Boolean, Domain, Enumeration, Range, Value, contains, describe
from .expr import (
    And,
    Arithmetic,
    Compare,
    Constant,
    Expression,
    IfThenElse,
    Member,
    Not,
    Operation,
    Or,
    Read,
    Select,
)
from .inspection import LARGEST_SHIFT, is_integer
from .machine import AccessKind, Context, Machine, Transition, Variable

RACES = ("data-race", "torn-read-modify-write")
"""The properties that `Machine.races` may ask for."""

_SHOWN = 10

Sort: TypeAlias = Boolean | Range | Enumeration | frozenset[str]
"""A domain stands for its sort (for integers `_INTEGER`); a set of labels is not yet decided."""

_BOOLEAN = Boolean()
_INTEGER = Range(0, 0)


class MachineError(ValueError):
    """A machine that means nothing, or a step that leaves it.

    A driver author never sees this one: whoever *builds* machines (compiler, property, test) made
    a mistake, and the message says where. `code` is stable, the wording is not.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def validate(machine: Machine) -> None:
    """Return if `machine` is well formed.

    Raises:
        MachineError: it is not. The code is that of the first problem, the message lists up to 10.
    """
    problems = _Validation(machine).problems
    if not problems:
        return
    lines = [
        text if index == 0 else f"{code}: {text}" for index, (code, text) in enumerate(problems)
    ]
    more = [f"... and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    heading = f"machine {machine.name!r}: {lines[0]}"
    raise MachineError(problems[0][0], "\n  ".join([heading, *lines[1:_SHOWN], *more]))


_PLAIN = (AccessKind.PLAIN_READ, AccessKind.PLAIN_WRITE)


class _Sortless(Exception):  # noqa: N818 - never leaves this module
    """The part being looked at has no sort; the problem is already listed."""


class _Validation:
    """One pass over a machine, collecting (code, text) pairs."""

    def __init__(self, machine: Machine) -> None:
        self.problems: list[tuple[str, str]] = []
        self._place = ""
        self._domains: dict[str, Domain] = {v.name: v.domain for v in machine.variables}
        self._contexts = frozenset(context.name for context in machine.contexts)
        # Keyed by identity: parts are shared among transitions, and hashing a tree walks all of it.
        self._sorts: dict[int, Sort] = {}
        self._labels: dict[int, frozenset[str]] = {}
        self._check_unique("variable", (variable.name for variable in machine.variables))
        self._check_unique("context", (context.name for context in machine.contexts))
        self._check_enumerations(machine.variables)
        for variable in machine.variables:
            self._check_variable(variable)
        for context in machine.contexts:
            self._check_context(context)
        for index, transition in enumerate(machine.transitions):
            self._check_transition(index, transition)
        self._check_conditions(machine)

    def _report(self, code: str, text: str) -> None:
        self.problems.append((code, f"{self._place}: {text}" if self._place else text))

    def _refuse(self, code: str, text: str) -> _Sortless:
        self._report(code, text)
        return _Sortless()

    def _check_unique(self, what: str, names: Iterable[str]) -> None:
        seen: set[str] = set()
        for name in names:
            if not name:
                self._report("DQ201", f"a {what} has no name")
            elif name in seen:
                self._report("DQ201", f"two {what}s are called {name!r}")
            seen.add(name)

    def _check_enumerations(self, variables: Iterable[Variable]) -> None:
        known: dict[str, tuple[Variable, Enumeration]] = {}
        for variable in variables:
            domain = variable.domain
            if not isinstance(domain, Enumeration):
                continue
            first, labelled = known.setdefault(domain.name, (variable, domain))
            if labelled.labels != domain.labels:
                self._report(
                    "DQ204",
                    f"variables {first.name!r} and {variable.name!r} have enumerations of one name "
                    f"and different labels: {describe(labelled)} and {describe(domain)}",
                )

    def _check_variable(self, variable: Variable) -> None:
        self._place = f"variable {variable.name!r}"
        match variable.domain:
            case Range(low, high) if low > high:
                self._report("DQ204", f"its domain {low}..{high} is empty")
            case Enumeration(name, ()):
                self._report("DQ204", f"its enumeration {name!r} has no labels")
            case Enumeration(name, labels) if len(set(labels)) < len(labels):
                self._report("DQ204", f"its enumeration {name!r} repeats a label")
            case _:
                pass
        if not variable.initial:
            self._report("DQ205", "it has no initial value; a machine starts somewhere")
        if len(set(variable.initial)) < len(variable.initial):
            self._report("DQ205", f"an initial value is repeated in {variable.initial}")
        for value in variable.initial:
            if not contains(variable.domain, value):
                where = describe(variable.domain)
                self._report("DQ205", f"its initial value {value!r} is outside {where}")

    def _check_context(self, context: Context) -> None:
        self._place = f"context {context.name!r}"
        if context.counter:
            domain = self._domains.get(context.counter)
            if domain is None:
                self._report("DQ210", f"its counter {context.counter!r} is not a variable")
            elif not isinstance(domain, Enumeration):
                found = describe(domain)
                self._report("DQ210", f"its counter {context.counter!r} is {found}, no enumeration")
        self._expect(context.irql, _INTEGER, "irql")
        try:
            sort = self._sort(context.processor)
        except _Sortless:
            return
        if not isinstance(sort, Enumeration | frozenset):
            self._report("DQ206", f"processor is {_name(sort)}, must be a label of an enumeration")

    def _check_transition(self, index: int, transition: Transition) -> None:
        place = self._place = f"transition {index} {transition.name!r} of {transition.context!r}"
        if transition.context not in self._contexts:
            self._report(
                "DQ203", f"there is no such context{_closest(transition.context, self._contexts)}"
            )
        for atom in (*transition.guard, *transition.scheduling):
            self._expect(atom, _BOOLEAN, "an atom of its guard")
        written: set[str] = set()
        for name, value in transition.updates:
            self._place = f"{place}, update of {name!r}"
            if name in written:
                self._report("DQ201", "the variable is updated twice in one step")
            written.add(name)
            self._check_update(name, value)
        self._place = place
        for check in transition.checks:
            self._expect(check.condition, _BOOLEAN, f"the condition of check {check.property!r}")
        plain = {item.location for item in transition.accesses if item.kind in _PLAIN}
        if len(plain) > 1:
            self._report("DQ212", "one step touches at most one plain location")
        for access in transition.accesses:
            if access.index is not None:
                self._expect(access.index, _INTEGER, f"the index into {access.location!r}")
            self._expect(access.changes, _BOOLEAN, f"what changes {access.location!r}")

    def _check_update(self, name: str, value: Expression) -> None:
        domain = self._domains.get(name)
        if domain is None:
            self._report("DQ202", f"there is no such variable{_closest(name, self._domains)}")
            return
        if self._expect(value, _sort_of(domain), "the value") and isinstance(value, Constant):
            self._check_inside(value.value, domain)

    def _labels_of(self, domain: Enumeration) -> frozenset[str]:
        """Its labels, put together once: a program counter has as many as its context points."""
        found = self._labels.get(id(domain))
        if found is None:
            found = self._labels[id(domain)] = frozenset(domain.labels)
        return found

    def _check_inside(self, value: Value, domain: Domain) -> None:
        if isinstance(domain, Enumeration) and value in self._labels_of(domain):
            return
        if not contains(domain, value):
            self._report("DQ207", f"the value {value!r} is outside {describe(domain)}")

    def _check_conditions(self, machine: Machine) -> None:
        for index, invariant in enumerate(machine.invariants):
            self._place = f"invariant {index} {invariant.property!r}"
            self._expect(invariant.condition, _BOOLEAN, "its condition")
        for index, progress in enumerate(machine.progress):
            self._place = f"progress {index} {progress.property!r}"
            self._expect_context(progress.context)
            self._expect(progress.live, _BOOLEAN, "live")
            self._expect(progress.goal, _BOOLEAN, "goal")
        self._place = "races"
        for name in machine.races:
            if name not in RACES:
                self._report("DQ213", f"{name!r} is not one of {', '.join(RACES)}")
        for index, span in enumerate(machine.spans):
            self._place = f"span {index} of {span.location!r}"
            self._expect_context(span.context)
            self._expect(span.between, _BOOLEAN, "between")
            if span.index is not None:
                self._expect(span.index, _INTEGER, "its index")

    def _expect_context(self, name: str) -> None:
        if name not in self._contexts:
            hint = _closest(name, self._contexts)
            self._report("DQ203", f"there is no context {name!r}{hint}")

    def _expect(self, expression: Expression, wanted: Sort, what: str) -> bool:
        """Report unless `expression` is of sort `wanted`; say whether it is."""
        try:
            found = self._sort(expression)
            self._unify(found, wanted, what)
        except _Sortless:
            return False
        return True

    def _unify(self, left: Sort, right: Sort, what: str) -> Sort:
        """The one sort of two parts that must agree."""
        match left, right:
            case (frozenset(), frozenset()):
                return left | right
            case (frozenset() as labels, Enumeration() as domain) | (
                Enumeration() as domain,
                frozenset() as labels,
            ):
                for label in sorted(labels - self._labels_of(domain)):
                    hint = _closest(label, domain.labels)
                    self._report("DQ209", f"{what}: {label!r} is no label of {domain.name!r}{hint}")
                return domain
            case (Enumeration(one), Enumeration(other)) if one == other:
                return left
            case _ if left == right:
                return left
            case _:
                raise self._refuse("DQ206", f"{what} is {_name(left)}, must be {_name(right)}")

    def _sort(self, expression: Expression) -> Sort:
        found = self._sorts.get(id(expression))
        if found is None:
            found = self._sorts[id(expression)] = self._compute(expression)
        return found

    def _require(self, operand: Expression, wanted: Sort, what: str) -> None:
        self._unify(self._sort(operand), wanted, what)

    def _compute(self, expression: Expression) -> Sort:
        match expression:
            case Constant(value):
                return _sort_of_value(value)
            case Read(variable):
                domain = self._domains.get(variable)
                if domain is None:
                    hint = _closest(variable, self._domains)
                    raise self._refuse("DQ202", f"there is no variable {variable!r}{hint}")
                return _sort_of(domain)
            case Not(operand):
                self._require(operand, _BOOLEAN, "the operand of not")
                return _BOOLEAN
            case And(operands) | Or(operands):
                for operand in operands:
                    self._require(operand, _BOOLEAN, "an operand of and/or")
                return _BOOLEAN
            case Compare("==" | "!=", left, right):
                self._unify(self._sort(left), self._sort(right), "the left side of ==")
                return _BOOLEAN
            case Compare(comparison, left, right):
                self._require(left, _INTEGER, f"the left side of {comparison}")
                self._require(right, _INTEGER, f"the right side of {comparison}")
                return _BOOLEAN
            case Arithmetic(operation, left, right):
                self._require(left, _INTEGER, f"the left side of {operation}")
                self._require(right, _INTEGER, f"the right side of {operation}")
                self._check_right(operation, right)
                return _INTEGER
            case IfThenElse(condition, then, otherwise):
                self._require(condition, _BOOLEAN, "a condition")
                return self._unify(self._sort(then), self._sort(otherwise), "one way of a choice")
            case Member(operand, values):
                self._check_members(operand, values)
                return _BOOLEAN
            case Select(index, items):
                self._require(index, _INTEGER, "an index")
                return self._one_sort(items)
            case _:
                assert_never(expression)

    def _check_right(self, operation: Operation, right: Expression) -> None:
        if operation in ("//", "%"):
            low, high = 1, None
        elif operation in ("<<", ">>"):
            low, high = 0, LARGEST_SHIFT
        else:
            return
        value = right.value if isinstance(right, Constant) else None
        inside = isinstance(value, int) and low <= value and (high is None or value <= high)
        if not inside:
            wanted = "a positive constant" if high is None else f"a constant from {low} to {high}"
            self._report("DQ208", f"the right side of {operation} must be {wanted}, is {right}")

    def _check_members(self, operand: Expression, values: tuple[Value, ...]) -> None:
        sort = self._sort(operand)
        for value in values:
            sort = self._unify(_sort_of_value(value), sort, f"member {value!r}")
        # All of one sort now, so each comparison is of two booleans, two integers or two labels.
        if any(not _before(a, b) for a, b in pairwise(values)):
            self._report("DQ211", f"members must be sorted, without repetition: {values}")

    def _one_sort(self, items: tuple[Expression, ...]) -> Sort:
        if not items:
            raise self._refuse("DQ215", "a selection needs at least one item")
        sort = self._sort(items[0])
        for item in items[1:]:
            sort = self._unify(self._sort(item), sort, "an item")
        return sort


def _before(left: Value, right: Value) -> bool:
    if isinstance(left, str) or isinstance(right, str):
        return str(left) < str(right)
    return left < right


def _sort_of(domain: Domain) -> Sort:
    return _INTEGER if isinstance(domain, Range) else domain


def _sort_of_value(value: Value) -> Sort:
    if isinstance(value, str):
        return frozenset((value,))
    return _INTEGER if is_integer(value) else _BOOLEAN


def _name(sort: Sort) -> str:
    match sort:
        case Boolean():
            return "a boolean"
        case Range():
            return "an integer"
        case Enumeration(name, _):
            return f"of enumeration {name!r}"
        case _:
            return f"a label ({', '.join(sorted(sort))})"


def _closest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
