"""Interlocked operations and explicit unordered accesses (rules 6.3)."""

from collections.abc import Callable

from ..algebra import equal, if_then_else, negation
from ..domain import Enumeration, Range
from ..expr import Arithmetic, Constant, Expression, Operation, Read
from ..machine import Access, AccessKind, Check, Variable
from .c_types import LONG, PVOID, CrossingError, in_field, signed_as
from .levels import DISPATCH_LEVEL
from .locks import embedded
from .memory import fit
from .rule import Emit, KernelCall, KernelRoutine, Micro, Outcome, RuleError, Step
from .signature import Parameter, Passing
from .spin_locks import initialized, one_family
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


def _ranges(world: World) -> dict[str, Range]:
    """The domains of all integer variables."""
    return {
        name: variable.domain
        for name, variable in world.variables.items()
        if isinstance(variable.domain, Range)
    }


def _update(
    call: KernelCall, world: World, new: Expression, result: Callable[[Expression], Expression]
) -> tuple[Step, ...]:
    """Replace the variable by `new` in one step; `result` sees the stored value."""
    target, declared = _target(call), _declared(call, world)
    if isinstance(new, Constant):
        new = _storable(call, declared, new)
    if isinstance(declared.domain, Enumeration):
        return (_reference_step(call, declared.domain, target, new),)
    stored, checks = fit(world.field_of(target.variable), new, _ranges(world))
    access = (_access(target, AccessKind.INTERLOCKED, stored),)
    outcome = Outcome(updates=((target.variable, stored),), result=result(stored))
    return (Step(call.routine, _RULE, (outcome,), checks, access),)


def _storable(call: KernelCall, declared: Variable, value: Expression) -> Expression:
    """A value that the field can be given, as it is stored."""
    try:
        return in_field(declared.domain, value, declared.name)
    except CrossingError as error:
        raise RuleError(f"{call.routine}: {error}") from error


def _access(target: Read, kind: AccessKind, stored: Expression) -> Access:
    """The access that stores a value at the target."""
    return Access(target.variable, kind, changes=negation(equal(stored, target)))


def _reference_step(call: KernelCall, domain: Enumeration, target: Read, new: Expression) -> Step:
    """An exchange of pointers: one outcome for each pointer that may have been there."""
    access = (_access(target, AccessKind.INTERLOCKED, new),)
    outcomes = tuple(
        Outcome(
            (equal(target, Constant(label)),),
            ((target.variable, new),),
            result=Constant(label),
        )
        for label in domain.labels
    )
    return Step(call.routine, _RULE, outcomes, accesses=access)


def _combine(call: KernelCall, world: World, operator: Operation, *, old: bool) -> tuple[Step, ...]:
    """`target = target operator Value`; the result is the old or the new value."""
    before = _target(call)
    if isinstance(_declared(call, world).domain, Enumeration):
        raise RuleError(f"{call.routine}: {before.variable} holds an address, and is no number")
    value = call.arguments.get("Value", Constant(1))
    new = Arithmetic(operator, before, value)
    return _update(call, world, new, (lambda _: before) if old else (lambda stored: stored))


def interlocked_increment(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Add one; the result is the new value.

    Windows: any IRQL, atomic against every other interlocked operation only (6.3.1).
    Model: one step; plain accesses race with it.
    """
    return _combine(call, world, "+", old=False)


def interlocked_decrement(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Subtract one; the result is the new value.

    Windows: as InterlockedIncrement (6.3.1).
    Model: one step.
    """
    return _combine(call, world, "-", old=False)


def interlocked_add(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Add a value; the result is the new value.

    Windows: as InterlockedIncrement (6.3.1).
    Model: one step.
    """
    return _combine(call, world, "+", old=False)


def interlocked_exchange_add(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Add a value; the result is the old value.

    Windows: as InterlockedIncrement (6.3.1).
    Model: one step.
    """
    return _combine(call, world, "+", old=True)


def interlocked_or(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Set bits; the result is the old value.

    Windows: as InterlockedIncrement (6.3.1).
    Model: one step.
    """
    return _combine(call, world, "|", old=True)


def interlocked_and(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Keep bits; the result is the old value.

    Windows: as InterlockedIncrement (6.3.1).
    Model: one step.
    """
    return _combine(call, world, "&", old=True)


def interlocked_xor(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Flip bits; the result is the old value.

    Windows: as InterlockedIncrement (6.3.1).
    Model: one step.
    """
    return _combine(call, world, "^", old=True)


def interlocked_exchange(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Store a value; the result is the old one.

    Windows: as InterlockedIncrement (6.3.1).
    Model: one step.
    """
    before = _target(call)
    value = _storable(call, _declared(call, world), call.arguments["Value"])
    return _update(call, world, value, lambda _: before)


def interlocked_compare_exchange(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Store a value if the old one equals the comparand; the result is the old one.

    Windows: as InterlockedIncrement (6.3.1).
    Model: one step.
    """
    before, declared = _target(call), _declared(call, world)
    comparand = _storable(call, declared, call.arguments["Comparand"])
    if isinstance(declared.domain, Range):
        comparand = signed_as(declared.domain, comparand, _ranges(world))
    same = equal(before, comparand)
    new = if_then_else(same, _storable(call, declared, call.arguments["ExChange"]), before)
    return _update(call, world, new, lambda _: before)


def ex_interlocked_add_ulong(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Add a value while holding a spin lock; the result is the old value.

    Windows: any IRQL; interrupts are off while the lock is held, so a service routine may use it
        too (6.3.2). The lock is not used as an ordinary one, unless all uses are at or below
        DISPATCH_LEVEL (6.3.3, 10.50).
    Model: one step that waits for the lock. Above DISPATCH_LEVEL the lock becomes one of a family
        of its own, and ordinary uses of it are violations.
    """
    lock = embedded(call, world, "Lock", "KSPIN_LOCK")
    checks = initialized(call, world, lock)
    if call.irql > DISPATCH_LEVEL:
        checks += one_family(call, world, lock, "interlocked")
    step = _combine(call, world, "+", old=True)[0]
    return (
        Step(
            f"{call.routine} takes {lock}",
            "6.3.2",
            step.outcomes,
            (*checks, *step.checks),
            step.accesses,
            takes=lock,
            drops=lock,
        ),
    )


def _declared(call: KernelCall, world: World) -> Variable:
    """The variable whose address is passed, as declared."""
    declared = world.variables.get(_target(call).variable)
    if declared is None:
        raise RuleError(f"{call.routine}: {_target(call).variable} is not a field of the pattern")
    return declared


def read_no_fence(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Read once, where others may write.

    Windows: a single access that the compiler does not split or repeat (10.59).
    Model: one step that races with plain writes only; memory is sequentially consistent.
    """
    target, declared = _target(call), _declared(call, world)
    access = (Access(target.variable, AccessKind.VOLATILE_READ),)
    outcomes: tuple[Outcome, ...] = (Outcome(result=target),)
    if isinstance(declared.domain, Enumeration):
        outcomes = tuple(
            Outcome((equal(target, Constant(label)),), result=Constant(label))
            for label in declared.domain.labels
        )
    return (Step(call.routine, "6.3", outcomes, accesses=access),)


def write_no_fence(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Write once, where others may read.

    Windows: a single access that the compiler does not split or repeat (10.59).
    Model: one step that races with plain accesses only; memory is sequentially consistent.
    """
    target, declared = _target(call), _declared(call, world)
    value = call.arguments["Value"]
    checks: tuple[Check, ...] = ()
    value = _storable(call, declared, value)
    if not isinstance(declared.domain, Enumeration):
        value, checks = fit(world.field_of(target.variable), value, _ranges(world))
    access = (_access(target, AccessKind.VOLATILE_WRITE, value),)
    update = ((target.variable, value),)
    return (Step(call.routine, "6.3", (Outcome(updates=update),), checks, access),)


_DESTINATION = Parameter("Destination", Passing.ADDRESS)
_TARGET = Parameter("Target", Passing.ADDRESS)
_VALUE = Parameter("Value", type=PVOID)
_NUMBER = Parameter("Value", type=LONG)


def _both(name: str, parameters: tuple[Parameter, ...], emit: Emit) -> tuple[KernelRoutine, ...]:
    """The routine and its pointer variant."""
    return (
        KernelRoutine(name, parameters, emit, _RULE),
        KernelRoutine(f"{name}Pointer", parameters, emit, _RULE),
    )


_COMPARE = (_DESTINATION, Parameter("ExChange", type=PVOID), Parameter("Comparand", type=PVOID))

ROUTINES = (
    KernelRoutine("InterlockedIncrement", (_TARGET,), interlocked_increment, _RULE),
    KernelRoutine("InterlockedDecrement", (_TARGET,), interlocked_decrement, _RULE),
    KernelRoutine("InterlockedAdd", (_TARGET, _NUMBER), interlocked_add, _RULE),
    KernelRoutine("InterlockedExchangeAdd", (_TARGET, _NUMBER), interlocked_exchange_add, _RULE),
    KernelRoutine("InterlockedOr", (_TARGET, _NUMBER), interlocked_or, _RULE),
    KernelRoutine("InterlockedAnd", (_TARGET, _NUMBER), interlocked_and, _RULE),
    KernelRoutine("InterlockedXor", (_TARGET, _NUMBER), interlocked_xor, _RULE),
    *_both("InterlockedExchange", (_TARGET, _VALUE), interlocked_exchange),
    *_both("InterlockedCompareExchange", _COMPARE, interlocked_compare_exchange),
    KernelRoutine(
        "ExInterlockedAddUlong",
        (_TARGET, _NUMBER, Parameter("Lock")),
        ex_interlocked_add_ulong,
        "6.3.2",
    ),
    KernelRoutine("ReadNoFence", (_TARGET,), read_no_fence, "6.3"),
    KernelRoutine("ReadAcquire", (_TARGET,), read_no_fence, "6.3"),
    KernelRoutine("WriteNoFence", (_TARGET, _VALUE), write_no_fence, "6.3"),
    KernelRoutine("WriteRelease", (_TARGET, _VALUE), write_no_fence, "6.3"),
)
