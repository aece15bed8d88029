"""What a connect call asks for, and whether Windows grants it (rules 2.3 to 2.6, 2.8)."""

from dataclasses import dataclass

from ..driver import Line
from . import constants as c
from .levels import HIGH_LEVEL, PASSIVE_LEVEL
from .rule import KernelCall, RuleError
from .world import Registration, World

LEGACY = 0
"""The version of what IoConnectInterrupt registers."""


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


def line_of(call: KernelCall, world: World, vector: int) -> Line:
    """The interrupt line with this vector, or the only one.

    Raises:
        RuleError: there is none, or it is not clear which.
    """
    if vector == c.FROM_RESOURCE and len(world.lines) == 1:
        return next(iter(world.lines.values()))
    for line in world.lines.values():
        if line.vector == vector:
            return line
    known = ", ".join(f"{line.vector} ({name})" for name, line in world.lines.items())
    wanted = "several devices have a line" if vector < 0 else f"no device has vector {vector}"
    raise RuleError(
        f"{call.routine}: {wanted}; pass Vector= (with CONNECT_FULLY_SPECIFIED) one of: "
        f"{known or 'none (give the device a Line)'}"
    )


def registration(
    call: KernelCall, request: Request, line: Line, processors: tuple[str, ...]
) -> Registration | int:
    """What the request registers, or the status with which it is refused.

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
        return c.STATUS_INVALID_PARAMETER if legacy else c.STATUS_INVALID_PARAMETER_10
    if irql > HIGH_LEVEL or not irql <= level <= HIGH_LEVEL:
        return c.STATUS_INVALID_PARAMETER
    if irql == PASSIVE_LEVEL:
        return _passive(call, request, level)
    if irql != line.irql:
        raise RuleError(
            f"{call.routine}: Irql is {irql}, but the translated resource of {line.device} says "
            f"{line.irql}; leave Irql out or pass {line.irql}"
        )
    latched = line.latched if request.mode == c.FROM_RESOURCE else bool(request.mode)
    shared = line.shared if request.share == c.FROM_RESOURCE else bool(request.share)
    if line.shared and (latched != line.latched or not shared):
        return c.STATUS_INVALID_PARAMETER
    if latched != line.latched:
        raise RuleError(
            f"{call.routine}: InterruptMode is not the one {line.device}'s Line has; a controller "
            "set up for the wrong kind of signal is not modelled, so leave InterruptMode out"
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
        raise RuleError(f"{call.routine}: there is one processor group, 0, not {request.group}")
    mask = (1 << len(processors)) - 1 if request.mask == c.FROM_RESOURCE else request.mask
    return tuple(name for index, name in enumerate(processors) if mask >> index & 1)


def _passive(call: KernelCall, request: Request, level: int) -> int:
    """A registration with Irql PASSIVE_LEVEL: refused by Windows, or not modelled.

    Raises:
        RuleError: it is a correct passive-level registration.
    """
    if level != PASSIVE_LEVEL or request.lock != "NULL":
        return c.STATUS_INVALID_PARAMETER
    raise RuleError(
        f"{call.routine}: Irql and SynchronizeIrql are PASSIVE_LEVEL, and passive-level service "
        "routines are not modelled yet; leave both out to run the service routine at DIRQL"
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
