"""Evaluating expressions of a pattern's module level, without running Python.

What comes out is what Python would have made: the same numbers and texts, and the same declaration
objects, made by the same classes. Only what is listed here is known. Nothing of a pattern is ever
called: its own classes have no constructors, and its routines are stubs.
"""

import ast
import builtins
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from enum import EnumMeta
from functools import partial
from types import FunctionType, ModuleType
from typing import cast

from .declarations import Device, Driver, HardwareEvent, Structure, hardware, invariant
from .errors import MODULE_FAILED, MisuseError
from .plain import (
    COMPARISONS,
    FUNCTIONS,
    UNARY,
    Budget,
    EvaluationError,
    Function,
    combined,
    element,
    unread,
    unread_node,
)
from .scenarios import ScenarioDeclaration
from .suggest import suggestion
from .tables import CapturedName
from .teaching import C_TYPES, instead_of, misused

Names = MutableMapping[str, object]

_FAILURES = (ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError)
FAILS = "the module level fails: "
_BUILTINS = frozenset(dir(builtins))


@dataclass(slots=True)
class Scope:
    """Names, and where to look next. A comprehension does not see the names of a class body."""

    names: Names
    outer: "Scope | None" = None
    is_class: bool = False

    def find(self, name: str) -> object:
        """What `name` stands for.

        Raises:
            NameError: nothing.
        """
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        if name in FUNCTIONS:
            return FUNCTIONS[name]
        raise NameError(f"name '{name}' is not defined", name=name)

    def inside(self) -> "Scope":
        """The scope of a comprehension here."""
        return Scope({}, self.outer if self.is_class else self)


class Evaluator:
    """Evaluates expressions in file `file`.

    `makeable` are the classes that may be called; `exports` gives the names that a module offers.
    """

    def __init__(
        self, file: str, makeable: set[type], exports: Callable[[ModuleType], frozenset[str]]
    ) -> None:
        """Begin, with nothing spent yet."""
        self.file, self.makeable, self.exports = file, makeable, exports
        self.budget = Budget()

    def value(self, node: ast.expr, scope: Scope) -> object:
        """The value of `node`.

        Raises:
            EvaluationError: it has none, or none that can be found without running Python.
        """
        self.budget.spend(1, node)
        match node:
            case ast.Constant(value=value):
                return self.budget.keep(cast("object", value), node)
            case ast.Name(id=name):
                return self._name(name, scope, node)
            case ast.Attribute(value=owner, attr=name):
                return self.attempt(node, self._attribute, self.value(owner, scope), name, node)
            case ast.Call():
                return self._call(node, scope)
            case ast.UnaryOp(op=kind, operand=operand):
                return self._unary(kind, self.value(operand, scope), node)
            case ast.BinOp(left=left, op=kind, right=right):
                return self.binary(kind, self.value(left, scope), self.value(right, scope), node)
            case ast.BoolOp(op=kind, values=values):
                return self._connected(kind, values, scope)
            case ast.Compare():
                return self._compared(node, scope)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.value(body if self.value(test, scope) else orelse, scope)
            case ast.List(elts=items):
                return self.budget.keep(list(self._items(items, scope)), node)
            case ast.Tuple(elts=items):
                return self.budget.keep(tuple(self._items(items, scope)), node)
            case ast.Set(elts=items):
                return self.attempt(node, set, list(self._items(items, scope)))
            case ast.Dict():
                return self.attempt(node, dict, list(self._pairs(node, scope)))
            case ast.Subscript(value=owner, slice=index):
                found = self.value(owner, scope), self.value(index, scope)
                return self.attempt(node, element, *found, node)
            case ast.JoinedStr(values=values):
                return self._text(values, scope, node)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node, scope)
            case ast.Lambda():
                raise unread_node(node, "write a routine as def in its class")
            case _:
                raise unread_node(node, "write the value out")

    def attempt(
        self, node: ast.AST, function: Callable[..., object], *given: object, **named: object
    ) -> object:
        """What the function answers; what it raises, as an error at `node`."""
        try:
            return self.budget.keep(function(*given, **named), node)
        except MisuseError as problem:
            raise EvaluationError(problem.message, node, problem.hint, problem.code) from None
        except _FAILURES as problem:
            message, hint = explained(problem, {})
            raise EvaluationError(message, node, hint, MODULE_FAILED) from None

    def binary(self, kind: ast.operator, left: object, right: object, node: ast.AST) -> object:
        """`left` and `right` under an operator."""
        return self.attempt(node, combined, kind, left, right, node)

    def _name(self, name: str, scope: Scope, node: ast.Name) -> object:
        try:
            return scope.find(name)
        except NameError as problem:
            if name in _BUILTINS:
                hint = instead_of(name) or "leave it out"
                raise unread(f"`{name}` would have to run", node, hint) from None
            known: dict[str, object] = {}
            inner: Scope | None = scope
            while inner is not None:
                known.update(inner.names)
                inner = inner.outer
            message, hint = explained(problem, known)
            raise EvaluationError(message, node, hint, MODULE_FAILED) from None

    def _attribute(self, owner: object, name: str, node: ast.Attribute) -> object:
        if name.startswith("__"):
            raise unread_node(node, "name a field, a routine or a constant")
        match owner:
            case ModuleType():
                return self._exported(owner, name)
            case EnumMeta() if name in owner.__members__:
                return cast("object", owner.__members__[name])
            case type() | Device() | Structure() | Driver():
                kind = owner if isinstance(owner, type) else type(owner)
                for base in kind.__mro__:
                    if name in vars(base):
                        return cast("object", vars(base)[name])
                raise AttributeError(
                    f"type object '{kind.__name__}' has no attribute '{name}'", name=name, obj=kind
                )
            case _ if isinstance(type(owner), EnumMeta) and name in ("name", "value"):
                return cast("object", getattr(owner, name))
            case _:
                raise unread_node(node, "name a routine or a constant of a class")

    def _exported(self, module: ModuleType, name: str) -> object:
        if name not in self.exports(module):
            text = f"module '{module.__name__}' has no attribute '{name}'"
            raise AttributeError(text, name=name, obj=module)
        return cast("object", getattr(module, name))

    def _call(self, node: ast.Call, scope: Scope) -> object:
        called = self.value(node.func, scope)
        given = list(self._items(node.args, scope))
        named = self._named(node.keywords, scope)
        match called:
            case CapturedName():
                return self.attempt(node, called, *given, **named)
            case EnumMeta() if called.__members__ and len(given) == 1:
                return self.attempt(node, called, *given, **named)
            case type() if called in self.makeable:
                made = self.attempt(node, called, *given, **named)
                if isinstance(made, ScenarioDeclaration):
                    made.stands_at(self.file, node.lineno)
                return made
            case _ if is_mark(called):
                return self.attempt(node, cast("Function", called), *given, **named)
            case _ if any(called is item for item in FUNCTIONS.values()):
                return self._function(cast("Function", called), given, named, node)
            case FunctionType():
                raise _routine_called(called, node)
            case _:
                what = f"`{ast.unparse(node.func)}` would have to run"
                raise unread(what, node, "declare with the classes of dirql.model.wdk")

    def _function(
        self, called: Function, given: list[object], named: dict[str, object], node: ast.Call
    ) -> object:
        for item in (*given, *named.values()):
            self.budget.keep(item, node)
        if called in (int, bool, str) and not all(isinstance(item, int | str) for item in given):
            raise unread_node(node, "it converts numbers and texts")
        found = self.attempt(node, called, *given, **named)
        return self.budget.keep(found, node)

    def _unary(self, kind: ast.unaryop, operand: object, node: ast.AST) -> object:
        if not isinstance(kind, ast.Not) and not isinstance(operand, int | float):
            raise unread_node(node, "compute with integers")
        return self.attempt(node, UNARY[type(kind)], operand)

    def _connected(self, kind: ast.boolop, values: list[ast.expr], scope: Scope) -> object:
        found: object = None
        for item in values:
            found = self.value(item, scope)
            if bool(found) is isinstance(kind, ast.Or):
                break
        return found

    def _compared(self, node: ast.Compare, scope: Scope) -> object:
        left = self.value(node.left, scope)
        found: object = None
        for kind, other in zip(node.ops, node.comparators, strict=True):
            right = self.value(other, scope)
            for item in (left, right):
                self.budget.keep(item, node)  # comparing looks at all that they hold
            found = self.attempt(node, COMPARISONS[type(kind)], left, right)
            if not found:
                break
            left = right
        return found

    def _items(self, nodes: list[ast.expr], scope: Scope) -> Iterator[object]:
        for node in nodes:
            if isinstance(node, ast.Starred):
                yield from self.entries(self.value(node.value, scope), node)
            else:
                yield self.value(node, scope)

    def _named(self, keywords: list[ast.keyword], scope: Scope) -> dict[str, object]:
        """The arguments given by name."""
        found: dict[str, object] = {}
        for item in keywords:
            value = self.value(item.value, scope)
            if item.arg is not None:
                found[item.arg] = value
            elif isinstance(value, dict):
                found.update(cast("dict[str, object]", value))
            else:
                raise unread_node(item.value, "`**` takes a dictionary")
        return found

    def _pairs(self, node: ast.Dict, scope: Scope) -> Iterator[tuple[object, object]]:
        for key, item in zip(node.keys, node.values, strict=True):
            if key is not None:
                yield self.value(key, scope), self.value(item, scope)
                continue
            found = self.value(item, scope)
            if not isinstance(found, dict):
                raise unread_node(item, "`**` takes a dictionary")
            known = cast("dict[object, object]", found)
            self.budget.keep(known, item)
            yield from known.items()

    def entries(self, value: object, node: ast.AST) -> list[object]:
        """What a loop over `value` comes to.

        Raises:
            EvaluationError: it is no plain data with entries.
        """
        match value:
            case list() | tuple() | set() | frozenset() | range() | dict() | str():
                known = cast("list[object]", value)
                self.budget.keep(known, node)
                return list(known)
            case EnumMeta():
                return list(cast("list[object]", value))
            case _:
                raise unread_node(node, "loop over a list, a tuple, a range or an enumeration")

    def _text(self, values: list[ast.expr], scope: Scope, node: ast.AST) -> object:
        parts: list[str] = []
        for item in values:
            match item:
                case ast.Constant(value=str(text)):
                    parts.append(text)
                case ast.FormattedValue(value=inner, conversion=-1, format_spec=None):
                    found = self.value(inner, scope)
                    if not isinstance(found, int | str):
                        raise unread_node(inner, "put numbers and texts into a text")
                    parts.append(str(found))
                case _:
                    raise unread_node(item, "write {name} without a format")
        return self.budget.keep("".join(parts), node)

    def _comprehension(
        self, node: "ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp", scope: Scope
    ) -> object:
        first = self.entries(self.value(node.generators[0].iter, scope), node)
        inner = scope.inside()
        if isinstance(node, ast.DictComp):
            both = ast.Tuple([node.key, node.value], ast.Load())
            pairs = list(self._rounds(node.generators, first, ast.copy_location(both, node), inner))
            return self.attempt(node, dict, pairs)
        found = list(self._rounds(node.generators, first, node.elt, inner))
        return self.attempt(node, set if isinstance(node, ast.SetComp) else list, found)

    def _rounds(
        self, loops: list[ast.comprehension], entries: list[object], result: ast.expr, scope: Scope
    ) -> Iterator[object]:
        loop, rest = loops[0], loops[1:]
        if loop.is_async:
            raise unread_node(loop.iter, "write the list out")
        for entry in entries:
            self.bind(loop.target, entry, scope)
            if not all(self.value(test, scope) for test in loop.ifs):
                continue
            if rest:
                inner = self.entries(self.value(rest[0].iter, scope), rest[0].iter)
                yield from self._rounds(rest, inner, result, scope)
            else:
                yield self.value(result, scope)

    def bind(self, target: ast.expr, value: object, scope: Scope) -> None:
        """Give names their values, several at once where `target` lists several.

        Raises:
            EvaluationError: the target is no name, or the numbers of both differ.
        """
        match target:
            case ast.Name(id=name):
                self.attempt(target, scope.names.__setitem__, name, value)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                found = self.entries(value, target)
                if len(found) != len(targets):
                    text = f"{len(targets)} names are given {len(found)} values"
                    raise EvaluationError(f"{FAILS}{text}", target, "one value each", MODULE_FAILED)
                for item, part in zip(targets, found, strict=True):
                    self.bind(item, part, scope)
            case _:
                raise unread_node(target, "assign to a name")


def is_mark(value: object) -> bool:
    """Whether it is `hardware`, `hardware(sure=True)` or `invariant`."""
    if isinstance(value, partial):
        return cast("partial[object]", value).func is HardwareEvent
    return value is hardware or value is invariant


def _routine_called(called: FunctionType, node: ast.Call) -> EvaluationError:
    """A routine of a class has a scenario that starts it; another function is not run either."""
    owner, _, name = called.__qualname__.rpartition(".")
    if owner:
        taught = f"{owner}.{name}() missing 1 required positional argument: 'self'"
        message, hint = explained(TypeError(taught), {})
        return EvaluationError(message, node, hint, MODULE_FAILED)
    return unread(f"`{name}` would have to run", node, "write out what it returns")


def explained(problem: BaseException, names: Mapping[str, object]) -> tuple[str, str]:
    """What went wrong at the module level, and what to write instead."""
    shown = f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
    hint = "the module level of a pattern declares; routines belong into the Driver class"
    if isinstance(problem, NameError) and problem.name:
        near = suggestion(problem.name, names)
        hint = f"names of the WDK come from: from dirql.model.wdk import *{near}"
        if problem.name in C_TYPES:
            hint = f"a field is declared with its range: {C_TYPES[problem.name]}"
    elif isinstance(problem, TypeError) and (taught := misused(str(problem))):
        shown, hint = taught
    elif isinstance(problem, AttributeError) and problem.name and problem.obj is not None:
        near = suggestion(problem.name, dir(problem.obj))
        hint = f"a scenario names routines of the driver class{near}"
    return f"{FAILS}{shown}", hint
