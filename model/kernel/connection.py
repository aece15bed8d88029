"""Connecting a service routine (rules 2.1 to 2.6)."""

from ..algebra import conjunction, disjunction, equal, member, negation
from ..expr import Constant, Expression, Read
from ..machine import Check
from . import constants as c
from . import out_pointer
from .c_types import BOOLEAN, KAFFINITY, KIRQL, LONG, PVOID, ULONG, USHORT, CType
from .callbacks import SERVICE
from .levels import PASSIVE_LEVEL
from .locks import in_memory
from .registration import LEGACY, NO_DEVICE, Refusal, Request, line_of, registration
from .rule import Give, KernelCall, KernelRoutine, Micro, Outcome, RuleError, Step
from .signature import Parameter, Passing
from .spin_locks import initialized
from .world import ALLOCATED, CONNECTED, LIVE, UNUSED, InterruptObject, Registration, World

NO_PDO = Refusal(c.STATUS_INVALID_PARAMETER, NO_DEVICE, "2.4.4")
"""The device object is NULL (2.4.2)."""


def _available(world: World, found: InterruptObject) -> Expression:
    """Whether this interrupt object can be the next one made.

    Model: memory of a freed object is used again only when no pointer still holds it, neither a
        field nor a local of a routine under way, so that a stale pointer is always seen as stale.
    """
    state = world.interrupt_state(found.name)
    return disjunction(
        equal(state, Constant(UNUSED)),
        conjunction(
            negation(member(state, LIVE)),
            negation(world.referenced(found.name)),
            negation(Read(f"remembered {found.name}")),
        ),
    )


def _conflict(world: World, wanted: Registration) -> Expression:
    """Whether a live registration on the line excludes this one (2.5.4, 10.17)."""
    return disjunction(
        *(
            member(world.interrupt_state(other.name), LIVE)
            for other in world.interrupts()
            if other.registration.line == wanted.line
            and not (other.registration.shared and wanted.shared)
        )
    )


def _connect(call: KernelCall, world: World, request: Request) -> tuple[Micro, ...]:
    """Check the parameters, then arm the vector and publish the pointer.

    Windows: PASSIVE_LEVEL (2.1.1). The service routine can run before the call returns and before
        the pointer is stored (2.2.2, 2.2.5, 10.1, 10.2); the call can fail (2.3.1, 2.4.3).
    Model: two steps in either order. All processors of the mask are armed at once (10.4). That the
        pointer holds an object still connected is asked first, whatever becomes of the call: a
        success overwrites it, and so may a failure (10.67).
    """
    code = "0x2000B" if request.version == LEGACY else "0xE5"
    checks = call.at_most(PASSIVE_LEVEL, f"0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION ({code})")
    line = line_of(call, world, request)
    if isinstance(line, Refusal):
        return (out_pointer.refused(call, world, line, request.pointer, checks),)
    wanted = registration(call, request, line, world.processors)
    if isinstance(wanted, Refusal):
        return (out_pointer.refused(call, world, wanted, request.pointer, checks),)
    if request.routine == "NULL":
        raise RuleError(
            f"{call.routine}: ServiceRoutine is NULL", "name the routine to call: self.Isr"
        )
    checks += (*out_pointer.present(call, request.pointer), *_lock_ready(call, world, request))
    world.facts.register(wanted, call.point)
    if request.pointer == "NULL":
        return (Step(call.routine, "2.4.5", checks=checks),)
    checks += (out_pointer.lost(call, world, request.pointer.removeprefix("&")),)
    outcomes: list[Outcome] = []
    before: list[Expression] = [negation(_conflict(world, wanted))]
    for found in world.instances(wanted):
        free = _available(world, found)
        outcomes += _made(call, world, request.pointer, found, (*before, free))
        before.append(negation(free))
    taken = Outcome((_conflict(world, wanted),), result=Constant(c.STATUS_INVALID_PARAMETER))
    outcomes += out_pointer.failed(call, world, request.pointer, taken)
    if world.knobs.allows("connect_may_fail", "yes"):
        short = Outcome(
            result=Constant(c.STATUS_INSUFFICIENT_RESOURCES),
            name=f"{call.routine} fails for lack of resources",
        )
        outcomes += out_pointer.failed(call, world, request.pointer, short)
    exhausted = Check(
        "model-bound",
        negation(conjunction(*before)),
        "more interrupt objects would be needed than the model provides",
    )
    return (Step(call.routine, "2.2.2", tuple(outcomes), (*checks, exhausted)),)


def _lock_ready(call: KernelCall, world: World, request: Request) -> tuple[Check, ...]:
    """The lock that the driver supplies is a spin lock, initialised before (2.1.4, R6)."""
    if request.lock == "NULL":
        return ()
    found = world.objects.get(request.lock)
    if found is None or found.type != "KSPIN_LOCK":
        raise RuleError(f"{call.routine}: SpinLock must be a KSPIN_LOCK, not {request.lock}")
    return (
        *initialized(call, world, request.lock),
        *in_memory(call, world, request.lock, call.irql),
    )


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
    leak = out_pointer.lost(call, world, variable, found.name)
    written = (out_pointer.written(world, variable),)
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
                guard,
                ((state, Constant(ALLOCATED)),),
                then=(stores, arms, success),
                name=f"{call.routine} allocates the object",
            )
        )
    return made


def io_connect_interrupt(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Connect a service routine, the legacy form.

    Windows: parameters and statuses of 2.3; message-signalled drivers must use the Ex form (2.3.5).
    Model: arguments left out are those of the device's translated resource. The parameters are
        checked as in `registration`, for IRQL first.
    """
    return _connect(
        call,
        world,
        Request(
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
            version=LEGACY,
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
    Model: CONNECT_FULLY_SPECIFIED, its GROUP form (with the one group 0) and CONNECT_LINE_BASED.
        Every object passed as PhysicalDeviceObject counts as the PDO.
    """
    version = call.number("Version")
    checks = call.at_most(PASSIVE_LEVEL)
    if version in (c.CONNECT_FULLY_SPECIFIED, c.CONNECT_FULLY_SPECIFIED_GROUP):
        return _fully_specified(call, world, version)
    if version == c.CONNECT_LINE_BASED:
        return _line_based(call, world)
    if version == c.CONNECT_MESSAGE_BASED:
        raise RuleError(
            "IoConnectInterruptEx: message-signalled interrupts are not modelled yet",
            "give the device a Line, connect it with CONNECT_LINE_BASED or CONNECT_FULLY_SPECIFIED",
        )
    bad = Refusal(c.STATUS_INVALID_PARAMETER_1, f"Version is {version}", "2.4.2")
    return (bad.step(call, checks),)


def _refused_early(
    call: KernelCall, world: World, prefix: str, refusal: Refusal
) -> tuple[Micro, ...]:
    """The call fails for what it asks for, before anything else is looked at."""
    pointer = call.text(f"{prefix}InterruptObject")
    return (out_pointer.refused(call, world, refusal, pointer, call.at_most(PASSIVE_LEVEL)),)


def _fully_specified(call: KernelCall, world: World, version: int) -> tuple[Micro, ...]:
    """One service routine for one vector (2.5)."""
    prefix = "FullySpecified."
    if call.text(f"{prefix}PhysicalDeviceObject") == "NULL":
        return _refused_early(call, world, prefix, NO_PDO)
    return _connect(
        call,
        world,
        Request(
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
            call.number(f"{prefix}Group"),
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
        return _refused_early(call, world, prefix, NO_PDO)
    if not world.lines:
        missing = Refusal(c.STATUS_NOT_FOUND, "the device has no interrupt", "2.6.6")
        return _refused_early(call, world, prefix, missing)
    if len(world.lines) > 1:
        raise RuleError(
            "IoConnectInterruptEx: CONNECT_LINE_BASED is modelled for a driver with one line",
            "connect each line with CONNECT_FULLY_SPECIFIED and FullySpecified.Vector",
        )
    line = next(iter(world.lines.values()))
    level = max(call.number(f"{prefix}SynchronizeIrql"), line.irql)
    return _connect(
        call,
        world,
        Request(
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


def _resource(name: str, kind: CType) -> Parameter:
    """A parameter that defaults to what the device's translated resource says."""
    return Parameter(name, default=c.FROM_RESOURCE, type=kind)


_PARAMETERS = (
    Parameter("Version", type=ULONG, default=0),
    Parameter("FullySpecified.PhysicalDeviceObject", default="NULL"),
    Parameter("FullySpecified.InterruptObject", Passing.ADDRESS, default="NULL"),
    Parameter("FullySpecified.ServiceRoutine", calls=SERVICE, default="NULL"),
    Parameter("FullySpecified.ServiceContext", type=PVOID, default="NULL"),
    Parameter("FullySpecified.SpinLock", default="NULL"),
    _resource("FullySpecified.SynchronizeIrql", KIRQL),
    Parameter("FullySpecified.FloatingSave", type=BOOLEAN, default=0),
    _resource("FullySpecified.ShareVector", BOOLEAN),
    _resource("FullySpecified.Vector", ULONG),
    _resource("FullySpecified.Irql", KIRQL),
    _resource("FullySpecified.InterruptMode", LONG),
    _resource("FullySpecified.ProcessorEnableMask", KAFFINITY),
    Parameter("FullySpecified.Group", type=USHORT, default=0),
    Parameter("LineBased.PhysicalDeviceObject", default="NULL"),
    Parameter("LineBased.InterruptObject", Passing.ADDRESS, default="NULL"),
    Parameter("LineBased.ServiceRoutine", calls=SERVICE, default="NULL"),
    Parameter("LineBased.ServiceContext", type=PVOID, default="NULL"),
    Parameter("LineBased.SpinLock", default="NULL"),
    Parameter("LineBased.SynchronizeIrql", type=KIRQL, default=0),
    Parameter("LineBased.FloatingSave", type=BOOLEAN, default=0),
)

ROUTINES = (
    KernelRoutine(
        "IoConnectInterrupt",
        (
            Parameter("InterruptObject", Passing.ADDRESS),
            Parameter("ServiceRoutine", calls=SERVICE),
            Parameter("ServiceContext", type=PVOID, default="NULL"),
            Parameter("SpinLock", default="NULL"),
            _resource("Vector", ULONG),
            _resource("Irql", KIRQL),
            _resource("SynchronizeIrql", KIRQL),
            _resource("InterruptMode", LONG),
            _resource("ShareVector", BOOLEAN),
            _resource("ProcessorEnableMask", KAFFINITY),
            Parameter("FloatingSave", type=BOOLEAN, default=0),
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
