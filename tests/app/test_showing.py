"""`dirql show`."""

import pytest
from syrupy.assertion import SnapshotAssertion

from dirql.app.cli import run
from dirql.app.showing import routines_text
from dirql.model.domain import Enumeration, Range
from dirql.model.driver import Device, Field, FieldKind, Line, Object, Program
from dirql.model.expr import Compare, Constant, Read
from dirql.model.machine import Source
from dirql.model.routine import (
    AddressOf,
    Assert,
    Assign,
    Branch,
    Call,
    Choose,
    Load,
    Node,
    Place,
    Return,
    Routine,
    Store,
)

from .fakes import Workshop, scenario

COUNT = Place(Constant("driver"), "count")
RING = Place(Read("request"), "ring", Read("i"))


def source(line: int, text: str) -> Source:
    return Source("fake.py", line, "Start", text)


PROGRAM = Program(
    "fake",
    (
        Object(
            "driver",
            "driver",
            (
                Field("count", FieldKind.DATA, Range(0, 3), (0, 1), saturating=True),
                Field(
                    "ring",
                    FieldKind.DATA,
                    Range(0, 1),
                    (0,),
                    count=4,
                    volatile=True,
                    wrapping=True,
                ),
                Field(
                    "Interrupt",
                    FieldKind.REFERENCE,
                    Enumeration("interrupt", ("NULL", "isr")),
                    ("NULL",),
                ),
            ),
        ),
        Object("dpc", "KDPC", inside="driver"),
    ),
    (
        Routine(
            "Start",
            ("Irp",),
            (
                Node(Load("%1", COUNT, starts_update=True), source(3, "self.count += 1"), 1),
                Node(Store(COUNT, Read("%1"), completes_update=True), source(3, "..."), 2),
                Node(Branch(Compare("<", Read("%1"), Constant(3)), 3, 7), source(4, "while 1:")),
                Node(Choose("x", (Constant(0), Constant(1))), source(5, "x = choose(0, 1)"), 4),
                Node(Choose("y", (Constant(0),), "answer"), source(6, "y = unknown()"), 5),
                Node(
                    Call("z", Constant("InterlockedIncrement"), (AddressOf(RING), Read("x"))),
                    source(7, "z = InterlockedIncrement(...)"),
                    6,
                ),
                Node(Assert(Read("ok"), "it is ok"), source(8, "assert ok"), 2),
                Node(Assign("z", Constant(1)), source(9, "z = 1"), 8),
                Node(Call(None, Read("callback"), ()), source(9, "self.callback()"), 9),
                Node(Return(), source(10, "return"), -1),
            ),
            source(2, "def Start(self, Irp):"),
            (("z", Range(0, 7)),),
        ),
    ),
    (
        Device("nic", Line("nic", 7, 0x30, latched=False, shared=True), "line", "", ("arrives",)),
        Device("timer", None, "", "", ()),
    ),
)


def test_routines(snapshot: SnapshotAssertion) -> None:
    assert routines_text(PROGRAM) == snapshot


def test_show_routines(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", "routines", pattern]) == 0
    assert capsys.readouterr().out.startswith("driver fake")


def test_show_machine(workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]) -> None:
    workshop.scenarios = (scenario("holds"), scenario("other"))
    assert run(["show", "machine", pattern, "--scenario", "other", "--processors", "2"]) == 0
    assert capsys.readouterr().out.startswith("machine other/2/")


def test_show_machine_of_an_unknown_scenario(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", "machine", pattern, "--scenario", "hold"]) == 64
    assert "Did you mean holds?" in capsys.readouterr().err


def test_show_of_a_broken_pattern(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.scenarios = (scenario("uncompilable"),)
    assert run(["show", "machine", pattern]) == 65
    assert "DQ302" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "instead"),
    [
        (["show"], "dirql show routines fake.py or dirql show machine fake.py"),
        ([], "dirql check fake.py"),
    ],
)
def test_a_file_instead_of_a_command(
    arguments: list[str], instead: str, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, pattern]) == 64
    assert f"write {instead}" in " ".join(capsys.readouterr().err.split())
