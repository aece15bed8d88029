"""A pattern's text and syntax tree, and how to point into them."""

import ast
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..machine import Source
from ..regular import read_regular
from ..visible import one_line
from .decoding import decoded
from .errors import NOT_PYTHON, UNREADABLE, PatternError
from .teaching import slip_in

TYPES_OF_ROUTINES = (ast.FunctionDef, ast.AsyncFunctionDef)
_WITH_CODE = (
    *TYPES_OF_ROUTINES,
    ast.ClassDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)
MOST_ROUTINES = 3_000
LONGEST_TEXT = 160
_SURROGATE = range(0xD800, 0xE000)
MOST_BYTES = 2**20
"""Of a pattern file; people write some thousand."""


@dataclass(slots=True)
class SourceFile:
    """One parsed pattern file. `path` is as the caller gave it, made visible: what errors show."""

    path: str
    text: str
    tree: ast.Module
    lines: list[str] = field(init=False)
    functions: dict[int, ast.FunctionDef | ast.AsyncFunctionDef] = field(init=False)

    def __post_init__(self) -> None:
        """Index lines and functions; a function is found by the line that Python counts for it."""
        self.lines = self.text.split("\n")
        self.functions = {}
        for node in ast.walk(self.tree):
            if isinstance(node, TYPES_OF_ROUTINES):
                first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
                self.functions[first] = node

    def line(self, number: int) -> str:
        """The text of line `number`, counted from 1, or nothing."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def error(self, code: str, message: str, node: ast.AST | None, hint: str = "") -> PatternError:
        """An error that points at `node`, or at the file as a whole."""
        line = int(getattr(node, "lineno", 0))
        text = self.line(line)
        column = 0
        if line:
            offset = int(getattr(node, "col_offset", 0))
            column = len(text.encode()[:offset].decode(errors="ignore")) + 1
        return PatternError(message, self.path, line, column, text, hint, code)

    def error_at_line(self, code: str, message: str, line: int, hint: str = "") -> PatternError:
        """An error that points at the first letter of a line."""
        text = self.line(line)
        column = len(text) - len(text.lstrip()) + 1 if text else 0
        return PatternError(message, self.path, line, column, text, hint, code)

    def function(self, function: Callable[..., object]) -> ast.FunctionDef | None:
        """The syntax of a function defined in this file, or `None`."""
        code = getattr(function, "__code__", None)
        if code is None or code.co_filename != self.path:
            return None
        node = self.functions.get(code.co_firstlineno)
        return node if isinstance(node, ast.FunctionDef) and node.name == code.co_name else None

    def declaration(self, type_name: str, name: str) -> ast.AST | None:
        """Where class `type_name` gives `name` a value, or the class, or `None`."""
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef) and node.name == type_name:
                return _binding(node.body, name) or node
        return None

    def assignment(self, name: str) -> ast.AST | None:
        """Where the module level, or else some class, gives `name` a value, or `None`."""
        classes = [item.body for item in self.tree.body if isinstance(item, ast.ClassDef)]
        for body in (self.tree.body, *classes):
            if found := _binding(body, name):
                return found
        return None

    def position(self, node: ast.stmt | ast.expr, routine: str) -> Source:
        """What traces show of `node`: its line, or a statement of several lines made one."""
        end = node.end_lineno or node.lineno
        text = self.line(node.lineno).strip()
        compound = isinstance(node, ast.If | ast.While | ast.For | ast.FunctionDef)
        if end > node.lineno and not compound:
            text = ast.unparse(node)
            if len(text) > LONGEST_TEXT:
                text = text[:LONGEST_TEXT] + "..."
        return Source(self.path, node.lineno, routine, text)


def _what_is_meant(lines: list[str], number: int) -> str:
    """What was probably meant by a line that is not Python, or by the one before it."""
    for line in (lines[number - 1 : number], lines[max(number - 2, 0) : number - 1]):
        if line and (meant := slip_in(line[0])):
            return meant
    return "a pattern is ordinary Python; look at this line and the one before it"


def _binding(body: list[ast.stmt], name: str) -> ast.AST | None:
    for node in body:
        match node:
            case ast.Assign(targets=targets):
                if any(isinstance(item, ast.Name) and item.id == name for item in targets):
                    return node
            case ast.AnnAssign(target=ast.Name(id=found)) if found == name:
                return node
            case ast.FunctionDef(name=found) | ast.ClassDef(name=found) if found == name:
                return node
            case _:
                pass
    return None


def read_source(path: Path) -> SourceFile:
    """Read and parse a pattern file.

    Raises:
        PatternError: it cannot be read or is not Python.
    """
    shown = one_line(str(path))
    try:
        content = read_regular(path, MOST_BYTES)
    except OSError as problem:
        raise PatternError(
            f"the file cannot be read: {problem.strerror or problem}",
            shown,
            hint="check the path and its permissions",
            code=UNREADABLE,
        ) from None
    return parse_source(shown, decoded(content, shown))


def parse_source(path: str, text: str) -> SourceFile:
    """Parse the text of a pattern.

    Raises:
        PatternError: it is not Python.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, path)
            _refuse_too_many(tree, path)
            compile(tree, path, "exec", dont_inherit=True)  # to find all that is not Python
    except SyntaxError as problem:
        line = problem.lineno or 0
        lines = text.split("\n")
        raise PatternError(
            f"this is not Python: {problem.msg}",
            path,
            line,
            problem.offset or 0 if line else 0,
            lines[line - 1] if 0 < line <= len(lines) else "",
            _what_is_meant(lines, line),
            NOT_PYTHON,
        ) from None
    except (ValueError, RecursionError, MemoryError) as problem:
        raise PatternError(
            f"this is not Python: {problem}",
            path,
            hint="a pattern is an ordinary text file of moderate depth",
            code=NOT_PYTHON,
        ) from None
    source = SourceFile(path, text, tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            _refuse_half_a_character(source, node, node.value)
    return source


def _refuse_too_many(tree: ast.Module, path: str) -> None:
    """Python's compiler takes a time that grows with the square of their number."""
    if sum(isinstance(node, _WITH_CODE) for node in ast.walk(tree)) > MOST_ROUTINES:
        raise PatternError(
            f"there are more than {MOST_ROUTINES:,} routines, classes and comprehensions",
            path,
            hint="show the behaviour with fewer",
            code=NOT_PYTHON,
        )


def _refuse_half_a_character(source: SourceFile, node: ast.Constant, text: str) -> None:
    if not text.isascii() and any(map(_SURROGATE.__contains__, map(ord, text))):
        raise source.error(
            NOT_PYTHON,
            "this text has half a character (a lone surrogate), which no file can hold",
            node,
            "write the whole character, or leave it out",
        )
