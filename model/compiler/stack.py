"""The stack of a path: entering routines, handing results back, what must hold at a return."""

from ..expr import FALSE, Constant, Expression
from ..kernel.callbacks import Callback
from ..kernel.cancel_lock import CANCEL_LOCK
from ..kernel.levels import level_name, wrong_level_at_return
from ..machine import Check, ContextKind, Source
from ..routine import Call, Routine
from .errors import CompileError
from .flow import NOTHING, Flow, Marks, indirect
from .path import KernelActivation, Path, RoutineActivation
from .places import Places


def give(path: Path, value: Expression, places: Places, rests_on: Marks = NOTHING) -> None:
    """Hand a result, and what it rests on, to whoever is now on top of the stack."""
    if not path.stack:
        path.result = value
        return
    top = path.stack[-1]
    if isinstance(top, KernelActivation):
        top.result, top.rests_on = value, rests_on
        return
    node = top.routine.nodes[top.node]
    assert isinstance(node.instruction, Call)  # noqa: S101  (only a call can be in progress)
    if node.instruction.target is not None:
        top.locals[node.instruction.target] = value
        top.flow.locals[node.instruction.target] = rests_on | indirect(path.ruled)
        places.keep_declared(path, top, node.instruction.target)
    top.node = node.following


def push(
    path: Path,
    routine: Routine,
    arguments: tuple[Expression, ...],
    source: Source,
    places: Places,
    *,
    role: Callback | None = None,
    serves: str = "",
    rests_on: tuple[Marks, ...] = (),
) -> None:
    """Put a routine of the driver on the stack, with what its arguments rest on."""
    if any(
        isinstance(item, RoutineActivation) and item.routine.name == routine.name
        for item in path.stack
    ):
        raise CompileError(
            f"{routine.name} calls itself through the kernel",
            source,
            "kernel stacks are small and drivers do not recurse; pass another routine",
        )
    values = dict(zip(routine.parameters, arguments, strict=False))
    for missing in routine.parameters[len(arguments) :]:
        values[missing] = Constant("NULL")
    flow = Flow(len(path.stack), dict(zip(routine.parameters, rests_on, strict=False)))
    top = RoutineActivation(routine, 0, values, role, path.irql, path.held, serves, flow)
    path.stack.append(top)
    for parameter in routine.parameters:
        places.keep_declared(path, top, parameter)


def serving(path: Path) -> str:
    """The interrupt object whose service routine is on the stack, or empty."""
    return next(
        (item.serves for item in path.stack if isinstance(item, RoutineActivation) and item.serves),
        "",
    )


def left_wrong(path: Path, top: RoutineActivation, kind: ContextKind) -> Check | None:
    """What a routine that Windows called leaves changed, if anything."""
    name = top.routine.name
    if path.held != top.entry_held:
        extra = [held.lock for held in path.held if held not in top.entry_held]
        what = f"holding {', '.join(extra)}" if extra else "having released a lock of its caller"
        return Check(
            "lock-held-at-return", FALSE, f"{name} returns {what}", _held_bug_check(path, top, kind)
        )
    if path.irql != top.entry_irql:
        return Check(
            "irql-not-restored",
            FALSE,
            f"{name} was called at {level_name(top.entry_irql)} and returns at "
            f"{level_name(path.irql)}",
            _level_bug_check(path, kind),
        )
    return None


def _level_bug_check(path: Path, kind: ContextKind) -> str:
    """The bug check for a routine that returns at another level than it was called at."""
    outermost = not any(isinstance(item, RoutineActivation) for item in path.stack[:-1])
    return wrong_level_at_return(kind if outermost else ContextKind.ISR)


def _held_bug_check(path: Path, top: RoutineActivation, kind: ContextKind) -> str:
    """The bug check for a routine that returns with a lock: what its caller notices first.

    The cancel lock has one of its own (6.4.2). Of other locks only the level is noticed at once; a
    lock taken without raising shows when the next one wants it.
    """
    if any(held.lock == CANCEL_LOCK for held in path.held if held not in top.entry_held):
        return "0x11B DRIVER_RETURNED_HOLDING_CANCEL_LOCK"
    return _level_bug_check(path, kind) if path.irql != top.entry_irql else ""
