"""A trace file changed anywhere: replay refuses it, or shows what it would have shown."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from dirql.app.cli import run
from dirql.app.rule_pages import find

PATTERN = """
from dirql.model.wdk import *


class Drv(Driver):
    Lock = KSPIN_LOCK()
    count = Int(0, 3)

    def Start(self):
        KeInitializeSpinLock(self.Lock)
        KeAcquireSpinLock(self.Lock, OldIrql)
        self.count = 1
        KeReleaseSpinLock(self.Lock, OldIrql)
        {end}

    def Other(self):
        self.count = 2


scenario = Scenario(start=Drv.Start, concurrently=[Drv.Other, Drv.Other], processors=[2])
"""
ENDS = {
    "check": "assert self.count == 2, 'two'",
    "lock": "KeReleaseSpinLock(self.Lock, OldIrql)",
    "race": "self.count = 0",
}


Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | None"


def variants(content: Json) -> Iterator[Json]:
    """`content` with one value in it changed, for every value that is no container."""
    match content:
        case dict():
            for key, value in content.items():
                for other in variants(value):
                    yield content | {key: other}
        case list():
            for index, value in enumerate(content):
                for other in variants(value):
                    yield [*content[:index], other, *content[index + 1 :]]
        case bool() | None:
            yield not content
        case int():
            yield content + 1
        case str():
            yield content + "x"


@pytest.fixture(params=list(ENDS))
def trace(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    pattern = tmp_path / "drv.py"
    pattern.write_text(PATTERN.format(end=ENDS[request.param]), encoding="utf-8")
    assert run(["check", str(pattern), "--trace", "trace.json"]) == 1
    return Path("trace.json")


def test_no_change_is_believed(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["replay", str(trace)]) == 0
    shown = capsys.readouterr().out
    good = json.loads(trace.read_text(encoding="utf-8"))
    for number, bad in enumerate(variants(good)):
        trace.write_text(json.dumps(bad), encoding="utf-8")
        code = run(["replay", str(trace)])
        printed = capsys.readouterr()
        assert code == 65 or (code == 0 and printed.out == shown), (number, code, printed.err)
        assert "Traceback" not in printed.err


def test_no_part_is_believed(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = trace.read_bytes()
    capsys.readouterr()
    for length in range(0, len(whole.rstrip()), 41):
        trace.write_bytes(whole[:length])
        assert run(["replay", str(trace)]) == 65, length
    for place in range(0, len(whole), 37):
        trace.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
        assert run(["replay", str(trace)]) in (0, 65), place
        assert "Traceback" not in capsys.readouterr().err


def test_every_rule_of_a_step_can_be_explained(trace: Path) -> None:
    steps = json.loads(trace.read_text(encoding="utf-8"))["trace"]["trace"]["steps"]
    numbers = {step["rule"] for step in steps} - {""}
    assert numbers
    assert all(find(number) for number in numbers)
