"""Each condition on states: broken where it should be, and not broken beside it."""

from dataclasses import replace

import pytest

from dirql.model.domain import Value
from dirql.model.expr import Expression, Read
from dirql.model.kernel.world import INTERRUPT_STATE
from dirql.model.machine import Invariant, Machine, Source, Variable
from dirql.model.system import Claim, InterruptFacts, LineFacts, QueueFacts, System
from dirql.properties import PROPERTIES, apply

from .systems import EMPTY, truth

ASSERTED, WAITING, REMOVED, PENDING = Read("asserted"), Read("waiting"), Read("removed"), Read("q")


def line_system(*, objects: int = 1, latched: bool = False, shared: bool = True) -> System:
    """A line with some interrupt objects, a device that may wait, and a DPC."""
    names = tuple(f"object{index}" for index in range(objects))
    states = tuple(Variable(f"{name} is", INTERRUPT_STATE, ("unused",)) for name in names)
    return replace(
        EMPTY,
        machine=Machine("line", states, ()),
        interrupts=tuple(InterruptFacts(name, f"{name} is", "line") for name in names),
        lines=(LineFacts("line", "nic", ASSERTED, latched, shared, names),),
        queues=(QueueFacts("dpc", "DPC", PENDING),),
        waiting=(("nic", WAITING),),
        claims=(Claim("one_owner", Read("fine"), Source("driver.py", 12)),),
        removed=REMOVED,
    )


def the(name: str, system: System) -> list[Invariant]:
    """The invariants of property `name`."""
    found = next(item for item in PROPERTIES if item.name == name)
    return [item for item in found.conditions(system) if isinstance(item, Invariant)]


def holds(invariant: Invariant, *states: str, **others: Value) -> bool:
    """Whether it holds with the interrupt objects in these states."""
    objects = {f"object{index}_is": state for index, state in enumerate(states)}
    return truth(invariant.condition, **objects, **others)


@pytest.mark.parametrize(
    ("state", "before", "at_disconnect"),
    [
        ("unused", False, True),
        ("connected", True, True),
        ("disconnecting", True, True),
        ("inactive", True, False),
        ("disconnected", True, False),
    ],
)
def test_device_unmasked(state: str, before: bool, at_disconnect: bool) -> None:  # noqa: FBT001
    system = line_system()
    (first,) = the("device-unmasked-before-connect", system)
    (second,) = the("device-unmasked-at-disconnect", system)
    assert holds(first, state, asserted=True) is before
    assert holds(second, state, asserted=True) is at_disconnect
    assert holds(first, state, asserted=False)
    assert holds(second, state, asserted=False)


def test_device_unmasked_asks_all_objects_of_the_line() -> None:
    system = line_system(objects=2)
    (first,) = the("device-unmasked-before-connect", system)
    (second,) = the("device-unmasked-at-disconnect", system)
    assert holds(first, "unused", "connected", asserted=True)
    assert not holds(first, "unused", "unused", asserted=True)
    assert holds(second, "disconnected", "connected", asserted=True)
    assert holds(second, "disconnected", "disconnecting", asserted=True)
    assert not holds(second, "disconnected", "unused", asserted=True)
    assert holds(second, "unused", "unused", asserted=True)


def test_only_a_shared_level_line_storms_at_its_neighbours() -> None:
    storm = "0xF2 HARDWARE_INTERRUPT_STORM"
    for name in ("device-unmasked-before-connect", "device-unmasked-at-disconnect"):
        assert the(name, line_system())[0].bug_check == storm
        assert the(name, line_system(latched=True))[0].bug_check == ""
        assert the(name, line_system(shared=False))[0].bug_check == ""


def test_unserviced_cause() -> None:
    (invariant,) = the("unserviced-cause", line_system())
    assert invariant.quiescent
    assert truth(invariant.condition, waiting=False)
    assert not truth(invariant.condition, waiting=True)
    assert invariant.detail == "nic holds work that the driver will never notice"
    (invariant,) = the("unserviced-cause", replace(line_system(), failed=Read("failed")))
    assert truth(invariant.condition, waiting=True, failed=True)
    assert not truth(invariant.condition, waiting=True, failed=False)


def test_interrupt_left_connected() -> None:
    (invariant,) = the("interrupt-left-connected", line_system())
    assert invariant.quiescent
    for state in INTERRUPT_STATE.labels:
        left = state in ("connected", "inactive")
        assert holds(invariant, state, removed=True) is not left
        assert holds(invariant, state, removed=False)


def test_queue_left_pending() -> None:
    (invariant,) = the("queue-left-pending", line_system())
    assert invariant.quiescent
    assert not truth(invariant.condition, removed=True, q=True)
    assert truth(invariant.condition, removed=True, q=False)
    assert truth(invariant.condition, removed=False, q=True)
    assert invariant.detail == "the DPC dpc is still pending after the driver was removed"


def test_claim_broken() -> None:
    (invariant,) = the("claim-broken", line_system())
    assert not invariant.quiescent
    assert truth(invariant.condition, fine=True)
    assert not truth(invariant.condition, fine=False)
    assert invariant.detail == "one_owner is false (claimed in line 12)"


def test_all_conditions_reach_the_machine() -> None:
    expected = {
        "device-unmasked-before-connect",
        "device-unmasked-at-disconnect",
        "unserviced-cause",
        "interrupt-left-connected",
        "queue-left-pending",
        "claim-broken",
    }
    system = declared(line_system(), ASSERTED, WAITING, REMOVED, PENDING, Read("fine"))
    assert {item.property for item in apply(system).invariants} == expected
    assert apply(system).races == ("data-race", "torn-read-modify-write")


def declared(system: System, *flags: Expression) -> System:
    """`system` with a boolean variable for each flag that it reads."""
    from dirql.model.domain import Boolean

    new = tuple(
        Variable(flag.variable, Boolean(), (False,)) for flag in flags if isinstance(flag, Read)
    )
    machine = replace(system.machine, variables=(*system.machine.variables, *new))
    return replace(system, machine=machine)
