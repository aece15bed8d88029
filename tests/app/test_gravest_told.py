"""What is said of several broken properties: the gravest with its trace, the others by name."""

import json
from pathlib import Path
from typing import Any

import pytest

from dirql.app.cli import run

from .test_ignore import NEVER_CLAIMS, UNCLAIMED

FAILS = NEVER_CLAIMS.replace("        pass\n", '        assert FALSE, "behind it"\n').replace(
    "MORE", ""
)


@pytest.fixture
def pattern(tmp_path: Path) -> str:
    path = tmp_path / "card.py"
    path.write_text(FAILS, encoding="utf-8")
    return str(path)


def text(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def found(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The JSON object of the first answer."""
    answer: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[0])
    return answer


def test_the_gravest_first_and_the_others_by_name(
    pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", pattern, "--format", "json"]) == 1
    ((name, grade, steps),) = ([*item.values()] for item in found(capsys)["also"])
    assert (name, grade) == (UNCLAIMED, "contract")
    assert run(["check", pattern]) == 1
    out = text(capsys)
    assert "violated: assertion-failed" in out
    assert "assertion-failed (crash): in step" in out
    assert f"Also broken: {UNCLAIMED} (contract, after {steps} steps)" in out
    assert run(["check", pattern, "--property", UNCLAIMED]) == 1
    out = text(capsys)
    assert f"violated: {UNCLAIMED}, after {steps} steps" in out
    assert f"{UNCLAIMED} (contract): in step {steps}" in out


def test_so_in_json(pattern: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", pattern, "--format", "json"]) == 1
    answer = found(capsys)
    assert (answer["property"], answer["grade"]) == ("assertion-failed", "crash")
    assert [item["property"] for item in answer["also"]] == [UNCLAIMED]
    assert "unfinished" not in answer


def test_a_limit_behind_a_broken_contract_leaves_it_broken(
    pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1: that is known; and it is said that worse was not looked for to the end."""
    assert run(["check", pattern, "--format", "json"]) == 1
    states = found(capsys)["states"]
    limited = ["--max-states", str(states - 20)]
    assert run(["check", pattern, *limited]) == 1
    out = text(capsys)
    assert f"violated: {UNCLAIMED}" in out
    assert "The search for graver violations is incomplete: the limit of" in out
    assert run(["check", pattern, *limited, "--format", "json"]) == 1
    assert found(capsys)["unfinished"].startswith("the limit of")


def test_what_is_remembered_is_the_whole_answer(
    pattern: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A limited answer is not kept; a finished one comes back with all that was said."""
    monkeypatch.setenv("DIRQL_CACHE_DIR", str(tmp_path / "cache"))
    assert run(["check", pattern, "--max-states", "150", "--format", "json"]) == 1
    limited = found(capsys)
    assert limited["property"] == UNCLAIMED
    assert run(["check", pattern, "--format", "json"]) == 1
    first = found(capsys)
    assert first["property"] == "assertion-failed"
    assert run(["check", pattern, "--format", "json"]) == 1
    again = found(capsys)
    assert again["cached"]
    ignored = ("cached", "seconds")
    assert {k: v for k, v in again.items() if k not in ignored} == {
        k: v for k, v in first.items() if k not in ignored
    }


def test_a_check_that_was_cut_short_says_so_beside_the_verdict(
    pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", pattern, "--property", "lock-cycle"]) == 0
    assert "holds up to a crash: behaviours end at assertion-failed" in text(capsys)
    assert run(["check", pattern, "--property", "lock-cycle", "--format", "json"]) == 0
    assert found(capsys)["cut"] == ["assertion-failed"]
