"""What induction can say of the companions of quiescent invariants.

That a driver can come to rest is a matter of progress, of which induction does not speak. But
mostly there is nothing to come to rest from: where `live` is never true unless the goal holds at
once, the condition holds. That is an invariant, and can be proved as one.
"""

from collections.abc import Collection

from dirql.model.algebra import disjunction, negation
from dirql.model.machine import Invariant, Machine, Progress


def companions(machine: Machine, properties: Collection[str] | None) -> tuple[Progress, ...]:
    """The progress conditions that go with quiescent invariants (`None`: of all properties)."""
    return tuple(
        item
        for item in machine.progress
        if item.quiescent and (properties is None or item.property in properties)
    )


def needless(companion: Progress) -> Invariant:
    """The claim that `companion` never has to wait for its goal."""
    condition = disjunction(negation(companion.live), companion.goal)
    return Invariant(companion.property, condition, companion.detail)
