"""The variable that receives the interrupt object of a connect call (rules 2.2.6, 2.4.5, 10.67)."""

from dataclasses import replace

from ..algebra import conjunction, disjunction, equal, member, negation
from ..expr import FALSE, Constant, Read
from ..machine import Access, AccessKind, Check
from .registration import Refusal
from .rule import Give, KernelCall, Outcome, Step
from .world import LIVE, World


def present(call: KernelCall, pointer: str) -> tuple[Check, ...]:
    """There is a place to store the interrupt object pointer (2.4.5, 10.5, R10)."""
    if pointer != "NULL":
        return ()
    return (
        Check(
            "null-out-pointer",
            FALSE,
            f"{call.routine} has no place to store the interrupt object pointer",
            "0x7E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED",
        ),
    )


def failed(call: KernelCall, world: World, pointer: str, outcome: Outcome) -> list[Outcome]:
    """The ways in which the call can fail: with the pointer left alone, or set to NULL.

    Windows: no page says what the pointer holds after a failure; ReactOS sets it to NULL (2.2.6).
    Model: either, by knob `pointer_after_failed_connect` (10.67).
    """
    if pointer == "NULL":
        return [outcome]
    variable = pointer.removeprefix("&")
    held = negation(equal(Read(variable), Constant("NULL")))
    knobs, found = world.knobs, [outcome]
    if not knobs.allows("pointer_after_failed_connect", "kept"):
        found = [replace(outcome, guard=(*outcome.guard, negation(held)))]
    if knobs.allows("pointer_after_failed_connect", "null") and outcome.result is not None:
        clears = Step(
            f"{call.routine} sets the pointer to NULL",
            "10.67",
            (Outcome(updates=((variable, Constant("NULL")),)),),
            accesses=(written(world, variable),),
        )
        name = f"{outcome.name or f'{call.routine} fails'}; the pointer will be NULL"
        then = (clears, Give(outcome.result))
        found.append(Outcome((*outcome.guard, held), then=then, name=name))
    return found


def refused(
    call: KernelCall, world: World, refusal: Refusal, pointer: str, checks: tuple[Check, ...]
) -> Step:
    """The call with parameters for which it fails."""
    step = refusal.step(call, checks)
    return replace(step, outcomes=tuple(failed(call, world, pointer, step.outcomes[0])))


def written(world: World, variable: str) -> Access:
    """The write of the pointer."""
    volatile = world.field_of(variable).volatile
    return Access(variable, AccessKind.VOLATILE_WRITE if volatile else AccessKind.PLAIN_WRITE)


def lost(call: KernelCall, world: World, variable: str, made: str = "") -> Check:
    """No live interrupt object is lost with what `variable` holds (R76).

    One that another field or a local still holds is not lost, nor is the one just made.
    """
    losing = (
        conjunction(
            equal(Read(variable), Constant(other.name)),
            member(world.interrupt_state(other.name), LIVE),
            negation(Read(f"remembered {other.name}")),
            *(
                negation(equal(Read(elsewhere), Constant(other.name)))
                for elsewhere in world.references
                if elsewhere != variable
            ),
        )
        for other in world.interrupts()
        if other.name != made
    )
    return Check(
        "connect-overwrites-live-interrupt",
        negation(disjunction(*losing)),
        f"{call.routine} overwrites the only pointer to an interrupt object still connected",
    )
