"""Declarations of objects, fields, devices, invariants and scenarios."""

from dirql.model.compiler import compile_system
from dirql.model.domain import Enumeration, Range
from dirql.model.driver import Device, FieldKind, Line, Object
from dirql.model.expr import (
    Constant,
)
from dirql.model.routine import (
    Return,
)
from dirql.model.scenario import Holds, Thread, Violated

from .loading import FOOTER, HEADER, load_text, routine_of, with_body


def test_objects() -> None:
    program = load_text(with_body("pass")).program
    named = {item.name: item for item in program.objects}
    assert list(named)[:4] == ["driver", "nic", "dpc", "lock"]
    assert (named["r0.dpc"].type, named["r0.dpc"].inside) == ("KDPC", "r0")
    assert (named["r0"].type, named["r0"].inside) == ("structure", "driver")
    assert (named["nic"].type, named["nic"].inside) == ("device", "")
    fields = {item.name: item for item in named["driver"].fields}
    assert fields["Interrupt"].domain == Enumeration("interrupt", ("NULL",))
    assert fields["current"].domain == Enumeration("Request", ("NULL", "r0", "r1"))
    assert fields["callback"].domain == Enumeration("routine", ("NULL", "Complete"))
    assert (fields["ring"].domain, fields["ring"].count) == (Range(0, 3), 4)
    assert fields["pending"].kind is FieldKind.DATA
    assert fields["current"].kind is FieldKind.REFERENCE
    assert {item.kind for item in named["nic"].fields} == {FieldKind.REGISTER}


def _object(declaration: str, name: str = "x") -> Object:
    program = load_text(with_body("pass", f"x = {declaration}")).program
    return next(item for item in program.objects if item.name == name)


def test_fields() -> None:
    def field(declaration: str) -> object:
        found = _object(declaration, "driver").fields[-1]
        assert found.kind is FieldKind.DATA
        return (found.domain, found.initial, found.volatile, found.wrapping, found.saturating)

    assert field("Bit(1)") == (Range(0, 1), (1,), False, False, False)
    assert field("Bit(0, volatile=True)") == (Range(0, 1), (0,), True, False, False)
    assert field("Int(2, 5)") == (Range(2, 5), (2,), False, False, False)
    assert field("Int(0, 3, initial={1, 0})") == (Range(0, 3), (0, 1), False, False, False)
    signed = "Int(-0x80000000, 0x7FFFFFFF, initial=0xC000009A)"
    bounds = Range(-0x80000000, 0x7FFFFFFF)
    assert field(signed) == (bounds, (0xC000009A - (1 << 32),), False, False, False)
    assert field("Int(0, 3, wrapping=True)") == (Range(0, 3), (0,), False, True, False)
    assert field("Int(0, 3, saturating=True)") == (Range(0, 3), (0,), False, False, True)
    pointer = _object("PKINTERRUPT(volatile=True)", "driver").fields[-1]
    assert (pointer.kind, pointer.volatile) == (FieldKind.REFERENCE, True)


def test_event_and_allocation() -> None:
    event = _object("KEVENT(SynchronizationEvent, TRUE)")
    assert [(item.name, item.domain, item.initial) for item in event.fields] == [
        ("type", Range(1, 1), (1,)),
        ("signalled", Range(0, 1), (1,)),
    ]
    assert _object("Request(allocated=False)").fields[0].name == "allocated"


def test_devices() -> None:
    text = with_body("pass", "other = E100(Line(irql=9, vector=0x42, mode=Latched, shared=True))")
    program = load_text(text).program
    assert program.devices == (
        Device(
            "nic", Line("nic", 7, 0x71, latched=False, shared=False), "nic.line", "",
            ("nic.packet_arrives",),
        ),
        Device(
            "other", Line("other", 9, 0x42, latched=True, shared=True), "other.line", "",
            ("other.packet_arrives",),
        ),
    )  # fmt: skip
    names = [item.name for item in program.routines]
    assert {"nic.line", "other.line", "nic.read_and_clear"} <= set(names)


def test_invariant() -> None:
    text = with_body("pass", "@invariant\ndef sane(self):\n    return self.pending < 7")
    assert load_text(text).program.invariants == ("sane",)


def test_inherited_driver() -> None:
    fixed = (
        "\n\nclass Fixed(Pcidrv):\n    pending = Int(0, 1)\n\n"
        "    def Run(self):\n        return 7\n\n\nscenario = Scenario(start=Fixed.Run)\n"
    )
    pattern = load_text(with_body("pass").replace(FOOTER, fixed))
    assert pattern.program.name == "Fixed"
    assert routine_of(pattern).nodes[0].instruction == Return(Constant(7))
    fields = {item.name: item.domain for item in pattern.program.objects[0].fields}
    assert fields["pending"] == Range(0, 1)


def test_scenarios() -> None:
    text = with_body("pass").replace(
        FOOTER,
        """

scenario = Scenario(
    start=Pcidrv.Run,
    concurrently=[Call(Pcidrv.Complete, 1), At(DISPATCH_LEVEL, Call(Pcidrv.Complete, 2))],
    finally_=Pcidrv.Run,
    processors=[1, 2],
    knobs={"connect_may_fail": "no"},
    properties=["data-race"],
    expect={1: Holds(states=188), 2: Violated("data-race", steps=6)},
)
""",
    )
    (found,) = load_text(text).scenarios
    assert found.name == "scenario"
    assert (found.start, found.finally_) == (Thread("Run"), Thread("Run"))
    assert found.concurrently == (Thread("Complete", 0, (1,)), Thread("Complete", 2, (2,)))
    assert found.knobs == (("connect_may_fail", "no"),)
    assert found.expect == ((1, Holds(188)), (2, Violated("data-race", 6)))


def test_threads_with_objects_of_their_own() -> None:
    """What a scenario gives a routine is known to be an object there, and can be compared."""
    pattern = load_text(
        """from dirql.model.wdk import *


class Request(Structure):
    status = Int(0, 3)
    lock = KSPIN_LOCK()


class Pcidrv(Driver):
    first = Request()
    second = Request()
    done = KEVENT()

    def Run(self, request, event, status):
        if request == NULL:
            return
        request.status = status
        KeSetEvent(event, 0, FALSE)


scenario = Scenario(
    concurrently=[
        Call(Pcidrv.Run, Pcidrv.first, Pcidrv.done, 1),
        Call(Pcidrv.Run, Pcidrv.second, Pcidrv.done, 2),
    ]
)
"""
    )
    (found,) = pattern.scenarios
    assert found.concurrently == (
        Thread("Run", 0, ("first", "done", 1)),
        Thread("Run", 0, ("second", "done", 2)),
    )
    system = compile_system(pattern.program, found, 1)
    stored = {
        (step.context, dict(step.updates).get(f"{name}.status"))
        for step in system.machine.transitions
        for name in ("first", "second")
        if f"{name}.status" in dict(step.updates)
    }
    assert stored == {("Run", Constant(1)), ("Run 2", Constant(2))}


def test_module_level_expectation_is_the_default() -> None:
    text = HEADER + "    def Run(self):\n        pass\n"
    text += "\n\nscenarios = [\n    Scenario(Pcidrv.Run, name='a', processors=1),\n"
    text += "    Scenario(Pcidrv.Run, expect=Holds()),\n]\nexpect = Violated('lock-cycle')\n"
    first, second = load_text(text).scenarios
    assert (first.name, second.name) == ("a", "scenario-2")
    assert first.expect == ((1, Violated("lock-cycle")),)
    assert second.expect == ((1, Holds()), (2, Holds()))


SUB_OBJECTS = """from dirql.model.wdk import *


class Request(Structure):
    Lock = KSPIN_LOCK()


class Drv(Driver):
    A = KSPIN_LOCK()
    Done = KEVENT(NotificationEvent, FALSE)
    first = Request()
    pointer = Reference(KSPIN_LOCK, "A")
    event = Reference(KEVENT)

    def With(self, lock):
        KeAcquireSpinLock(lock, OldIrql)
        KeReleaseSpinLock(lock, OldIrql)

    def Start(self):
        self.With(self.A)
        self.With(self.first.Lock)
        self.With(self.pointer)
        self.pointer = self.first.Lock
        self.With(self.pointer)
        self.event = self.Done
        KeSetEvent(self.event)


scenario = Scenario(start=Drv.Start, processors=[1])
"""


def test_references_to_embedded_kernel_objects() -> None:
    pattern = load_text(SUB_OBJECTS)
    fields = {item.name: item.domain for item in pattern.program.objects[0].fields}
    assert fields["pointer"] == Enumeration("KSPIN_LOCK", ("NULL", "A", "first.Lock"))
    assert fields["event"] == Enumeration("KEVENT", ("NULL", "Done"))
    compile_system(pattern.program, pattern.scenarios[0], 1)
