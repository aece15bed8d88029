"""Where a step is shown: the processor and the level of its context in the state before."""

import pytest

from dirql.explorer.evaluate import Evaluator
from dirql.explorer.recording import Recorder, processors
from dirql.explorer.trace import Violation
from dirql.model.algebra import equal, if_then_else
from dirql.model.domain import PROCESSOR, Enumeration
from dirql.model.expr import FALSE, Constant, Read
from dirql.model.machine import Check, Context, ContextKind, Machine, Transition, Variable

from ..models import mutex

PLACES = Enumeration(PROCESSOR, ("none", "P0", "P1"))


def machine() -> Machine:
    """Threads with a place each, at DISPATCH_LEVEL where it is a processor, and a device."""
    nowhere = Constant("none")

    def thread(name: str) -> Context:
        place = Read(f"processor of {name}")
        level = if_then_else(equal(place, nowhere), Constant(0), Constant(2))
        return Context(name, ContextKind.THREAD, "", place, level)

    return Machine(
        "places",
        tuple(Variable(f"processor of {name}", PLACES, PLACES.labels, name) for name in "ab"),
        (),
        (
            thread("a"),
            thread("b"),
            Context("device", ContextKind.HARDWARE, "", nowhere, Constant(0)),
        ),
    )


@pytest.mark.parametrize(
    ("state", "context", "place"),
    [
        (("none", "none"), "a", ("P0", 0)),
        (("none", "P0"), "a", ("P1", 0)),
        (("none", "P1"), "a", ("P0", 0)),
        (("P1", "none"), "a", ("P1", 2)),
        (("P0", "P1"), "b", ("P1", 2)),
        (("P0", "none"), "device", ("", 0)),
    ],
)
def test_place(state: tuple[str, str], context: str, place: tuple[str, int]) -> None:
    subject = machine()
    assert Recorder(subject, Evaluator(subject)).place(context, state) == place


def test_processors_are_the_labels_but_none() -> None:
    assert processors(machine()) == ("P0", "P1")
    assert processors(mutex()) == ()


def landing(*checks: Check) -> Machine:
    """A machine of one step: an idle slot of P1 begins, or a floating thread is pinned to P1."""
    at = equal(Read("at slot@P1"), Constant("idle"))
    place = if_then_else(at, Constant("none"), Constant("P1"))
    counter = Variable("at slot@P1", Enumeration("points", ("idle", "busy")), ("idle",))
    begin = Transition(
        "slot begins", "slot@P1", (at,), (("at slot@P1", Constant("busy")),), checks=checks
    )
    pinned = Variable("processor of thread", PLACES, ("none",))
    pin = Transition(
        "thread is pinned",
        "thread",
        (equal(Read("processor of thread"), Constant("none")),),
        (("processor of thread", Constant("P1")),),
        checks=checks,
    )
    contexts = (
        Context("slot@P1", ContextKind.ISR, "at slot@P1", place, Constant(0)),
        Context("thread", ContextKind.THREAD, "", Read("processor of thread"), Constant(0)),
    )
    return Machine("landing", (counter, pinned), (begin, pin), contexts)


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("breaks", [False, True])
def test_a_step_that_takes_a_processor_is_recorded_there(index: int, *, breaks: bool) -> None:
    check = Check("assertion-failed", FALSE)
    subject = landing(*([check] if breaks else []))
    evaluator = Evaluator(subject)
    first = tuple(variable.initial[0] for variable in subject.variables)
    after = () if breaks else (evaluator.after(subject.transitions[index])(first),)
    violation = Violation("assertion-failed", "", "", at_step=breaks)
    trace = Recorder(subject, evaluator).trace((first, *after), (index,), violation)
    assert [step.processor for step in trace.steps] == ["P1"]
