"""Reading the module level of a pattern: what Python would have made of it, and nothing is run.

The reader knows imports of the language, classes, constants, conditions on them, and scenarios. It
makes the very objects that the declarations remember things in, so that everything behind it is the
same as for a module level that was run (`--run-module`). A routine becomes a stub that knows where
its source is and never runs.
"""

import ast
from collections.abc import Callable
from enum import Enum, EnumMeta, Flag, IntEnum, IntFlag, auto, unique
from importlib import import_module
from types import FunctionType, ModuleType
from typing import cast

from .errors import DECLARATION, IMPORT_FAILED, MODULE_FAILED, PatternError
from .evaluation import FAILS, Evaluator, Scope, is_mark
from .plain import RUNS, EvaluationError, unread, unread_node
from .source import SourceFile

_WDK = "dirql.model.wdk"
_ENUMERATIONS = (Enum, Flag, IntEnum, IntFlag)
_OFFERED: dict[str, frozenset[str]] = {
    "__future__": frozenset({"annotations"}),
    "dirql": frozenset({"model"}),
    "dirql.model": frozenset({"wdk"}),
    "enum": frozenset({"Enum", "Flag", "IntEnum", "IntFlag", "auto", "unique"}),
    "typing": frozenset({"Any", "ClassVar", "Final", "TYPE_CHECKING"}),
}
"""What may be imported beside the language itself."""
_IMPORT_HINT = f"a pattern needs only: from {_WDK} import *; {RUNS}"
_MARKS = "only @hardware (devices) and @invariant (drivers) mark routines"

_INSTEAD: dict[type[ast.stmt], str] = {
    ast.For: "write the list out, or as [... for i in range(n)]",
    ast.While: "write the list out, or as [... for i in range(n)]",
    ast.Delete: "leave the name out from the start",
    ast.Raise: "what must hold of constants is an assert",
    ast.Try: "an import that may fail is none that a pattern needs",
    ast.Global: "assign at the module level itself",
}


def _stub(*_arguments: object) -> object:
    """Stand for a routine of a pattern.

    Raises:
        AssertionError: always; bodies are captured, and never run.
    """
    raise AssertionError("a routine of a pattern was called")


def read_module(source: SourceFile, names: dict[str, object]) -> dict[str, object]:
    """The namespace of the module, beginning with `names`.

    Raises:
        PatternError: something in it would have to run, or has no value.
    """
    reader = _Reader(source, names)
    try:
        reader.block(source.tree.body, Scope(names))
    except EvaluationError as problem:
        raise placed(problem, source) from None
    return names


def placed(problem: EvaluationError, source: SourceFile) -> PatternError:
    """The error, with its place in the file."""
    return source.error(problem.code, problem.message, problem.node, problem.hint)


def exports(module: ModuleType) -> frozenset[str]:
    """The names that patterns may use of a module."""
    if module.__name__ == _WDK:
        return frozenset(cast("list[str]", module.__all__))
    return _OFFERED.get(module.__name__, frozenset())


def evaluator_in(source: SourceFile) -> Evaluator:
    """An evaluator that knows the classes of the language, and none of the pattern's own."""
    wdk = import_module(_WDK)
    known = (getattr(wdk, name) for name in sorted(exports(wdk)))
    classes = {item for item in known if isinstance(item, type) and not isinstance(item, EnumMeta)}
    return Evaluator(source.path, {*classes, auto}, exports)


class _Reader:
    """Walks through the statements of a module level."""

    def __init__(self, source: SourceFile, names: dict[str, object]) -> None:
        self.source = source
        self.module = Scope(names)
        self.evaluator = evaluator_in(source)

    def block(self, statements: list[ast.stmt], scope: Scope) -> None:
        """Read statements in order."""
        for node in statements:
            self.evaluator.budget.spend(1, node)
            self._statement(node, scope)

    def _statement(self, node: ast.stmt, scope: Scope) -> None:
        match node:
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                pass
            case ast.Expr(value=value):
                self.evaluator.value(value, scope)
            case ast.Assign(targets=targets, value=value):
                found = self.evaluator.value(value, scope)
                for target in targets:
                    self._bind(target, found, scope)
            case ast.AnnAssign(target=target, value=value):
                if value is not None:
                    self._bind(target, self.evaluator.value(value, scope), scope)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=kind, value=value):
                before = self.evaluator.value(ast.copy_location(ast.Name(name), target), scope)
                self._bind(target, self._updated(kind, before, value, scope, node), scope)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._bind_name(node.name, self._function(node, scope), scope, node)
            case ast.ClassDef(name=name):
                self._bind_name(name, self._class(node, scope), scope, node)
            case ast.Import(names=aliases):
                self._import(aliases, scope, node)
            case ast.ImportFrom():
                self._import_from(node, scope)
            case ast.If(test=test, body=body, orelse=orelse):
                self.block(body if self.evaluator.value(test, scope) else orelse, scope)
            case ast.Assert(test=test):
                if not self.evaluator.value(test, scope):
                    message = f"{FAILS}`{ast.unparse(test)}` is false"
                    raise EvaluationError(message, node, "look at the constants", MODULE_FAILED)
            case _:
                raise unread_node(node, _INSTEAD.get(type(node), "declare, and nothing else"))

    def _updated(
        self, kind: ast.operator, before: object, value: ast.expr, scope: Scope, node: ast.stmt
    ) -> object:
        """The value after `name += value`; a list stays the list it is."""
        given = self.evaluator.value(value, scope)
        if isinstance(kind, ast.Add) and isinstance(before, list):
            known = cast("list[object]", before)
            known += self.evaluator.entries(given, node)
            return self.evaluator.budget.keep(known, node)
        if isinstance(before, list | set | dict):
            raise unread_node(node, "write the whole value in one place")  # others may name it too
        return self.evaluator.binary(kind, before, given, node)

    # Names

    def _bind(self, target: ast.expr, value: object, scope: Scope) -> None:
        if isinstance(target, ast.Attribute | ast.Subscript):
            shown, name = ast.unparse(target), getattr(target, "attr", "name")
            raise EvaluationError(
                f"`{shown}` is assigned outside a routine, which changes nothing here",
                target,
                f"declare the first value in the class: {name} = Int(0, 7, initial=1)",
                DECLARATION,
            )
        for name in ast.walk(target):
            if isinstance(name, ast.Name):
                self._refuse_hook(name.id, scope, name)
        self.evaluator.bind(target, value, scope)

    def _bind_name(self, name: str, value: object, scope: Scope, node: ast.stmt) -> None:
        self._refuse_hook(name, scope, node)
        self.evaluator.attempt(node, scope.names.__setitem__, name, value)

    def _refuse_hook(self, name: str, scope: Scope, node: ast.AST) -> None:
        """Refuse what Python itself would call, or look at, when a class or an object is made."""
        if not scope.is_class:
            return
        if name.startswith("__"):
            hint = "declare fields with their initial values; nothing of a class runs"
            raise EvaluationError(f"`{name}` is not captured", node, hint, DECLARATION)
        if name.startswith("_") and name.endswith("_"):
            raise unread(f"`{name}` may mean something to Python", node, "give it another name")

    # Imports

    def _import(self, aliases: list[ast.alias], scope: Scope, node: ast.stmt) -> None:
        for alias in aliases:
            if alias.name not in _OFFERED and alias.name != _WDK:
                raise _refused_import(alias.name, node)
            module = import_module(alias.name)
            if alias.asname:
                self._bind_name(alias.asname, module, scope, node)
            else:
                first = alias.name.split(".")[0]
                self._bind_name(first, import_module(first), scope, node)

    def _import_from(self, node: ast.ImportFrom, scope: Scope) -> None:
        name = node.module or ""
        if node.level or (name not in _OFFERED and name != _WDK):
            raise _refused_import("." * node.level + name, node)
        module = import_module(name)
        offered = exports(module)
        for alias in node.names:
            if alias.name == "*" and name == _WDK:
                scope.names.update({item: getattr(module, item) for item in offered})
            elif alias.name not in offered:
                raise _refused_import(f"{alias.name} from {name}", node)
            elif name != "__future__":
                found = cast("object", getattr(module, alias.name, None))
                if name == "dirql.model":
                    found = import_module(_WDK)
                self._bind_name(alias.asname or alias.name, found, scope, node)

    # Routines and classes

    def _function(self, node: "ast.FunctionDef | ast.AsyncFunctionDef", scope: Scope) -> object:
        first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
        owner = str(scope.names.get("__qualname__", "")) if scope.is_class else ""
        code = _stub.__code__.replace(
            co_filename=self.source.path, co_name=node.name, co_firstlineno=first
        )
        stub = FunctionType(code, {"AssertionError": AssertionError}, node.name)
        stub.__qualname__ = f"{owner}.{node.name}" if owner else node.name
        found: object = stub
        for mark in reversed(node.decorator_list):
            called = mark.func if isinstance(mark, ast.Call) else mark
            if ast.unparse(called).split(".")[-1] not in ("hardware", "invariant"):
                raise EvaluationError(
                    f"`@{ast.unparse(mark)}` is outside the driver language",
                    mark,
                    _MARKS,
                    DECLARATION,
                )
            marker = self.evaluator.value(mark, scope)
            if not is_mark(marker):
                raise unread_node(mark, _MARKS)
            found = self.evaluator.attempt(mark, cast("Callable[..., object]", marker), found)
        return found

    def _class(self, node: ast.ClassDef, scope: Scope) -> object:
        if node.keywords:
            raise unread_node(node, "a class of a pattern has bases, and nothing else in ()")
        bases = tuple(self._base(item, scope) for item in node.bases)
        enumeration = next((item for item in bases if isinstance(item, EnumMeta)), None)
        kind = type if enumeration is None else type(enumeration)
        try:
            names = cast("dict[str, object]", kind.__prepare__(node.name, bases))
        except TypeError as problem:
            message = f"{FAILS}{problem}"
            raise EvaluationError(message, node, "derive a new IntEnum", MODULE_FAILED) from None
        names["__module__"] = str(self.module.names["__name__"])
        names["__qualname__"] = node.name
        names["__doc__"] = ast.get_docstring(node)
        if enumeration is not None:
            self._refuse_routines(node)
        self.block(node.body, Scope(names, self.module, is_class=True))
        made = self.evaluator.attempt(node, kind, node.name, bases, names)
        for mark in reversed(node.decorator_list):
            if self.evaluator.value(mark, scope) is not unique:
                raise unread_node(mark, "a class of a pattern has no decorator")
            self.evaluator.attempt(mark, cast("Callable[..., object]", unique), made)
        if enumeration is None:
            self.evaluator.makeable.add(cast("type", made))
        return made

    def _base(self, node: ast.expr, scope: Scope) -> type:
        found = self.evaluator.value(node, scope)
        if isinstance(found, type) and (
            found in self.evaluator.makeable
            or found in _ENUMERATIONS
            or isinstance(found, EnumMeta)
        ):
            return found
        raise unread_node(node, "derive from Driver, Device, Structure, IntEnum or IntFlag")

    def _refuse_routines(self, node: ast.ClassDef) -> None:
        for item in node.body:
            if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.If):
                raise unread_node(item, "an enumeration has names and numbers only")


def _refused_import(what: str, node: ast.stmt) -> EvaluationError:
    message = f"an import of {what} would have to run: a pattern is read, not run"
    return EvaluationError(message, node, _IMPORT_HINT, IMPORT_FAILED)
