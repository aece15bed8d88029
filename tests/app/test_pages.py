"""`dirql rules`, `dirql explain`, `dirql --help`."""

import subprocess
import sys

import pytest

from dirql.app.cli import run
from dirql.app.rule_pages import find, rule_page, rules
from dirql.model.kernel import ROUTINES
from dirql.model.kernel.knobs import KNOBS
from dirql.model.kernel.rule import KernelRoutine
from dirql.properties import PROPERTIES


def test_rules_lists_every_property_and_knob(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules"]) == 0
    words = capsys.readouterr().out.split()
    assert {item.name for item in PROPERTIES} | {knob.name for knob in KNOBS} <= set(words)


@pytest.mark.parametrize("name", [item.name for item in PROPERTIES])
def test_explain_prints_the_page(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", name]) == 0
    text = capsys.readouterr().out
    assert text.startswith(name)
    for heading in ("What it checks:", "Why it matters:", "Example:", "Fixed:", "References:"):
        assert heading in text


@pytest.mark.parametrize("name", [knob.name for knob in KNOBS])
def test_explain_knows_knobs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", name]) == 0
    assert "(default)" in capsys.readouterr().out


def test_explain_suggests(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "lock_cycle"]) == 64
    assert "Did you mean lock-cycle?" in capsys.readouterr().err


def test_explain_suggests_kernel_routines(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "KeFlushQueueDpcs"]) == 64
    assert "Did you mean KeFlushQueuedDpcs" in capsys.readouterr().err


@pytest.mark.parametrize("routine", ROUTINES, ids=lambda item: item.name)
def test_explain_knows_kernel_routines(
    routine: KernelRoutine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", routine.name]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"{routine.name} (kernel routine)")
    assert "Windows:" in text
    assert f"dirql explain {routine.rule}" in text


def test_explain_prints_every_rule() -> None:
    for rule in rules():
        assert find(rule.number) == (rule,)
        text = rule_page(rule.number, (rule,))
        assert text.startswith(f"{rule.number} (Windows rule)")
        assert "Source:" in text


def test_explain_of_a_rule_leads_to_the_file_that_follows_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["explain", "6.1.1"]) == 0
    text = capsys.readouterr().out
    assert "called at SynchronizeIrql or below" in text
    assert "model/kernel/synchronization.py" in text
    assert "synchronize-on-dead-interrupt" in text


def test_explain_of_a_section_lists_its_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "6.1"]) == 0
    assert {"6.1.1", "6.1.2"} <= set(capsys.readouterr().out.split())


def test_explain_of_a_rule_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "6.99.1"]) == 64
    assert "no Windows rule 6.99.1" in capsys.readouterr().err


def test_every_rule_that_the_kernel_cites_can_be_explained() -> None:
    for routine in ROUTINES:
        assert find(routine.rule), routine.name


@pytest.mark.parametrize("command", [[], ["check"], ["replay"], ["show"], ["prove"], ["explain"]])
def test_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "--help"]) == 0
    assert "Usage: dirql" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert "dirql" in capsys.readouterr().out


def test_help_imports_nothing_heavy() -> None:
    """So that it answers at once, on whatever computer."""
    program = (
        "import sys; from dirql.app.cli import run; run(['--help']); "
        "heavy = {'rich', 'networkx', 'z3', 'llvmlite', 'msgspec', 'asyncio', "
        "'multiprocessing', 'dirql.model', 'dirql.explorer'}; "
        "print('heavy:', sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert result.stdout.splitlines()[-1] == b"heavy: []"
