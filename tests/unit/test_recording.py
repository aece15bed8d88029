"""Where a step is shown: the processor and the level of its context in the state before."""

import pytest

from dirql.explorer.evaluate import Evaluator
from dirql.explorer.recording import Recorder, processors
from dirql.model.algebra import equal, if_then_else
from dirql.model.domain import PROCESSOR, Enumeration
from dirql.model.expr import Constant, Read
from dirql.model.machine import Context, ContextKind, Machine, Variable

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
