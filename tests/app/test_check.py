"""`dirql check`: what is asked, what is printed, and the exit codes."""

import json
import sys
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from dirql.app.cli import run
from dirql.model.kernel.knobs import KNOBS
from dirql.model.scenario import Holds

from .fakes import STATES, Workshop, checks, scenario, violated

KEYS = [
    "kind",
    "pattern",
    "scenario",
    "processors",
    "verdict",
    "property",
    "steps",
    "states",
    "transitions",
    "depth",
    "seconds",
    "engine",
    "complete",
    "knobs",
]


def test_holds(
    workshop: Workshop,
    pattern: str,
    capsys: pytest.CaptureFixture[str],
    snapshot: SnapshotAssertion,
) -> None:
    assert run(["check", pattern]) == 0
    assert len(workshop.asked) == 2
    printed = capsys.readouterr()
    assert printed.out == snapshot
    assert printed.err == ""


def test_violated(
    workshop: Workshop,
    pattern: str,
    capsys: pytest.CaptureFixture[str],
    snapshot: SnapshotAssertion,
) -> None:
    workshop.scenarios = (scenario("violated"),)
    assert run(["check", pattern, "--processors", "2"]) == 1
    assert capsys.readouterr().out == snapshot


def test_unknown(
    workshop: Workshop,
    pattern: str,
    capsys: pytest.CaptureFixture[str],
    snapshot: SnapshotAssertion,
) -> None:
    workshop.scenarios = (scenario("unknown"),)
    assert run(["check", pattern, "--processors", "1"]) == 2
    assert capsys.readouterr().out == snapshot


def test_a_trace_is_shown_once_for_all_processor_counts(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.scenarios = (scenario("violated"),)
    assert run(["check", pattern]) == 1
    out = capsys.readouterr().out
    assert out.count("violated:") == 2
    assert out.count("More: dirql explain") == 1
    assert "step by step the same as on 1 processor, above" in out


def test_a_violation_outweighs_an_unknown(workshop: Workshop, pattern: str) -> None:
    workshop.scenarios = (scenario("unknown"), scenario("violated"), scenario("holds"))
    assert run(["check", pattern]) == 1


@pytest.mark.parametrize("name", ["holds", "violated", "unknown"])
def test_json_has_the_promised_keys(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    workshop.scenarios = (scenario(name),)
    run(["check", pattern, "--format", "json"])
    records = checks(capsys.readouterr().out)
    assert [record["processors"] for record in records] == [1, 2]
    for record in records:
        assert list(record)[: len(KEYS)] == KEYS
        assert record["verdict"] == name
        assert record["states"] == STATES


def test_json_details(
    workshop: Workshop,
    pattern: str,
    capsys: pytest.CaptureFixture[str],
    snapshot: SnapshotAssertion,
) -> None:
    workshop.scenarios = (
        scenario("holds"),
        scenario("violated", expect=violated()),
        scenario("unknown", expect=Holds(12)),
        scenario("needs_knob"),
    )
    run(["check", pattern, "--processors", "2", "--format", "json", "--expect"])
    assert capsys.readouterr().out == snapshot


def test_json_has_no_progress_or_colour(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["check", pattern, "--format", "json"])
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "\x1b" not in printed.out


def test_a_violation_that_needs_a_knob_says_so(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.scenarios = (scenario("needs_knob"),)
    assert run(["check", pattern, "--processors", "1"]) == 1
    assert (
        "Needs knob out_pointer_before_arm=no: without it the check holds."
        in capsys.readouterr().out
    )


def test_a_violation_that_needs_no_knob_names_none(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.scenarios = (scenario("violated"),)
    run(["check", pattern, "--processors", "1"])
    assert "Needs knob" not in capsys.readouterr().out


def test_expectations_that_are_met(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.scenarios = (
        scenario("holds", expect=Holds(STATES)),
        scenario("violated", expect=violated()),
    )
    assert run(["check", pattern, "--expect"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert all(line.startswith("agrees") for line in out[:4])
    assert out[4] == "4 of 4 agree"


@pytest.mark.parametrize(
    ("name", "expect"),
    [
        ("holds", violated()),
        ("holds", Holds(STATES + 1)),
        ("violated", Holds()),
        ("violated", violated(steps=6)),
        ("violated", violated(states=1)),
        ("unknown", Holds()),
        ("holds", None),
    ],
)
def test_expectations_that_are_not_met(
    workshop: Workshop,
    pattern: str,
    capsys: pytest.CaptureFixture[str],
    snapshot: SnapshotAssertion,
    name: str,
    expect: Holds | None,
) -> None:
    workshop.scenarios = (scenario(name, expect=expect),)
    assert run(["check", pattern, "--processors", "1", "--expect"]) == 1
    assert capsys.readouterr().out == snapshot


def test_a_folder_is_its_patterns(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("b.py", "a.py", "_helper.py", "notes.txt"):
        Path(name).write_text("", encoding="utf-8")
    assert run(["check", ".", "--format", "json", "--processors", "1"]) == 0
    found = checks(capsys.readouterr().out)
    assert [record["pattern"] for record in found] == ["a.py", "b.py", pattern]


def test_a_folder_without_patterns(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(tmp_path)]) == 64
    assert "no patterns" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["broken.py", "uncompilable"])
def test_a_broken_pattern_does_not_stop_the_others(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    Path("broken.py").write_text("", encoding="utf-8")
    workshop.scenarios = (scenario("holds"),)
    paths = [pattern]
    if name == "broken.py":
        paths.insert(0, name)
    else:
        workshop.scenarios = (scenario("uncompilable"), scenario("holds"))
    assert run(["check", *paths, "--processors", "1"]) == 65
    printed = capsys.readouterr()
    assert "DQ" in printed.err
    assert "holds" in printed.out
    assert "Traceback" not in printed.err


def test_limits_reach_the_engine(workshop: Workshop, pattern: str) -> None:
    arguments = ["--max-states", "10", "--timeout", "1.5", "--memory", "500M", "--processors", "1"]
    run(["check", pattern, *arguments])
    limits = workshop.asked[0][1]
    assert (limits.states, limits.seconds, limits.memory) == (10, 1.5, 500 * 2**20)


def test_knobs_and_processors_are_the_callers(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--processors",
        "3",
        "--processors",
        "3",
        "--knob",
        "dpc_any_cpu=yes",
        "--format",
        "json",
    ]
    assert run(["check", pattern, *arguments]) == 0
    (record,) = checks(capsys.readouterr().out)
    assert record["processors"] == 3
    assert record["knobs"] == {knob.name: knob.default for knob in KNOBS} | {"dpc_any_cpu": "yes"}
    assert record["knobs"]["out_pointer_before_arm"] == "either"


@pytest.mark.parametrize(
    "arguments",
    [
        ["missing.py"],
        ["fake.py", "--property", "synchronise-on-dead-interrupt"],
        ["fake.py", "--knob", "dpc_any_cpus=yes"],
        ["fake.py", "--knob", "dpc_any_cpu=maybe"],
        ["fake.py", "--knob", "dpc_any_cpu"],
        ["fake.py", "--processors", "0"],
        ["fake.py", "--memory", "lots"],
        ["fake.py", "--timeout", "0"],
        ["fake.py", "--trace", "missing/trace.json"],
        ["fake.py", "--frobnicate"],
        [],
        ["fake.py", "--checkpoint-every", "5"],
    ],
)
def test_wrong_usage(
    workshop: Workshop,
    pattern: str,
    capsys: pytest.CaptureFixture[str],
    snapshot: SnapshotAssertion,
    arguments: list[str],
) -> None:
    assert run(["check", *arguments]) == 64
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == snapshot


def test_jobs_answer_in_the_order_of_the_questions(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.scenarios = tuple(scenario(name) for name in ("violated", "holds", "unknown"))
    assert run(["check", pattern, "--jobs", "2", "--format", "json"]) == 1
    verdicts = [record["verdict"] for record in checks(capsys.readouterr().out)]
    assert verdicts == ["violated", "violated", "holds", "holds", "unknown", "unknown"]


def test_an_internal_error_is_no_traceback(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.scenarios = (scenario("crash"),)
    assert run(["check", pattern]) == 70
    message = capsys.readouterr().err
    assert "out of cheese" in message
    assert "report" in message
    assert "Traceback" not in message
    log = Path(message.split()[-1])
    assert "Traceback" in log.read_text(encoding="utf-8")
    log.unlink()


def test_a_machine_beyond_the_engine(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.scenarios = (scenario("beyond"),)
    assert run(["check", pattern, "--engine", "native"]) == 65
    assert capsys.readouterr().err == (
        "fake.py: the native engine cannot hold this: variable 'v' has more than 2**64 values; "
        "use --engine reference\n"
    )


SUMMARY = {"kind": "summary", "failed": 0}


@pytest.mark.parametrize(
    ("names", "counts", "code"),
    [
        (["holds"], {"holds": 2, "violated": 0, "unknown": 0}, 0),
        (["holds", "unknown", "violated"], {"holds": 2, "violated": 2, "unknown": 2}, 1),
        (["unknown", "holds"], {"holds": 2, "violated": 0, "unknown": 2}, 2),
    ],
)
def test_a_summary_ends_json(
    workshop: Workshop,
    pattern: str,
    capsys: pytest.CaptureFixture[str],
    names: list[str],
    counts: dict[str, int],
    code: int,
) -> None:
    workshop.scenarios = tuple(scenario(name) for name in names)
    assert run(["check", pattern, "--format", "json"]) == code
    *_, last = capsys.readouterr().out.splitlines()
    asked = 2 * len(names)
    expected = SUMMARY | counts | {"asked": asked, "finished": asked, "exit_code": code}
    assert json.loads(last) == expected


def test_a_summary_says_what_failed_and_agrees(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("broken.py").write_text("", encoding="utf-8")
    workshop.scenarios = (scenario("holds", expect=Holds()), scenario("unknown", expect=Holds()))
    arguments = ["--format", "json", "--expect", "--processors", "1"]
    assert run(["check", "broken.py", pattern, *arguments]) == 65
    *_, last = capsys.readouterr().out.splitlines()
    counts = {"asked": 3, "finished": 3, "failed": 1, "holds": 1, "unknown": 1, "violated": 0}
    assert json.loads(last) == SUMMARY | counts | {"agree": 1, "exit_code": 65}


def test_a_summary_says_that_it_was_interrupted(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.scenarios = (scenario("holds"), scenario("interrupt"))
    assert run(["check", pattern, "--format", "json"]) == 130
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["kind"], last["asked"], last["finished"]) == ("summary", 4, 2)
    assert last["exit_code"] == 130


def test_a_defect_leaves_no_summary(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that came to no end says nothing that could be taken for one."""
    workshop.scenarios = (scenario("holds"), scenario("crash"))
    assert run(["check", pattern, "--format", "json"]) == 70
    printed = capsys.readouterr()
    assert '"summary"' not in printed.out
    Path(printed.err.split()[-1]).unlink()


@pytest.mark.skipif(sys.platform == "win32", reason="the processes know no stand-ins there")
def test_a_defect_in_another_process(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.scenarios = (scenario("holds"), scenario("crash"))
    assert run(["check", pattern, "--jobs", "2"]) == 70
    log = Path(capsys.readouterr().err.split()[-1])
    assert "out of cheese" in log.read_text(encoding="utf-8")
    log.unlink()


def test_a_trace_that_cannot_be_written(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other checks are not lost; the exit code is that of an output that is."""
    workshop.scenarios = (scenario("violated"), scenario("holds"))
    Path("trace.json").symlink_to("/dev/full")
    assert run(["check", pattern, "--trace", "trace.json"]) == 74
    printed = capsys.readouterr()
    assert printed.out.count("fake.py  ") == 4
    assert printed.err == "cannot write trace.json: No space left on device\n"


def test_interrupted(workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]) -> None:
    workshop.scenarios = (scenario("holds"), scenario("interrupt"))
    assert run(["check", pattern]) == 130
    printed = capsys.readouterr()
    assert "holds" in printed.out
    assert "interrupted: 2 of 4 checks finished" in printed.err
    assert "interrupt  1 processor: 12,345 states" in printed.err


def test_one_complaint_for_all_processor_counts(
    workshop: Workshop, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.scenarios = (scenario("uncompilable"),)
    assert run(["check", pattern]) == 65
    assert capsys.readouterr().err.count("DQ302") == 1
