"""Capturing calls: of routines of the driver and its devices, of kernel routines, of `choose`."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from ..domain import Enumeration
from ..driver import FieldKind
from ..expr import Constant, Expression
from ..kernel.signature import Parameter, Passing
from ..routine import Argument, Call, Choose
from .borders import refuse_lossy
from .errors import ARGUMENTS, SIDE_EFFECT, STATEMENT, UNKNOWN_NAME, PatternError
from .frame import CallSite
from .kinds import Captured, Global, Kind, Location, QueueOperation, RoutineOf, condition
from .queues import Queues
from .structures import default_of
from .suggest import suggestion
from .tables import (
    NT_SUCCESS,
    TIME_STRUCTURE,
    UNKNOWN,
    KernelName,
    LanguageName,
    StructureName,
)
from .words import not_negative

_MOST_CHOICES = 4096
_POINTERS = ("IoAllocate", "ExAllocate", "MmMap")
"""Kernel routines so named return a pointer."""
_RANGE_BOUNDS = 3
_CONTENTS = ("Interlocked", "Read")
"""Kernel routines so named return what the location they are given holds; others, a number."""


@dataclass(slots=True)
class _Passed:
    """The captured arguments of a kernel call.

    `target` is the local that receives the result, `contents` the kind of what lies at an address
    that is passed.
    """

    arguments: list[Argument]
    target: str | None = None
    contents: Kind = Kind.INTEGER


class Calls(Queues):
    """A frame that can capture calls."""

    def call(self, node: ast.Call, target: str | None) -> Captured | None:
        """Capture a call.

        `target` is the local for the result: a new one if empty, none at all if `None`. The
        answer is `None` where there is no result.
        """
        callee = self.denote(node.func)
        match callee:
            case QueueOperation():
                return self.queue_call(callee, node, target)
            case Global(value=KernelName() as kernel):
                return self._kernel_call(kernel, node, target)
            case Global(value=LanguageName() as function):
                return self._language_call(function, node, target)
            case Global(value=StructureName(name=name)) if name == TIME_STRUCTURE and node.args:
                return self.time(self.integer(node.args[0]))
            case Global(value=StructureName() as structure):
                raise self.error(
                    STATEMENT,
                    "a local structure is declared in a statement of its own",
                    node,
                    f"params = {structure.name}()",
                )
            case RoutineOf():
                return self._routine_call(callee, node, target)
            case Location(field=found) if found.kind is FieldKind.REFERENCE:
                return self._stored_call(callee, node, target)
            case Captured(kind=Kind.UNKNOWN | Kind.NAME):
                return self._dynamic_call(callee.expression, node, target)
            case _:
                raise self.error(
                    UNKNOWN_NAME,
                    f"`{ast.unparse(node.func)}` cannot be called",
                    node.func,
                    "call a routine (self.Routine), a register access of a device "
                    "(self.nic.read()) or a kernel routine",
                )

    def _emit(
        self,
        routine: Expression,
        arguments: Sequence[Argument],
        target: str | None,
        kind: Kind = Kind.UNKNOWN,
    ) -> Captured | None:
        if target == "":
            target = self.temporary()
        self.graph.add(Call(target, routine, tuple(arguments)))
        if target is None:
            return None
        return Captured(kind, self.local(target).expression)

    # Routines of the driver and its devices

    def _routine_call(
        self, callee: RoutineOf, node: ast.Call, target: str | None
    ) -> Captured | None:
        if callee.event:
            raise self.error(
                SIDE_EFFECT,
                f"`{callee.short}` is an event of the hardware: it happens by itself",
                node,
                "leave the call out; for a register access, drop @hardware",
            )
        parameters = self.around.parameters[callee.name]
        bound = self._bind(callee.name, [Parameter(name) for name in parameters], node)
        arguments: list[Expression] = []
        for name, given in zip(parameters, bound, strict=True):
            found = self._argument(given)
            self.around.knowledge.learn_local(callee.name, name, found.stored_kind)
            arguments.append(found.value)
        self.calls.append(CallSite(callee.name, node, target is not None))
        result = self.around.knowledge.results.get(callee.name, Kind.UNKNOWN)
        return self._emit(Constant(callee.name), arguments, target, result)

    def _argument(self, given: ast.expr | None) -> Captured:
        if given is None:
            return Captured(Kind.INTEGER, Constant(0))
        return self.value(given)

    def _stored_call(self, callee: Location, node: ast.Call, target: str | None) -> Captured | None:
        domain = callee.field.domain
        known = domain.labels if isinstance(domain, Enumeration) else ()
        routines = [name for name in known if name in self.layout.driver.routines]
        self.calls += [CallSite(name, node, target is not None) for name in routines]
        loaded = self.read(callee, node.func)
        return self._dynamic_call(loaded.expression, node, target, routines)

    def _dynamic_call(
        self,
        routine: Expression,
        node: ast.Call,
        target: str | None,
        known: Sequence[str] = (),
    ) -> Captured | None:
        """A call through a reference that may hold one of the `known` routines."""
        if node.keywords:
            raise self.error(
                ARGUMENTS,
                "a call through a reference has no parameter names",
                node.keywords[0].value,
                "give the arguments by position",
            )
        found = [self.value(item) for item in node.args]
        for name in known:
            parameters = self.around.parameters[name]
            if len(parameters) != len(found):
                raise self._arguments(
                    f"{name} takes {len(parameters)} argument(s), not {len(found)}",
                    node,
                    f"{name}({', '.join(parameters)})",
                )
            for parameter, item in zip(parameters, found, strict=True):
                self.around.knowledge.learn_local(name, parameter, item.stored_kind)
        kinds = {self.around.knowledge.results.get(name, Kind.UNKNOWN) for name in known}
        kind = kinds.pop() if len(kinds) == 1 else Kind.UNKNOWN
        return self._emit(routine, [item.value for item in found], target, kind)

    # Kernel routines

    def _kernel_call(self, name: KernelName, node: ast.Call, target: str | None) -> Captured | None:
        if self.subject.thing.type == "device" or self.subject.name in self.layout.driver.claims:
            where = "a device" if self.subject.thing.type == "device" else "an invariant"
            raise self.error(
                SIDE_EFFECT,
                f"{where} does not call kernel routines",
                node,
                "move the call into a routine of the driver",
            )
        parameters = self.kernel_parameters(name)
        passed = _Passed([])
        for parameter, given in zip(
            parameters, self._bind(name.name, parameters, node), strict=True
        ):
            self._pass(parameter, given, node, passed)
        if passed.target is not None:
            if target is not None:
                raise self.error(
                    ARGUMENTS,
                    f"the result of {name.name} goes into `{passed.target}`",
                    node,
                    f"write {name.name}(...) as a statement, then use {passed.target}",
                )
            self.learn(passed.target, Kind.INTEGER)
            self._emit(Constant(name.name), passed.arguments, passed.target)
            return None
        kind = passed.contents if name.name.startswith(_CONTENTS) else Kind.INTEGER
        if name.name.startswith(_POINTERS):
            kind = Kind.UNKNOWN
        return self._emit(Constant(name.name), passed.arguments, target, kind)

    def _pass(
        self, parameter: Parameter, given: ast.expr | None, node: ast.Call, passed: _Passed
    ) -> None:
        match parameter.passing:
            case Passing.VALUE:
                if given is None:
                    passed.arguments.append(Constant(default_of(parameter)))
                    return
                found = self.value(given)
                what = f"{parameter.name} of {ast.unparse(node.func)}"
                refuse_lossy(self, given, found, parameter.type, what)
                passed.arguments.append(found.value)
            case Passing.ADDRESS:
                address, passed.contents = self.address(parameter, given)
                passed.arguments.append(address)
            case Passing.OUT:
                if given is not None:
                    passed.target = self._out(parameter, given)
            case Passing.STRUCTURE:
                passed.arguments += self.structure_arguments(parameter, given, node)

    def _out(self, parameter: Parameter, given: ast.expr) -> str:
        if isinstance(given, ast.Name) and given.id in self.locals:
            return given.id
        raise self.error(
            ARGUMENTS,
            f"{parameter.name} needs a local that receives the result",
            given,
            f"write {parameter.name} for C's &{parameter.name}, and copy it into a field after",
        )

    def _bind(
        self, name: str, parameters: Sequence[Parameter], node: ast.Call
    ) -> list[ast.expr | None]:
        """The argument of each parameter, in their order; `None` for one left out."""
        names = [item.name for item in parameters]
        shown = f"{name}({', '.join(names)})"
        starred = next((item for item in node.args if isinstance(item, ast.Starred)), None)
        if starred is not None or any(item.arg is None for item in node.keywords):
            raise self.unsupported("a starred argument", starred or node, "write them out")
        if len(node.args) > len(names):
            raise self._arguments(
                f"{name} takes {len(names)} argument(s), not {len(node.args)}",
                node.args[len(names)],
                shown,
            )
        given: dict[str, ast.expr] = dict(zip(names, node.args, strict=False))
        for keyword in node.keywords:
            key = str(keyword.arg)
            if key not in names:
                hint = shown + suggestion(key, names)
                raise self._arguments(f"{name} has no parameter `{key}`", keyword, hint)
            if key in given:
                raise self._arguments(f"{name} is given `{key}` twice", keyword, shown)
            given[key] = keyword.value
        missing = [
            item.name for item in parameters if item.name not in given and item.default is None
        ]
        if missing:
            raise self._arguments(f"{name} needs `{missing[0]}`", node, shown)
        return [given.get(item) for item in names]

    def _arguments(self, message: str, node: ast.AST, shown: str) -> PatternError:
        return self.error(ARGUMENTS, message, node, f"it is called as {shown}")

    # Functions of the language

    def _language_call(
        self, function: LanguageName, node: ast.Call, target: str | None
    ) -> Captured | None:
        if node.keywords or any(isinstance(item, ast.Starred) for item in node.args):
            raise self._arguments(
                f"{function.name} takes plain arguments", node, f"{function.name}(0, 1)"
            )
        if function == NT_SUCCESS:
            if len(node.args) != 1:
                raise self._arguments("NT_SUCCESS takes one status", node, "NT_SUCCESS(status)")
            return condition(not_negative(self.integer(node.args[0])))
        opaque = ""
        arguments = node.args
        if function == UNKNOWN:
            opaque, arguments = ast.unparse(node), self._described(node)
            if len(arguments) < len(node.args):
                opaque = str(ast.literal_eval(node.args[0]))
        captured = self._choices(arguments, node, function)
        kinds = {item.stored_kind for item in captured}
        if {Kind.INTEGER, Kind.NAME} <= kinds:
            raise self.mixed("the choice is between a number and something else", node)
        target = target or self.temporary()
        values = dict.fromkeys(item.value for item in captured)
        self.graph.add(Choose(target, tuple(values), opaque))
        kind = kinds.pop() if len(kinds) == 1 else Kind.UNKNOWN
        return Captured(kind, self.local(target).expression)

    def _described(self, node: ast.Call) -> list[ast.expr]:
        """The arguments of `unknown` without the text that may come first."""
        match node.args:
            case [ast.Constant(value=str()), *rest]:
                return rest
            case arguments:
                return arguments

    def _choices(
        self, arguments: Sequence[ast.expr], node: ast.Call, function: LanguageName
    ) -> list[Captured]:
        match arguments:
            case [ast.Call(func=ast.Name(id="range"), args=bounds, keywords=[])] if bounds:
                known = [self.integer(item) for item in bounds]
                numbers = [int(item.value) for item in known if isinstance(item, Constant)]
                fits = len(numbers) == len(bounds) <= _RANGE_BOUNDS and 0 not in numbers[2:]
                listed = range(*numbers) if fits else range(0)
                if 0 < len(listed) <= _MOST_CHOICES:
                    return [Captured(Kind.INTEGER, Constant(item)) for item in listed]
            case [_, *_]:
                return [self.value(item) for item in arguments]
            case _:
                pass
        example = f"{function.name}(0, 1, 2) or {function.name}(range(4))"
        raise self._arguments(
            f"{function.name} needs a choice of values, or a range() of known bounds", node, example
        )
