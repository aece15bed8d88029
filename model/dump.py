"""A machine as text for people: `dirql show machine`.

Names and labels are printed as they are, expressions in Python's operators with only the brackets
that Python's precedence needs. The text is for reading; `digest.py` has the form that is exact.
"""

import textwrap
from collections.abc import Iterable, Iterator
from typing import assert_never

from .digest import digest
from .domain import describe
from .expr import (
    TRUE,
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
from .machine import SHARED, Access, Context, Machine, Transition, Variable

_WIDTH = 100

_CHOICE, _OR, _AND, _NOT, _COMPARISON = range(5)
_ARITHMETIC = {
    "|": 5, "^": 6, "&": 7, "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "//": 10, "%": 10,
}  # fmt: skip
_PART = 11
"""What binds tightest: a name, a constant, anything in brackets of its own."""


def dump(machine: Machine) -> str:
    """All of `machine`: variables, contexts, transitions by context, what must hold."""
    return "\n".join(_lines(machine)) + "\n"


def expression_text(expression: Expression) -> str:
    """`expression` with as few brackets as it can be read back with."""
    return _fold(expression)[0]


def _fold(expression: Expression) -> tuple[str, int]:
    """The text of `expression` and how tightly it binds."""
    match expression:
        case Constant(value):
            return str(value), _PART
        case Read(variable):
            return variable, _PART
        case Not(operand):
            return f"not {_inside(operand, _NOT)}", _NOT
        case And(operands):
            return _joined(operands, " and ", "True", _AND)
        case Or(operands):
            return _joined(operands, " or ", "False", _OR)
        case Compare(operator, left, right):
            # Python would read `a == b == c` as a chain, so neither side may be a comparison.
            tighter = _COMPARISON + 1
            return f"{_inside(left, tighter)} {operator} {_inside(right, tighter)}", _COMPARISON
        case Arithmetic(operator, left, right):
            level = _ARITHMETIC[operator]
            return f"{_inside(left, level)} {operator} {_inside(right, level + 1)}", level
        case IfThenElse(condition, then, otherwise):
            ways = f"{_inside(then, _OR)} if {_inside(condition, _OR)}"
            return f"{ways} else {_inside(otherwise, _CHOICE)}", _CHOICE
        case Member(operand, values):
            listed = ", ".join(map(str, values))
            return f"{_inside(operand, _COMPARISON + 1)} in {{{listed}}}", _COMPARISON
        case Select(index, items):
            listed = ", ".join(expression_text(item) for item in items)
            return f"[{listed}][{expression_text(index)}]", _PART
        case _:
            assert_never(expression)


def _inside(operand: Expression, level: int) -> str:
    """The text of `operand` where something binding as `level` is around it."""
    text, own = _fold(operand)
    return text if own >= level else f"({text})"


def _joined(operands: tuple[Expression, ...], word: str, empty: str, level: int) -> tuple[str, int]:
    if not operands:
        return empty, _PART
    if len(operands) == 1:
        return _fold(operands[0])
    return word.join(_inside(item, level + 1) for item in operands), level


def _lines(machine: Machine) -> Iterator[str]:
    yield f"machine {machine.name}"
    yield f"digest {digest(machine)}"
    yield from ("", f"variables ({len(machine.variables)})")
    written = {name for transition in machine.transitions for name, _ in transition.updates}
    for variable in machine.variables:
        yield from _wrapped(_variable(variable, parameter=variable.name not in written), 2)
    yield from ("", f"transitions ({len(machine.transitions)})")
    for context in machine.contexts:
        yield from _context(context)
        for index, transition in enumerate(machine.transitions):
            if transition.context == context.name:
                yield from _transition(index, transition)
    yield from _conditions(machine)


def _wrapped(text: str, indent: int) -> Iterator[str]:
    yield from textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 4),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _variable(variable: Variable, *, parameter: bool) -> str:
    initial = " or ".join(map(str, variable.initial))
    owner = "" if variable.owner == SHARED else f", of {variable.owner}"
    note = ", parameter" if parameter else ""
    return f"{variable.name}: {describe(variable.domain)}, at first {initial}{owner}{note}"


def _context(context: Context) -> Iterator[str]:
    counter = f", counter {context.counter}" if context.counter else ""
    yield from ("", f"  {context.name} ({context.kind.value}{counter})")
    yield from _wrapped(f"processor {expression_text(context.processor)}", 4)
    yield from _wrapped(f"irql {expression_text(context.irql)}", 4)


def _transition(index: int, transition: Transition) -> Iterator[str]:
    notes = [
        f"rule {transition.rule}" if transition.rule else "",
        "spontaneous" if transition.spontaneous else "",
        "lucky" if transition.lucky else "",
        f"depends on {transition.opaque}" if transition.opaque else "",
    ]
    yield from _wrapped(", ".join([f"[{index}] {transition.name}", *filter(None, notes)]), 4)
    source = transition.source
    if source.file or source.text:
        macro = f", from macro {source.macro}" if source.macro else ""
        yield f"        source {source.file}:{source.line} {source.routine}: {source.text}{macro}"
    yield from _atoms("when", transition.guard)
    yield from _atoms("scheduled", transition.scheduling)
    for name, value in transition.updates:
        yield from _wrapped(f"set {name} := {expression_text(value)}", 8)
    for check in transition.checks:
        said = f"; else {check.detail}" if check.detail else ""
        crash = f" ({check.bug_check})" if check.bug_check else ""
        text = f"check {check.property}: {expression_text(check.condition)}{said}{crash}"
        yield from _wrapped(text, 8)
    for access in transition.accesses:
        yield from _wrapped(_access(access), 8)


def _atoms(word: str, atoms: Iterable[Expression]) -> Iterator[str]:
    text = " and ".join(_inside(atom, _AND + 1) for atom in atoms)
    if text:
        yield from _wrapped(f"{word} {text}", 8)


def _access(access: Access) -> str:
    index = "" if access.index is None else f"[{expression_text(access.index)}]"
    new = "" if access.changes == TRUE else f", changes it if {expression_text(access.changes)}"
    return f"touches {access.location}{index}: {access.kind.value}{new}"


def _conditions(machine: Machine) -> Iterator[str]:
    if machine.invariants:
        yield from ("", "invariants")
    for invariant in machine.invariants:
        when = " when quiescent" if invariant.quiescent else ""
        text = f"{invariant.property}{when}: {expression_text(invariant.condition)}"
        yield from _wrapped(text, 2)
    if machine.progress:
        yield from ("", "progress")
    for progress in machine.progress:
        live, goal = expression_text(progress.live), expression_text(progress.goal)
        rest = ", or rest" if progress.quiescent else ""
        rest += ", by owed steps" if progress.owed else ""
        text = f"{progress.property} of {progress.context}: from {live}, possible: {goal}{rest}"
        yield from _wrapped(text, 2)
    if machine.races:
        yield from ("", f"races: {', '.join(machine.races)}")
    if machine.spans:
        yield from ("", "updates in several steps")
    for span in machine.spans:
        index = "" if span.index is None else f"[{expression_text(span.index)}]"
        lost = "any" if span.any_write else "a changing"
        where = expression_text(span.between)
        read = f"{span.context} {span.name} after it has read {span.location}{index}"
        text = f"{read}, and loses {lost} write in between: {where}"
        yield from _wrapped(text, 2)
