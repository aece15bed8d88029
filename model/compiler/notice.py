"""Whether an armed timer will make the driver notice what a device holds (rules 7.4.1, 7.4.2).

A state at rest in which a device waits is a lost interrupt, unless a timer is armed whose expiry
leads to service. Whether it does shows when it has expired: of each timer and device one bit says
that it has, while the device waited, and that nothing came of it yet. *Instead of* trusting the
timer for what its DPC could do: an unrelated one would excuse every lost interrupt.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..algebra import conjunction, disjunction, negation, substitute, variables_of
from ..expr import FALSE, Expression, Read
from ..kernel import timers
from ..kernel.world import World
from ..machine import Transition
from .hardware import HARDWARE, changes

Waiting = Sequence[tuple[str, Expression]]
"""Device and condition: the device holds work for the driver."""


def expired_in_vain(world: World, timer: str, device: str) -> Read:
    """Whether the timer has expired while the device waited, and the device still waits for it."""
    return world.flag(f"{timer} expired in vain for {device}", owner=HARDWARE)


def noticed(world: World, waiting: Waiting) -> Iterator[tuple[str, Expression]]:
    """Device and condition: some armed timer has not yet shown that it does not help."""
    for device, _ in waiting:
        hopeful = (
            conjunction(
                timers.pending(world, timer), negation(expired_in_vain(world, timer, device))
            )
            for timer in timers.timers(world)
        )
        yield device, disjunction(*hopeful)


def with_notice(world: World, transition: Transition, waiting: Waiting) -> Transition:
    """`transition` with what it makes of these bits.

    What the device does by itself is new work, for which an expiry may help.
    """
    updates = dict(transition.updates)
    added: dict[str, Expression] = {}
    for device, condition in waiting:
        touched = bool(variables_of(condition) & updates.keys())
        after = substitute(condition, updates) if touched else condition
        for timer in timers.timers(world):
            flag = expired_in_vain(world, timer, device)
            if transition.context == HARDWARE and transition.name.startswith(f"{timer} expires"):
                added[flag.variable] = after
            elif touched and transition.context == HARDWARE:
                added[flag.variable] = FALSE
            elif touched:
                added[flag.variable] = conjunction(flag, after)
    if not added:
        return transition
    return replace(transition, updates=transition.updates + changes(added))
