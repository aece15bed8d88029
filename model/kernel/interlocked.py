"""Interlocked operations and explicit unordered accesses (rules 6.3)."""

from collections.abc import Callable

from ..algebra import equal, if_then_else
from ..domain import Enumeration, Range
from ..expr import Arithmetic, Constant, Expression, Operation, Read
from ..machine import Access, AccessKind
from .memory import fit
from .rule import Emit, KernelCall, KernelRoutine, Micro, Outcome, RuleError, Step
from .signature import Parameter, Passing
from .world import World

_RULE = "6.3.1"


def _target(call: KernelCall) -> Read:
    """The variable whose address is passed."""
    address = call.text(call_target(call))
    if not address.startswith("&"):
        raise RuleError(f"{call.routine}: pass a field, in C the address of one")
    return Read(address.removeprefix("&"))


def call_target(call: KernelCall) -> str:
    """The name of the parameter that holds the address."""
    return "Destination" if "Destination" in call.arguments else "Target"


def _update(
    call: KernelCall, world: World, new: Expression, result: Callable[[Expression], Expression]
) -> tuple[Micro, ...]:
    """Replace the variable by `new` in one step; `result` sees the stored value.

    Windows: atomic against every other interlocked operation, at any IRQL (6.3.1).
    Model: one step; it does not race with other interlocked accesses.
    """
    target = _target(call)
    declared = world.variables.get(target.variable)
    if declared is None:
        raise RuleError(f"{call.routine}: {target.variable} is not a field of the pattern")
    access = (Access(target.variable, AccessKind.INTERLOCKED),)
    if isinstance(declared.domain, Enumeration):
        return (_reference_step(call, declared.domain, target, new, access),)
    item = world.field_of(target.variable)
    domains = {
        name: variable.domain
        for name, variable in world.variables.items()
        if isinstance(variable.domain, Range)
    }
    stored, checks = fit(item, new, domains)
    outcome = Outcome(updates=((target.variable, stored),), result=result(stored))
    return (Step(call.routine, _RULE, (outcome,), checks, access),)


def _reference_step(
    call: KernelCall,
    domain: Enumeration,
    target: Read,
    new: Expression,
    access: tuple[Access, ...],
) -> Step:
    """An exchange of pointers: one outcome for each pointer that may have been there."""
    outcomes = tuple(
        Outcome(
            (equal(target, Constant(label)),),
            ((target.variable, new),),
            result=Constant(label),
        )
        for label in domain.labels
    )
    return Step(call.routine, _RULE, outcomes, accesses=access)


def _arithmetic(operator: Operation, *, old: bool) -> Emit:
    """The rule of an operation `target = target operator Value`; returns the old or new value."""

    def emit(call: KernelCall, world: World) -> tuple[Micro, ...]:
        before = _target(call)
        value = call.arguments.get("Value", Constant(1))
        new = Arithmetic(operator, before, value)
        return _update(call, world, new, (lambda _: before) if old else (lambda stored: stored))

    return emit


def interlocked_exchange(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Store a value and return the old one, atomically (6.3.1)."""
    before = _target(call)
    return _update(call, world, call.arguments["Value"], lambda _: before)


def interlocked_compare_exchange(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Store a value if the old one equals the comparand; return the old one (6.3.1)."""
    before = _target(call)
    same = equal(before, call.arguments["Comparand"])
    new = if_then_else(same, call.arguments["ExChange"], before)
    return _update(call, world, new, lambda _: before)


def _single(kind: AccessKind) -> Emit:
    """The rule of ReadNoFence, WriteNoFence and relatives: one access that does not race."""

    def emit(call: KernelCall, world: World) -> tuple[Micro, ...]:
        target = _target(call)
        access = (Access(target.variable, kind),)
        declared = world.variables.get(target.variable)
        if declared is None:
            raise RuleError(f"{call.routine}: {target.variable} is not a field of the pattern")
        if kind is AccessKind.VOLATILE_WRITE:
            update = ((target.variable, call.arguments["Value"]),)
            return (Step(call.routine, "6.3", (Outcome(updates=update),), accesses=access),)
        if isinstance(declared.domain, Enumeration):
            outcomes = tuple(
                Outcome((equal(target, Constant(label)),), result=Constant(label))
                for label in declared.domain.labels
            )
            return (Step(call.routine, "6.3", outcomes, accesses=access),)
        return (Step(call.routine, "6.3", (Outcome(result=target),), accesses=access),)

    return emit


_DESTINATION = Parameter("Destination", Passing.ADDRESS)
_TARGET = Parameter("Target", Passing.ADDRESS)
_VALUE = Parameter("Value")


def _both(name: str, parameters: tuple[Parameter, ...], emit: Emit) -> tuple[KernelRoutine, ...]:
    """The routine and its pointer variant."""
    return (
        KernelRoutine(name, parameters, emit, _RULE),
        KernelRoutine(f"{name}Pointer", parameters, emit, _RULE),
    )


ROUTINES = (
    KernelRoutine("InterlockedIncrement", (_TARGET,), _arithmetic("+", old=False), _RULE),
    KernelRoutine("InterlockedDecrement", (_TARGET,), _arithmetic("-", old=False), _RULE),
    KernelRoutine("InterlockedAdd", (_TARGET, _VALUE), _arithmetic("+", old=False), _RULE),
    KernelRoutine("InterlockedExchangeAdd", (_TARGET, _VALUE), _arithmetic("+", old=True), _RULE),
    KernelRoutine("InterlockedOr", (_TARGET, _VALUE), _arithmetic("|", old=True), _RULE),
    KernelRoutine("InterlockedAnd", (_TARGET, _VALUE), _arithmetic("&", old=True), _RULE),
    KernelRoutine("InterlockedXor", (_TARGET, _VALUE), _arithmetic("^", old=True), _RULE),
    *_both("InterlockedExchange", (_TARGET, _VALUE), interlocked_exchange),
    *_both(
        "InterlockedCompareExchange",
        (_DESTINATION, Parameter("ExChange"), Parameter("Comparand")),
        interlocked_compare_exchange,
    ),
    KernelRoutine("ReadNoFence", (_TARGET,), _single(AccessKind.VOLATILE_READ), "6.3"),
    KernelRoutine("ReadAcquire", (_TARGET,), _single(AccessKind.VOLATILE_READ), "6.3"),
    KernelRoutine("WriteNoFence", (_TARGET, _VALUE), _single(AccessKind.VOLATILE_WRITE), "6.3"),
    KernelRoutine("WriteRelease", (_TARGET, _VALUE), _single(AccessKind.VOLATILE_WRITE), "6.3"),
)
