"""Calls: of routines of the driver, of register routines of its devices, of the kernel."""

from dataclasses import dataclass

from ..algebra import equal, interval, variables_of
from ..expr import FALSE, Constant, Expression, Read
from ..kernel.c_types import POINTER
from ..kernel.levels import bad_address
from ..kernel.rule import KernelCall, KernelRoutine, RuleError
from ..kernel.world import World
from ..machine import Check, ContextKind
from ..routine import AddressOf, Argument, Call, Node, Routine
from .crossing import given, passed, usage
from .errors import CompileError
from .path import KernelActivation, Path, RoutineActivation
from .places import Places
from .stack import push, serving

_MOST_VALUES = 16
"""Values of a data argument that a kernel rule needs to know."""


@dataclass(slots=True)
class Calls:
    """Enters what one context calls. `label` names the program point the path started from."""

    world: World
    places: Places
    routines: dict[str, Routine]
    kernel: dict[str, KernelRoutine]
    context: str
    kind: ContextKind
    label: str = ""

    def enter(
        self, path: Path, top: RoutineActivation, call: Call, node: Node
    ) -> list[Path] | None:
        """Enter a routine of the driver, a register routine of its device, or the kernel."""
        target = top.value(call.routine, self.places.ranges())
        if not isinstance(target, Constant) or not isinstance(target.value, str):
            raise CompileError(
                "the routine to call must be known here",
                node.source,
                "call self.Routine, or a RoutineReference field that holds one",
            )
        name = target.value
        if name in self.routines:
            if name in self.places.device_routines and path.atomic_base is None:
                if path.acted:
                    return None
                self._begin_atomic(path, name)
            arguments = tuple(self._argument(path, top, item, node) for item in call.arguments)
            if path.failed:
                return [path]
            given = tuple(top.flow.of_arguments((item,)) for item in call.arguments)
            push(path, self.routines[name], arguments, node.source, self.places, rests_on=given)
            return [path]
        if name in self.kernel:
            return self._kernel(path, top, self.kernel[name], call, node)
        if name == "NULL":
            detail = "calls through a routine pointer that is NULL"
            crash = bad_address(path.irql, in_kernel=False)
            return [path.breaks(Check("null-dereference", FALSE, detail, crash), node.source)]
        raise CompileError(
            f"there is no routine {name}",
            node.source,
            "what is called is a routine of the driver, or NULL, which is caught",
        )

    def _argument(
        self, path: Path, top: RoutineActivation, argument: Argument, node: Node
    ) -> Expression:
        """The value of an argument; an address becomes the name of its variable."""
        if isinstance(argument, AddressOf):
            located = self.places.locate(path, top, argument.place, node.source)
            variable = located.variable if located is not None else ""
            if not variable and not path.failed:
                raise CompileError(
                    "the index of an address must be known here",
                    node.source,
                    "pass an element with a constant index, or test the index first: if i == 0",
                    word=argument.place.field,
                )
            return Constant(f"&{variable}")
        return top.value(argument, self.places.ranges())

    def _begin_atomic(self, path: Path, name: str) -> None:
        """Begin an access to a device register that has effects: one atomic step."""
        path.acted = True
        path.name = name
        path.atomic_base = len(path.stack)
        self.places.require_alive(path, name.partition(".")[0])

    def _kernel(
        self,
        path: Path,
        top: RoutineActivation,
        routine: KernelRoutine,
        call: Call,
        node: Node,
    ) -> list[Path] | None:
        """Enter a kernel routine: its rule says what happens."""
        if path.acted or self._must_store(path, top, call):
            return None
        arguments = {
            name: self._argument(path, top, argument, node)
            for name, argument in zip(
                (parameter.name for parameter in passed(routine)), call.arguments, strict=True
            )
        }
        if path.failed:
            return [path]
        for parameter in passed(routine):
            if parameter.known and not isinstance(arguments[parameter.name], Constant):
                return self._each_value(path, call, parameter.name, arguments, node)
        arguments = given(
            routine, arguments, self.places.ranges(), self.routines.keys(), node.source
        )
        for value in () if routine.settles_lifetime else arguments.values():
            self._alive_argument(path, value)
        request = KernelCall(
            routine.name,
            arguments,
            self.context,
            self.kind,
            path.irql,
            self.label,
            path.held,
            path.raised,
            serving(path),
            call.target is None,
        )
        try:
            micros = routine.emit(request, self.world)
        except RuleError as error:
            null = _null_object(routine, arguments)
            if not null:
                hint = error.hint or usage(routine)
                raise CompileError(str(error), node.source, hint) from error
            path.acted, path.name = True, routine.name
            detail = f"{routine.name} is called with {null} NULL"
            crash = bad_address(path.irql, in_kernel=True)
            return [path.fail(Check("null-dereference", FALSE, detail, crash))]
        path.stack.append(KernelActivation(routine.name, micros, None, node.source))
        return [path]

    def _must_store(self, path: Path, top: RoutineActivation, call: Call) -> bool:
        """Stop before a kernel call with arguments that are not yet in the variables of locals.

        The routine may take several steps, and after the first only those variables are left.
        """
        for argument in call.arguments:
            for name in () if isinstance(argument, AddressOf) else variables_of(argument):
                variable = Read(f"{self.context}.{top.routine.name}.{name}")
                if not isinstance(top.locals[name], Constant) and top.locals[name] != variable:
                    path.acted, path.name = True, path.name or "computes"
                    return True
        return False

    def _each_value(
        self,
        path: Path,
        call: Call,
        parameter: str,
        arguments: dict[str, Expression],
        node: Node,
    ) -> list[Path]:
        """Forks in which the local that is passed for `parameter` has a known value."""
        position = list(arguments).index(parameter)
        argument = call.arguments[position]
        bounds = interval(arguments[parameter], self.places.ranges())
        if not isinstance(argument, Read) or bounds.high - bounds.low >= _MOST_VALUES:
            raise CompileError(
                f"{parameter} can have too many values here",
                node.source,
                f"pass a local or field with at most {_MOST_VALUES} values",
                word=parameter,
            )
        forks: list[Path] = []
        for value in range(bounds.low, bounds.high + 1):
            fork = path.fork((equal(arguments[parameter], Constant(value)),))
            current = fork.stack[-1]
            assert isinstance(current, RoutineActivation)  # noqa: S101  (a copy of the same stack)
            current.locals[argument.variable] = Constant(value)
            fork.seen.clear()
            forks.append(fork)
        return forks

    def _alive_argument(self, path: Path, value: Expression) -> None:
        """An object passed to the kernel must still exist."""
        if isinstance(value, Constant) and isinstance(value.value, str):
            name = value.value
            if name in self.world.objects and self.world.objects[name].type not in (
                "driver",
                "device",
            ):
                self.places.require_alive(path, name)


def _null_object(routine: KernelRoutine, arguments: dict[str, Expression]) -> str:
    """The parameter that needs an object and was given `NULL`, or empty."""
    for parameter in routine.parameters:
        wanted = parameter.default is None and parameter.type is POINTER
        if wanted and arguments.get(parameter.name) == Constant("NULL"):
            return parameter.name
    return ""
