"""What a service routine does to its device, and whether it owns up to it."""

from ..algebra import conjunction, negation, substitute
from ..expr import FALSE, Constant, Expression, Read
from ..kernel import dispatch
from ..kernel.world import World
from ..machine import Check, Source
from .path import QUEUED, SERVED, Activation, Path, RoutineActivation
from .stack import serving

FALSE_ANSWER = Constant(0)


def quieted(world: World, path: Path) -> list[Path]:
    """Tell the forks apart in which a service routine just quieted its device's shared line."""
    serves = serving(path)
    found = world.interrupt(serves) if serves and path.handled != SERVED else None
    if found is None or not world.lines[found.registration.line].shared:
        return [path]
    before = world.asserted[found.registration.line]
    after = substitute(before, path.updates)
    if after == before:
        return [path]
    quiet = [before, negation(after)]
    served = path.fork(quiet)
    served.handled = SERVED
    return [served, path.fork((negation(conjunction(*quiet)),))]


def declined(
    world: World, path: Path, ended: Activation, answer: Expression, source: Source
) -> bool:
    """Whether a service routine on a shared line answers FALSE, and may have done its work.

    That it has is broken in a step of its own; then the chain goes on, as after any other FALSE.
    Queued work alone is no service of the device: it is asked whether the device has asked for
    service ever since the interrupt was accepted.
    """
    serves = ended.serves if isinstance(ended, RoutineActivation) else ""
    found = world.interrupt(serves) if serves else None
    if found is None:
        return False
    handled, path.handled = path.handled, ""
    line = world.lines[found.registration.line]
    if not (handled and line.shared and answer == FALSE_ANSWER):
        return False
    routine, did = found.registration.routine, "served its device"
    right: Expression = FALSE
    if handled == QUEUED:
        world.facts.add("queues and declines", line.device)
        did = "queued work while its device asked for service"
        right = negation(Read(dispatch.ASKED_ALL_ALONG.format(line.device)))
    cost = (
        "an edge of the other device can be lost"
        if line.latched
        else "every other service routine on the line is called for nothing"
    )
    check = Check("handled-but-unclaimed", right, f"{routine} {did} and returns FALSE: {cost}")
    name = f"{routine} returns FALSE" if handled == QUEUED else ""
    path.survives(check, source, FALSE_ANSWER, name)
    return True
