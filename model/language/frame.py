"""The state of capturing one routine: its graph, its locals, and how to complain."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from ..domain import Domain
from ..expr import Read
from ..kernel.signature import Parameter, Passing
from ..routine import Node
from .errors import EXPRESSION, PatternError
from .graph import Edges, Graph
from .kinds import Captured, Kind, Knowledge
from .layout import Layout, Thing
from .source import SourceFile
from .tables import KernelName, Tables


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all routines of a pattern share."""

    source: SourceFile
    layout: Layout
    tables: Tables
    knowledge: Knowledge
    parameters: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Subject:
    """A routine to capture: its name in the program, its syntax, the object that `self` is."""

    name: str
    node: ast.FunctionDef
    thing: Thing
    names: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CallSite:
    """A call found while capturing: the routine called, and whether its result is used."""

    callee: str
    node: ast.AST
    used: bool


@dataclass(slots=True)
class Loop:
    """The loose ends of a loop: jumps out of it and to its next round."""

    breaks: Edges
    continues: Edges


class Frame:
    """One routine being captured."""

    def __init__(self, around: Surroundings, subject: Subject) -> None:
        """Start with an empty graph."""
        self.around, self.subject = around, subject
        self.source = around.source
        self.layout = around.layout
        self.tables = around.tables
        self.graph = Graph(self.source.position(subject.node, subject.name))
        self.domains: dict[str, Domain] = {}
        self.structures: dict[str, str] = {}
        self.on_stack: list[str] = []
        self.calls: list[CallSite] = []
        self.loops: list[Loop] = []
        self.nodes: tuple[Node, ...] = ()
        self.updating: str = ""
        self.update_started = False
        self._temporaries = 0
        arguments = subject.node.args.args
        self.self_name = arguments[0].arg if arguments else ""
        self.parameters = around.parameters[subject.name]
        self.locals = {*self.parameters, *self._assigned()}

    def error(self, code: str, message: str, node: ast.AST, hint: str = "") -> PatternError:
        """An error that points at `node`."""
        return self.source.error(code, message, node, hint)

    def unsupported(self, what: str, node: ast.AST, hint: str) -> PatternError:
        """An expression outside the language."""
        return self.error(EXPRESSION, f"{what} is outside the driver language", node, hint)

    def at(self, node: ast.stmt | ast.expr) -> None:
        """The next instructions come from `node`."""
        self.graph.source = self.source.position(node, self.subject.name)

    def temporary(self) -> str:
        """The name of a new local that the pattern cannot see."""
        self._temporaries += 1
        return f"%{self._temporaries}"

    def local(self, name: str) -> Captured:
        """The value of a local."""
        kind = self.around.knowledge.locals.get((self.subject.name, name), Kind.UNKNOWN)
        return Captured(kind, Read(name))

    def learn(self, name: str, kind: Kind) -> None:
        """A value of `kind` goes into local `name`."""
        if not name.startswith("%"):
            self.around.knowledge.learn_local(self.subject.name, name, kind)

    def kernel_parameters(self, name: KernelName) -> tuple[Parameter, ...]:
        """The parameters of a kernel routine."""
        return self.tables.routines[name.name]

    def _assigned(self) -> set[str]:
        """The locals: names that are assigned, or that a kernel routine writes a result to."""
        found: set[str] = set()
        for node in ast.walk(self.subject.node):
            match node:
                case ast.Name(id=name, ctx=ast.Store()):
                    found.add(name)
                case ast.Call(func=ast.Name(id=callee)):
                    value = self.subject.names.get(callee)
                    if isinstance(value, KernelName):
                        found |= _out_names(self.kernel_parameters(value), node)
                case _:
                    pass
        return found


def _out_names(parameters: tuple[Parameter, ...], call: ast.Call) -> set[str]:
    out = {item.name for item in parameters if item.passing is Passing.OUT}
    given = [(item.name, node) for item, node in zip(parameters, call.args, strict=False)]
    given += [(item.arg, item.value) for item in call.keywords if item.arg]
    return {node.id for name, node in given if name in out and isinstance(node, ast.Name)}
