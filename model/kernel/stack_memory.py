"""Structures on a routine's own stack: they belong to one call of it, and end with that call."""

from ..algebra import negation
from ..expr import FALSE, TRUE, Constant, Read
from ..machine import Check
from .memory import as_new, pointed_to
from .rule import KernelCall, KernelRoutine, Micro, Outcome, Step
from .signature import Parameter
from .world import LOCAL_STRUCTURE, World

BEGINS, ENDS = "local structure begins", "local structure ends"
"""What the front end calls where a local structure is declared, and where its routine returns."""


def instance_of(structure: str, context: str) -> str:
    """The name of the structure of one context: `Ioctl.Ioctl.context`."""
    return f"{context}.{structure}"


def _short(structure: str) -> str:
    return structure.rpartition(".")[2]


def local_structure_begins(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Give a local structure its memory, in this call of its routine.

    Windows: automatic storage: each thread has a stack of its own, and a routine does not recurse.
    Model: one structure for each context that gets here, with the first values of its fields. That
        a pointer to the one of an earlier call is left, which would look valid, is a limit.
    """
    structure = call.text("Structure")
    name = instance_of(structure, call.context)
    world.facts.add(LOCAL_STRUCTURE, structure, call.context)
    for fact in ("freed", "allocated", "allocated again"):
        world.facts.add(fact, name)
    alive = world.alive(name)
    if name not in world.objects or not isinstance(alive, Read):
        return (Step(call.routine, outcomes=()),)  # the next pass knows it
    stale = Check(
        "model-bound",
        negation(pointed_to(world, name)),
        f"{_short(structure)} is declared again while a pointer to that of an earlier call remains",
    )
    made = Outcome(
        updates=((alive.variable, TRUE), *as_new(world, name)),
        result=Constant(name),
        name=f"{_short(structure)} is made on the stack",
    )
    return (Step(call.routine, outcomes=(made,), checks=(stale,)),)


def local_structure_ends(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Take the memory of a local structure away: its routine returns.

    Windows: what is below the stack pointer is used again at once.
    Model: any later use, through a pointer that outlives the call, is a violation.
    """
    structure = call.text("Structure")
    name = instance_of(structure, call.context)
    alive = world.alive(name)
    if name not in world.objects or not isinstance(alive, Read):
        return ()
    over = Outcome(
        updates=((alive.variable, FALSE), *as_new(world, name)),
        name=f"{_short(structure)} is gone from the stack",
    )
    return (Step(call.routine, outcomes=(over,)),)


_STRUCTURE = (Parameter("Structure"),)

INTERNAL = (
    KernelRoutine(BEGINS, _STRUCTURE, local_structure_begins, settles_lifetime=True),
    KernelRoutine(ENDS, _STRUCTURE, local_structure_ends, settles_lifetime=True),
)
"""No routines of Windows, and none that a pattern can name."""
