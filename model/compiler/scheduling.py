"""Who may run where: processors, IRQL, preemption (rules 1.2, 1.3 and 7.1.7).

A context at DISPATCH_LEVEL or above is pinned to a processor, stacked on what it interrupted: only
the context with the highest IRQL runs there. Levels in a stack strictly rise, because an interrupt
is accepted only above the processor's IRQL, so "nothing above me" is a question about levels.

Below DISPATCH_LEVEL threads float: a step needs some processor with nothing at DISPATCH_LEVEL or
above, and no DPC waiting there.
"""

from ..algebra import conjunction, disjunction, equal, member, negation, not_equal
from ..expr import Constant, Expression, Read
from ..kernel import dpc
from ..kernel.levels import DISPATCH_LEVEL
from ..kernel.world import World
from .location import Location
from .program import ContextProgram


def placement(program: ContextProgram) -> Read:
    """The variable that says which processor a thread occupies."""
    return Read(f"processor of {program.name}")


class Scheduling:
    """The scheduling atoms of every transition."""

    def __init__(self, world: World, programs: tuple[ContextProgram, ...]) -> None:
        """Scheduling among `programs` on the processors of `world`."""
        self._world = world
        self._programs = programs
        self._idle: dict[str, Expression] = {}

    def idle(self, processor: str) -> Expression:
        """Nothing at DISPATCH_LEVEL or above on the processor, and no DPC due there."""
        if processor not in self._idle:
            self._idle[processor] = conjunction(
                *(
                    not_equal(placement(program), Constant(processor))
                    if program.floats
                    else equal(Read(program.counter), Constant(program.rest))
                    for program in self._programs
                    if program.floats or program.home == processor
                ),
                negation(dpc.due_at_once(self._world, processor)),
            )
        return self._idle[processor]

    def some_processor(self) -> Expression:
        """A thread below DISPATCH_LEVEL can be run."""
        return disjunction(*(self.idle(processor) for processor in self._world.processors))

    def below_dispatch(self, processor: str) -> Expression:
        """The processor is below DISPATCH_LEVEL, whatever is queued there: timers can expire."""
        return self.nothing_above(processor, DISPATCH_LEVEL - 1, None)

    def nothing_above(self, processor: str, level: int, me: ContextProgram | None) -> Expression:
        """No context other than `me` stands above `level` on the processor."""
        return conjunction(
            *(
                negation(self._above(program, processor, level))
                for program in self._programs
                if program is not me
            )
        )

    def _above(self, program: ContextProgram, processor: str, level: int) -> Expression:
        """The context stands above `level` on the processor."""
        if not program.floats and program.home != processor:
            return Constant(value=False)
        labels = [label for label, point in program.points.items() if point.irql > level]
        there = member(Read(program.counter), labels)
        if program.floats:
            return conjunction(equal(placement(program), Constant(processor)), there)
        return there

    def on_top(self, program: ContextProgram, location: Location) -> tuple[Expression, ...]:
        """A pinned context runs only with nothing above it on its processor."""
        level = max(location.irql, DISPATCH_LEVEL - 1)
        if not program.floats:
            return (self.nothing_above(program.home, location.irql, program),)
        return tuple(
            disjunction(
                not_equal(placement(program), Constant(processor)),
                self.nothing_above(processor, level, program),
            )
            for processor in self._world.processors
        )

    def drained(self, program: ContextProgram) -> tuple[Expression, ...]:
        """After its IRQL fell, a thread goes on when its processor has run the DPCs due."""
        return tuple(
            disjunction(
                not_equal(placement(program), Constant(processor)),
                conjunction(
                    self.nothing_above(processor, DISPATCH_LEVEL - 1, program),
                    negation(dpc.due_at_once(self._world, processor)),
                ),
            )
            for processor in self._world.processors
        )

    def acceptance(self, program: ContextProgram, level: int) -> tuple[Expression, ...]:
        """A slot begins only where the processor's IRQL is below `level`."""
        return (self.nothing_above(program.home, level - 1, program),)
