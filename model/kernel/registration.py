"""What a connect call asks for, and whether Windows grants it (rules 2.3 to 2.6, 2.8)."""

from dataclasses import dataclass

from ..driver import Line
from ..expr import Constant
from ..machine import Check
from . import constants as c
from .levels import HIGH_LEVEL, PASSIVE_LEVEL, bad_address
from .rule import KernelCall, Outcome, RuleError, Step
from .world import InterruptObject, Registration, World

LEGACY = 0
"""The version of what IoConnectInterrupt registers."""

REFUSES = " refuses: "
NO_DEVICE = "PhysicalDeviceObject is NULL"
"""What stands, in the name of a step, between a connect call and why it is refused."""


@dataclass(frozen=True, slots=True)
class Request:
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
    group: int = 0


def interrupt_object(
    call: KernelCall, world: World, name: str, rule: str
) -> InterruptObject | Step:
    """The interrupt object called `name`, or for NULL the step that breaks `rule`.

    Raises:
        RuleError: it is something else.
    """
    if name == "NULL":
        return call.broken(
            rule,
            f"{call.routine} is called with a NULL interrupt object",
            bad_address(call.irql, in_kernel=True),
        )
    found = world.interrupt(name)
    if found is None:
        raise RuleError(f"{call.routine}: {name} is not an interrupt object")
    return found


@dataclass(frozen=True, slots=True)
class Refusal:
    """The status with which a connect call is refused, why, and the rule that says so."""

    status: int
    why: str
    rule: str

    def step(self, call: KernelCall, checks: tuple[Check, ...]) -> Step:
        """The call as one step that connects nothing; its name tells why."""
        name = f"{call.routine}{REFUSES}{status_name(self.status)}, {self.why}"
        outcome = Outcome(result=Constant(self.status), name=name)
        return Step(call.routine, self.rule, (outcome,), checks)


def status_name(status: int) -> str:
    """The name of a status: `STATUS_INVALID_PARAMETER`."""
    names = (name for name, value in c.CONSTANTS.items() if value == status)
    return next((name for name in names if name.startswith("STATUS_")), f"{status:#x}")


def line_of(call: KernelCall, world: World, request: Request) -> Line | Refusal:
    """The interrupt line with the vector asked for, or the only one where none is named.

    Windows: a vector that is assigned to no device gives STATUS_NOT_FOUND (2.4.2); of the legacy
        call only STATUS_INVALID_PARAMETER is known (2.3.3).
    Model: as documented.

    Raises:
        RuleError: no vector is named, and there is no line or it is not clear which.
    """
    vector = request.vector
    if vector == c.FROM_RESOURCE and len(world.lines) == 1:
        return next(iter(world.lines.values()))
    for line in world.lines.values():
        if line.vector == vector:
            return line
    known = ", ".join(f"{line.vector} ({name})" for name, line in world.lines.items())
    if vector != c.FROM_RESOURCE:
        why = f"Vector {vector} is no device's (there are: {known or 'none'})"
        if request.version == LEGACY:
            return Refusal(c.STATUS_INVALID_PARAMETER, why, "2.3.3")
        return Refusal(c.STATUS_NOT_FOUND, why, "2.4.2")
    if not world.lines:
        raise RuleError(f"{call.routine}: no device has a line", "nic = E100(Line(irql=7))")
    raise RuleError(
        f"{call.routine}: several devices have a line, and Vector is left out",
        f"pass Vector= (with CONNECT_FULLY_SPECIFIED), one of: {known}",
    )


def registration(
    call: KernelCall, request: Request, line: Line, processors: tuple[str, ...]
) -> Registration | Refusal:
    """What the request registers, or how it is refused.

    Windows: at least one processor (2.3.1, 2.3.2, 2.4.2, 10.6); Irql and SynchronizeIrql at most
        HIGH_LEVEL, SynchronizeIrql not below Irql (2.3.3, 10.12), above it is allowed (10.13); a
        passive service routine needs both PASSIVE_LEVEL and no lock (2.8.1, 2.8.2, 10.14); a shared
        line is shared by all, in one mode (2.5.4, 10.17). FloatingSave matters only on x86 (10.16).
    Model: a 64-bit system, so FloatingSave is not looked at. The foreign driver on a shared line
        has connected first, as its resource says.

    Raises:
        RuleError: what is asked for is not modelled.
    """
    irql = line.irql if request.irql == c.FROM_RESOURCE else request.irql
    level = irql if request.synchronize_irql == c.FROM_RESOURCE else request.synchronize_irql
    targets = _targets(call, request, processors)
    if not targets:
        legacy = request.version == LEGACY
        why = "ProcessorEnableMask has no active processor"
        if legacy:
            return Refusal(c.STATUS_INVALID_PARAMETER, why, "2.3.1")
        return Refusal(c.STATUS_INVALID_PARAMETER_10, why, "2.4.2")
    if max(irql, level) > HIGH_LEVEL:
        return Refusal(c.STATUS_INVALID_PARAMETER, "a level is above HIGH_LEVEL", "2.3.3")
    if level < irql:
        why = f"SynchronizeIrql {level} is below Irql {irql}"
        return Refusal(c.STATUS_INVALID_PARAMETER, why, "10.12")
    if irql == PASSIVE_LEVEL:
        return _passive(call, request, level)
    if irql != line.irql:
        raise RuleError(
            f"{call.routine}: Irql is {irql}, but the translated resource of {line.device} says "
            f"{line.irql}",
            f"leave Irql out or pass {line.irql}",
        )
    latched = line.latched if request.mode == c.FROM_RESOURCE else bool(request.mode)
    shared = line.shared if request.share == c.FROM_RESOURCE else bool(request.share)
    if line.shared and (latched != line.latched or not shared):
        why = "ShareVector" if not shared else "InterruptMode"
        why += " differs from that of the driver that has connected the shared line before"
        return Refusal(c.STATUS_INVALID_PARAMETER, why, "2.5.4")
    if latched != line.latched:
        raise RuleError(
            f"{call.routine}: InterruptMode is not the one {line.device}'s Line has, and a "
            "controller set up for the wrong kind of signal is not modelled",
            "leave InterruptMode out",
        )
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


def _targets(call: KernelCall, request: Request, processors: tuple[str, ...]) -> tuple[str, ...]:
    """The active processors of the mask; Group counts only in the GROUP form (2.5)."""
    if request.version == c.CONNECT_FULLY_SPECIFIED_GROUP and request.group:
        raise RuleError(
            f"{call.routine}: Group is {request.group}, and there is one processor group, 0",
            "leave Group out",
        )
    mask = (1 << len(processors)) - 1 if request.mask == c.FROM_RESOURCE else request.mask
    return tuple(name for index, name in enumerate(processors) if mask >> index & 1)


def _passive(call: KernelCall, request: Request, level: int) -> Refusal:
    """A registration with Irql PASSIVE_LEVEL: refused by Windows, or not modelled.

    Raises:
        RuleError: it is a correct passive-level registration.
    """
    if level != PASSIVE_LEVEL:
        why = f"Irql is PASSIVE_LEVEL and SynchronizeIrql {level}"
        return Refusal(c.STATUS_INVALID_PARAMETER, why, "10.14")
    if request.lock != "NULL":
        why = "a passive-level service routine has no SpinLock"
        return Refusal(c.STATUS_INVALID_PARAMETER, why, "2.8.2")
    raise RuleError(
        f"{call.routine}: Irql and SynchronizeIrql are PASSIVE_LEVEL, and passive-level service "
        "routines are not modelled yet",
        "leave both out to run the service routine at DIRQL",
    )


def same_version(connected: int, given: int) -> bool:
    """Whether an object connected with one version may be disconnected with the other.

    Windows: Version must be the one of the connect call (3.1.4, 10.34). The legacy calls do what
        the FULLY_SPECIFIED forms do.
    Model: so a legacy version counts as FULLY_SPECIFIED.
    """
    versions = {
        c.CONNECT_FULLY_SPECIFIED if item == LEGACY else item for item in (connected, given)
    }
    return len(versions) == 1
