"""Connecting a service routine (rules 2.1 to 2.6)."""

from dataclasses import dataclass

from ..algebra import conjunction, disjunction, equal, member, negation
from ..driver import Line
from ..expr import Constant, Expression, Read
from ..machine import Access, AccessKind, Check
from . import constants as c
from .levels import HIGH_LEVEL, PASSIVE_LEVEL
from .rule import Give, KernelCall, KernelRoutine, Micro, Outcome, RuleError, Step
from .signature import Parameter, Passing
from .world import CONNECTED, LIVE, UNUSED, InterruptObject, Registration, World


@dataclass(frozen=True, slots=True)
class _Request:
    """The arguments of any of the connect forms, with `FROM_RESOURCE` for what was left out."""

    pointer: str
    routine: str
    context: int | str | bool
    lock: str
    vector: int
    irql: int
    synchronize_irql: int
    mode: int
    share: int
    mask: int
    version: int


def _line(call: KernelCall, world: World, vector: int) -> Line:
    """The interrupt line with this vector, or the only one."""
    if vector == c.FROM_RESOURCE and len(world.lines) == 1:
        return next(iter(world.lines.values()))
    for line in world.lines.values():
        if line.vector == vector:
            return line
    known = ", ".join(f"{line.vector} ({name})" for name, line in world.lines.items())
    raise RuleError(
        f"{call.routine}: no device of this pattern has interrupt vector {vector}; "
        f"pass Vector= one of: {known or 'none (give the device a Line)'}"
    )


def _registration(request: _Request, line: Line, processors: tuple[str, ...]) -> Registration | int:
    """What the request registers, or the status with which it is refused.

    Windows: at least one processor (2.3.1, 2.4.2, 10.6); Irql at most HIGH_LEVEL, SynchronizeIrql
        not below Irql (2.3.3, 10.12); a passive service routine needs both PASSIVE_LEVEL (2.8.1).
    Model: as picked in 10.6 and 10.12.
    """
    irql = line.irql if request.irql == c.FROM_RESOURCE else request.irql
    level = irql if request.synchronize_irql == c.FROM_RESOURCE else request.synchronize_irql
    mask = (1 << len(processors)) - 1 if request.mask == c.FROM_RESOURCE else request.mask
    targets = tuple(name for index, name in enumerate(processors) if mask >> index & 1)
    if not targets:
        legacy = request.version == 0
        return c.STATUS_INVALID_PARAMETER if legacy else c.STATUS_INVALID_PARAMETER_10
    if irql > HIGH_LEVEL or level < irql:
        return c.STATUS_INVALID_PARAMETER
    if irql != line.irql:
        raise RuleError(
            f"Irql is {irql}, but the translated resource of {line.device} says {line.irql}; "
            f"leave Irql out or pass {line.irql}"
        )
    latched = line.latched if request.mode == c.FROM_RESOURCE else bool(request.mode)
    shared = line.shared if request.share == c.FROM_RESOURCE else bool(request.share)
    if latched != line.latched or (line.shared and not shared):
        return c.STATUS_INVALID_PARAMETER
    lock = "" if request.lock == "NULL" else request.lock
    return Registration(
        line.device,
        request.routine,
        request.context,
        lock,
        irql,
        level,
        latched,
        shared,
        targets,
        request.version,
    )


def _available(world: World, found: InterruptObject) -> Expression:
    """Whether this interrupt object can be the next one made.

    Model: memory of a freed object is used again only when no pointer variable still holds it, so
        that a stale pointer is always seen as stale.
    """
    state = world.interrupt_state(found.name)
    return disjunction(
        equal(state, Constant(UNUSED)),
        conjunction(negation(member(state, LIVE)), negation(world.referenced(found.name))),
    )


def _conflict(world: World, registration: Registration) -> Expression:
    """Whether a live registration on the line excludes this one (2.5.4, 10.17)."""
    return disjunction(
        *(
            member(world.interrupt_state(other.name), LIVE)
            for other in world.interrupts()
            if other.registration.line == registration.line
            and not (other.registration.shared and registration.shared)
        )
    )


def _connect(call: KernelCall, world: World, request: _Request) -> tuple[Micro, ...]:
    """Check the parameters, then arm the vector and publish the pointer.

    Windows: PASSIVE_LEVEL (2.1.1). The service routine can run before the call returns and before
        the pointer is stored (2.2.2, 2.2.5, 10.1, 10.2); the call can fail (2.3.1, 2.4.3).
    Model: two steps in either order. All processors of the mask are armed at once (10.4).
    """
    checks = call.at_most(PASSIVE_LEVEL, "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x2000B)")
    if request.pointer == "NULL":
        return (
            call.broken(
                "null-out-pointer",
                f"{call.routine} has no place to store the interrupt object pointer",
                "0x7E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED",
            ),
        )
    line = _line(call, world, request.vector)
    registration = _registration(request, line, world.processors)
    if isinstance(registration, int):
        refused = Outcome(result=Constant(registration), name=f"{call.routine} refuses")
        return (Step(call.routine, "2.3.1", (refused,), checks=checks),)
    world.facts.register(registration, call.point)
    outcomes: list[Outcome] = []
    before: list[Expression] = [negation(_conflict(world, registration))]
    for found in world.instances(registration):
        free = _available(world, found)
        outcomes += _made(call, world, request.pointer, found, (*before, free))
        before.append(negation(free))
    outcomes.append(
        Outcome((_conflict(world, registration),), result=Constant(c.STATUS_INVALID_PARAMETER))
    )
    if world.knobs.allows("connect_may_fail", "yes"):
        outcomes.append(
            Outcome(
                result=Constant(c.STATUS_INSUFFICIENT_RESOURCES),
                name=f"{call.routine} fails for lack of resources",
            )
        )
    exhausted = Check(
        "model-bound",
        negation(conjunction(*before)),
        "more interrupt objects would be needed than the model provides",
    )
    return (Step(call.routine, "2.2.2", tuple(outcomes), (*checks, exhausted)),)


def _made(
    call: KernelCall,
    world: World,
    pointer: str,
    found: InterruptObject,
    guard: tuple[Expression, ...],
) -> list[Outcome]:
    """The ways in which the call can succeed with this interrupt object."""
    state = world.interrupt_state(found.name).variable
    variable = pointer.removeprefix("&")
    arm = ((state, Constant(CONNECTED)),)
    store = ((variable, Constant(found.name)),)
    success = Give(Constant(c.STATUS_SUCCESS))
    leak = Check(
        "connect-overwrites-live-interrupt",
        negation(
            disjunction(
                *(
                    conjunction(
                        equal(Read(variable), Constant(other.name)),
                        member(world.interrupt_state(other.name), LIVE),
                    )
                    for other in world.interrupts()
                    if other.name != found.name
                )
            )
        ),
        f"{call.routine} overwrites the only pointer to an interrupt object that is still connected",
    )
    volatile = world.field_of(variable).volatile
    kind = AccessKind.VOLATILE_WRITE if volatile else AccessKind.PLAIN_WRITE
    written = (Access(variable, kind),)
    if world.knobs["isr_before_connect_returns"] == "no":
        both = Step(
            f"{call.routine} connects",
            "2.2.1",
            (Outcome(updates=arm + store),),
            (leak,),
            written,
        )
        return [Outcome(guard, then=(both, success))]
    stores = Step(
        f"{call.routine} stores the pointer", "10.2", (Outcome(updates=store),), (leak,), written
    )
    arms = Step(f"{call.routine} arms the vector", "10.1", (Outcome(updates=arm),))
    made: list[Outcome] = []
    if world.knobs.allows("out_pointer_before_arm", "no"):
        made.append(Outcome(guard, updates=arm, then=(stores, success), name=f"{arms.name} first"))
    if world.knobs.allows("out_pointer_before_arm", "yes"):
        made.append(
            Outcome(
                guard, then=(stores, arms, success), name=f"{call.routine} allocates the object"
            )
        )
    return made


def io_connect_interrupt(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Connect a service routine, the legacy form.

    Windows: parameters and statuses of 2.3; message-signalled drivers must use the Ex form (2.3.5).
    Model: arguments left out are those of the device's translated resource.
    """
    return _connect(
        call,
        world,
        _Request(
            call.text("InterruptObject"),
            call.text("ServiceRoutine"),
            _constant(call, "ServiceContext"),
            call.text("SpinLock"),
            call.number("Vector"),
            call.number("Irql"),
            call.number("SynchronizeIrql"),
            call.number("InterruptMode"),
            call.number("ShareVector"),
            call.number("ProcessorEnableMask"),
            version=0,
        ),
    )


def _constant(call: KernelCall, parameter: str) -> int | str | bool:
    """An argument that must be known where the call is made."""
    value = call.arguments[parameter]
    if isinstance(value, Constant):
        return value.value
    raise RuleError(f"{call.routine}: {parameter} must be known where the call is made")


def io_connect_interrupt_ex(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Connect a service routine, the form with a versioned structure.

    Windows: Version selects the form (2.4); a bad Version gives STATUS_INVALID_PARAMETER_1, a NULL
        device object STATUS_INVALID_PARAMETER (2.4.2, 2.4.4).
    Model: CONNECT_FULLY_SPECIFIED, its GROUP form and CONNECT_LINE_BASED.
    """
    version = call.number("Version")
    checks = call.at_most(PASSIVE_LEVEL)
    if version in (c.CONNECT_FULLY_SPECIFIED, c.CONNECT_FULLY_SPECIFIED_GROUP):
        return _fully_specified(call, world, version)
    if version == c.CONNECT_LINE_BASED:
        return _line_based(call, world)
    if version == c.CONNECT_MESSAGE_BASED:
        raise RuleError("IoConnectInterruptEx: CONNECT_MESSAGE_BASED is not modelled yet")
    bad = Outcome(result=Constant(c.STATUS_INVALID_PARAMETER_1))
    return (Step(call.routine, "2.4.2", (bad,), checks=checks),)


def _no_device(call: KernelCall) -> tuple[Micro, ...]:
    """The device object is NULL (2.4.2)."""
    refused = Outcome(result=Constant(c.STATUS_INVALID_PARAMETER))
    return (Step(call.routine, "2.4.4", (refused,), checks=call.at_most(PASSIVE_LEVEL)),)


def _fully_specified(call: KernelCall, world: World, version: int) -> tuple[Micro, ...]:
    """One service routine for one vector (2.5)."""
    prefix = "FullySpecified."
    if call.text(f"{prefix}PhysicalDeviceObject") == "NULL":
        return _no_device(call)
    return _connect(
        call,
        world,
        _Request(
            call.text(f"{prefix}InterruptObject"),
            call.text(f"{prefix}ServiceRoutine"),
            _constant(call, f"{prefix}ServiceContext"),
            call.text(f"{prefix}SpinLock"),
            call.number(f"{prefix}Vector"),
            call.number(f"{prefix}Irql"),
            call.number(f"{prefix}SynchronizeIrql"),
            call.number(f"{prefix}InterruptMode"),
            call.number(f"{prefix}ShareVector"),
            call.number(f"{prefix}ProcessorEnableMask"),
            version,
        ),
    )


def _line_based(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """One service routine for the device's line (2.6).

    Windows: the system finds the resources; the level is at least the vector's Irql (2.6.2);
        without a line the call fails with STATUS_NOT_FOUND (2.6.6).
    Model: as documented, for a device with one line.
    """
    prefix = "LineBased."
    if call.text(f"{prefix}PhysicalDeviceObject") == "NULL":
        return _no_device(call)
    if not world.lines:
        missing = Outcome(result=Constant(c.STATUS_NOT_FOUND))
        return (Step(call.routine, "2.6.6", (missing,), checks=call.at_most(PASSIVE_LEVEL)),)
    line = _line(call, world, c.FROM_RESOURCE)
    level = max(call.number(f"{prefix}SynchronizeIrql"), line.irql)
    return _connect(
        call,
        world,
        _Request(
            call.text(f"{prefix}InterruptObject"),
            call.text(f"{prefix}ServiceRoutine"),
            _constant(call, f"{prefix}ServiceContext"),
            call.text(f"{prefix}SpinLock"),
            line.vector,
            line.irql,
            level,
            c.FROM_RESOURCE,
            c.FROM_RESOURCE,
            c.FROM_RESOURCE,
            c.CONNECT_LINE_BASED,
        ),
    )


def _resource(name: str) -> Parameter:
    """A parameter that defaults to what the device's translated resource says."""
    return Parameter(name, default=c.FROM_RESOURCE)


_PARAMETERS = (
    Parameter("Version", default=0),
    Parameter("FullySpecified.PhysicalDeviceObject", default="NULL"),
    Parameter("FullySpecified.InterruptObject", Passing.ADDRESS, default="NULL"),
    Parameter("FullySpecified.ServiceRoutine", default="NULL"),
    Parameter("FullySpecified.ServiceContext", default="NULL"),
    Parameter("FullySpecified.SpinLock", default="NULL"),
    _resource("FullySpecified.SynchronizeIrql"),
    Parameter("FullySpecified.FloatingSave", default=0),
    _resource("FullySpecified.ShareVector"),
    _resource("FullySpecified.Vector"),
    _resource("FullySpecified.Irql"),
    _resource("FullySpecified.InterruptMode"),
    _resource("FullySpecified.ProcessorEnableMask"),
    Parameter("FullySpecified.Group", default=0),
    Parameter("LineBased.PhysicalDeviceObject", default="NULL"),
    Parameter("LineBased.InterruptObject", Passing.ADDRESS, default="NULL"),
    Parameter("LineBased.ServiceRoutine", default="NULL"),
    Parameter("LineBased.ServiceContext", default="NULL"),
    Parameter("LineBased.SpinLock", default="NULL"),
    Parameter("LineBased.SynchronizeIrql", default=0),
    Parameter("LineBased.FloatingSave", default=0),
)

ROUTINES = (
    KernelRoutine(
        "IoConnectInterrupt",
        (
            Parameter("InterruptObject", Passing.ADDRESS),
            Parameter("ServiceRoutine"),
            Parameter("ServiceContext", default="NULL"),
            Parameter("SpinLock", default="NULL"),
            _resource("Vector"),
            _resource("Irql"),
            _resource("SynchronizeIrql"),
            _resource("InterruptMode"),
            _resource("ShareVector"),
            _resource("ProcessorEnableMask"),
            Parameter("FloatingSave", default=0),
        ),
        io_connect_interrupt,
        "2.3",
    ),
    KernelRoutine(
        "IoConnectInterruptEx",
        (Parameter("Parameters", Passing.STRUCTURE, members=_PARAMETERS),),
        io_connect_interrupt_ex,
        "2.4",
    ),
)
