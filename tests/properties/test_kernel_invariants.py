"""Kernel invariants about interrupt objects and the phases of a scenario, on machines by hand."""

from dataclasses import replace
from itertools import product

from dirql.model.domain import Enumeration
from dirql.model.expr import And, Compare, Constant, Expression, IfThenElse, Read
from dirql.model.kernel.world import INTERRUPT_STATE
from dirql.model.machine import Context, ContextKind, Machine, Source, Transition, Variable
from dirql.model.system import InterruptFacts, Point, System
from dirql.properties import kernel_invariants

from .systems import EMPTY, reachable, truth, value

LABELS = ("not started", "start", "done")


def at(name: str, label: str) -> Expression:
    """The thread `name` stands at `label`."""
    return Compare("==", Read(f"at {name}"), Constant(label))


def ending(name: str, **others: Expression) -> Transition:
    """The last step of a thread, with what it does to the counters of others."""
    updates = tuple((f"at {other}", change) for other, change in others.items())
    return Transition(
        f"{name} ends",
        name,
        (at(name, "start"),),
        ((f"at {name}", Constant("done")), *updates),
    )


def scenario() -> System:
    """S runs alone, then A and B together, then the last of them lets Z run."""
    names = ("S", "A", "B", "Z")
    contexts = tuple(
        Context(name, ContextKind.THREAD, f"at {name}", Constant("none"), Constant(0))
        for name in names
    )
    variables = tuple(
        Variable(
            f"at {name}",
            Enumeration(f"points of {name}", LABELS),
            ("start" if name == "S" else "not started",),
            name,
        )
        for name in names
    )
    start = Constant("start")
    last = Read("at Z")
    steps = (
        ending("S", A=start, B=start),
        ending("S", Z=start),
        ending("A", Z=IfThenElse(at("B", "done"), start, last)),
        ending("B", Z=IfThenElse(at("A", "done"), start, last)),
        ending("Z"),
    )
    points = tuple(
        Point(name, label, 0, (), "", "", "", label != "start", Source())
        for name in names
        for label in LABELS
    )
    return replace(EMPTY, machine=Machine("phases", variables, steps, contexts), points=points)


def test_phases_of_a_scenario() -> None:
    system = scenario()
    facts = kernel_invariants(system)
    assert {fact.detail for fact in facts} == {
        "at A leaves its start only after at S has come to its end",
        "at B leaves its start only after at S has come to its end",
        "at Z leaves its start only after at S has come to its end",
        "at Z leaves its start only after at A has come to its end",
        "at Z leaves its start only after at B has come to its end",
    }
    for state in reachable(system.machine):
        assert all(value(fact.condition, dict(state)) for fact in facts)


def test_phases_are_inductive() -> None:
    """Any state in which they all hold leads only to states in which they do."""
    system = scenario()
    facts = And(tuple(fact.condition for fact in kernel_invariants(system)))
    names = ("S", "A", "B", "Z")
    for labels in product(LABELS, repeat=len(names)):
        first = {f"at {name}": label for name, label in zip(names, labels, strict=True)}
        if value(facts, {**first}):
            machine = replace(
                system.machine,
                variables=tuple(
                    replace(variable, initial=(first[variable.name],))
                    for variable in system.machine.variables
                ),
            )
            assert all(value(facts, dict(later)) for later in reachable(machine))


def test_nobody_serves_an_object_that_is_not_connected() -> None:
    points = (
        Point("I", "idle", 0, (), "", "", "", True, Source()),
        Point("I", "serving", 7, (), "", "", "object", False, Source()),
    )
    context = Context("I", ContextKind.ISR, "at I", Constant("none"), Constant(0))
    variables = (
        Variable("at I", Enumeration("points of I", ("idle", "serving")), ("idle",), "I"),
        Variable("object is", INTERRUPT_STATE, ("unused",)),
    )
    system = replace(
        EMPTY,
        machine=Machine("served", variables, (), (context,)),
        points=points,
        interrupts=(InterruptFacts("object", "object is", "line"),),
    )
    (fact,) = kernel_invariants(system)
    assert fact.detail == "I serves object only while it is connected"
    for state in INTERRUPT_STATE.labels:
        assert truth(fact.condition, at_I="idle", object_is=state)
        alive = state in ("connected", "inactive", "disconnecting")
        assert truth(fact.condition, at_I="serving", object_is=state) is alive
