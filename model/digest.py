"""The fingerprint of a machine: equal for equal behaviour as written, on every computer.

The canonical form is text, one line for each part, expressions in prefix form. It leaves out what
does not change what can happen or what is said of it: the machine's own name and source positions.
Lines of a pattern count all the same where they are part of a name: a place in a routine is called
by its line, so a blank line above it makes another machine of the pattern.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import assert_never

from .domain import Boolean, Domain, Enumeration, Range, Value
from .expr import (
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
from .machine import Machine, Transition

_FORMAT = "dirql machine 2"
"""Changes whenever one machine could get the text that another had."""


_latest: list[tuple[Machine, str]] = []
"""The machine asked about last: recording, replaying and keeping a trace each ask for it."""


def digest(machine: Machine) -> str:
    """SHA-256 of the canonical form of `machine`, as 64 hexadecimal digits."""
    for known, text in _latest:
        if known is machine:  # and cannot have changed
            return text
    text = hashlib.sha256(canonical(machine).encode()).hexdigest()
    _latest[:] = [(machine, text)]
    return text


def canonical(machine: Machine) -> str:
    """The canonical form of `machine`: machines with equal text behave equally."""
    return "\n".join(_lines(machine, _Writer())) + "\n"


class _Writer:
    """The fold from expressions to text; each part shared among transitions is written once."""

    def __init__(self) -> None:
        self._written: dict[int, str] = {}

    def __call__(self, expression: Expression) -> str:
        text = self._written.get(id(expression))
        if text is None:
            text = self._written[id(expression)] = self._write(expression)
        return text

    def _list(self, head: str, *parts: Expression) -> str:
        return f"({' '.join([head, *map(self, parts)])})"

    def _write(self, expression: Expression) -> str:
        match expression:
            case Constant(value):
                return _value(value)
            case Read(variable):
                return f"${_value(variable)}"
            case Not(operand):
                return self._list("not", operand)
            case And(operands):
                return self._list("and", *operands)
            case Or(operands):
                return self._list("or", *operands)
            case Compare(operator, left, right) | Arithmetic(operator, left, right):
                return self._list(operator, left, right)
            case IfThenElse(condition, then, otherwise):
                return self._list("if", condition, then, otherwise)
            case Member(operand, values):
                return self._list(f"in [{' '.join(map(_value, values))}]", operand)
            case Select(index, items):
                return self._list("select", index, *items)
            case _:
                assert_never(expression)


def _value(value: Value) -> str:
    return json.dumps(value)


def _domain(domain: Domain) -> str:
    match domain:
        case Boolean():
            return "boolean"
        case Range(low, high):
            return f"range {low} {high}"
        case Enumeration(name, labels):
            return f"enumeration {_values((name, *labels))}"
        case _:
            assert_never(domain)


def _values(values: Iterable[Value]) -> str:
    return " ".join(map(_value, values))


def _lines(machine: Machine, write: _Writer) -> Iterator[str]:
    yield _FORMAT
    for item in machine.variables:
        heading = _values((item.name, item.owner))
        yield f"variable {heading} {_domain(item.domain)} : {_values(item.initial)}"
    for context in machine.contexts:
        heading = _values((context.name, context.kind.value, context.counter))
        yield f"context {heading} {write(context.processor)} {write(context.irql)}"
    for transition in machine.transitions:
        yield from _transition(transition, write)
    for invariant in machine.invariants:
        text = _values((invariant.property, invariant.detail, invariant.bug_check))
        kind = "quiescent" if invariant.quiescent else "invariant"
        yield f"{kind} {text} {write(invariant.condition)}"
    for progress in machine.progress:
        text = _values((progress.property, progress.context, progress.detail, progress.bug_check))
        kind = "owed progress" if progress.owed else "progress"
        kind += " to rest" if progress.quiescent else ""
        yield f"{kind} {text} {write(progress.live)} {write(progress.goal)}"
    yield f"races {_values(machine.races)}"
    for span in machine.spans:
        index = "none" if span.index is None else write(span.index)
        text = _values((span.context, span.location, span.any_write, span.name))
        yield f"span {text} {index} {write(span.between)}"


def _transition(transition: Transition, write: _Writer) -> Iterator[str]:
    flags = (transition.name, transition.context, transition.rule, transition.opaque)
    yield f"transition {_values(flags)} {_value(transition.spontaneous)} {_value(transition.lucky)}"
    for atom in transition.guard:
        yield f"guard {write(atom)}"
    for atom in transition.scheduling:
        yield f"scheduling {write(atom)}"
    for choice in transition.choices:
        yield f"choice {_values((choice.value, choice.unknown))}"
    for name, value in transition.updates:
        yield f"update {_value(name)} {write(value)}"
    for check in transition.checks:
        text = _values((check.property, check.detail, check.bug_check))
        yield f"check {text} {write(check.condition)}"
    for access in transition.accesses:
        index = "none" if access.index is None else write(access.index)
        text = _values((access.location, access.kind.value))
        yield f"access {text} {index} {write(access.changes)}"
