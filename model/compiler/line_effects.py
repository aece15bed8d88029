"""What a service routine does to its device, and whether it owns up to it."""

from ..algebra import conjunction, negation, substitute
from ..expr import FALSE, Constant, Expression
from ..kernel.world import World
from ..machine import Check, Source
from .path import Activation, Path, RoutineActivation
from .stack import serving

FALSE_ANSWER = Constant(0)


def quieted(world: World, path: Path) -> list[Path]:
    """Tell the forks apart in which a service routine just quieted its device's shared line."""
    serves = serving(path)
    found = world.interrupt(serves) if serves and not path.handled else None
    if found is None or not world.lines[found.registration.line].shared:
        return [path]
    before = world.asserted[found.registration.line]
    after = substitute(before, path.updates)
    if after == before:
        return [path]
    quiet = [before, negation(after)]
    served = path.fork(quiet)
    served.handled = True
    return [served, path.fork((negation(conjunction(*quiet)),))]


def declined(
    world: World, path: Path, ended: Activation, answer: Expression, source: Source
) -> bool:
    """Whether a service routine did its work on a shared line and answers FALSE.

    That is broken in a step of its own; then the chain goes on, as after any other FALSE.
    """
    serves = ended.serves if isinstance(ended, RoutineActivation) else ""
    found = world.interrupt(serves) if serves else None
    if found is None:
        return False
    handled, path.handled = path.handled, False
    line = world.lines[found.registration.line]
    if not (handled and line.shared and answer == FALSE_ANSWER):
        return False
    cost = (
        "an edge of the other device can be lost"
        if line.latched
        else "every other service routine on the line is called for nothing"
    )
    path.survives(
        Check(
            "handled-but-unclaimed",
            FALSE,
            f"{found.registration.routine} served its device and returns FALSE: {cost}",
        ),
        source,
        FALSE_ANSWER,
    )
    return True
