"""`dirql check` with folders: checkpoints, files beyond memory, fingerprints."""

from pathlib import Path

import pytest

from dirql.app.cli import run

from .fakes import checks

PATTERNS = Path(__file__).parents[2] / "patterns"
PATTERN = str(PATTERNS / "rtethsample_unlocked_mask_fixed.py")
ONE = ["check", PATTERN, "--processors", "2", "--format", "json", "--no-cache"]


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object]
    (found,) = checks(capsys.readouterr().out)
    return {name: value for name, value in found.items() if name != "seconds"}


def test_a_check_that_was_ended_is_resumed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "kept")
    assert run(ONE) == 0
    whole = answer(capsys)
    assert run([*ONE, "--checkpoint", folder, "--max-states", "20000"]) == 2
    assert answer(capsys)["verdict"] == "unknown"
    assert run([*ONE, "--checkpoint", folder]) == 65
    assert "--resume goes on from there" in capsys.readouterr().err
    assert run([*ONE, "--resume", folder, "--workers", "2"]) == 0
    assert answer(capsys) == whole
    assert not list((tmp_path / "kept").iterdir())


def test_a_changed_checkpoint_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*ONE, "--checkpoint", str(tmp_path), "--max-states", "20000"]) == 2
    (status,) = tmp_path.glob("*/checkpoint.json")
    status.write_text(status.read_text().replace("levels", "level5"))
    capsys.readouterr()
    assert run([*ONE, "--resume", str(tmp_path)]) == 65
    assert "was changed" in capsys.readouterr().err


def test_beyond_memory_a_check_goes_on_on_disk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check does; what it is compared with has no files to go on in, and is cut short."""
    assert run(ONE) == 0
    whole = answer(capsys)
    assert run([*ONE, "--memory", "1M", "--spill", str(tmp_path)]) == 0
    spilled = answer(capsys)
    compared = {"scope", "defaults"}
    assert {name: spilled[name] for name in spilled.keys() - compared} == {
        name: whole[name] for name in whole.keys() - compared
    }


def test_processes_with_several_workers_each(capsys: pytest.CaptureFixture[str]) -> None:
    """The answers, and their order, are those of one worker in one process."""
    other = str(PATTERNS / "rtethsample_unlocked_mask.py")
    questions = ["check", PATTERN, other, "--engine", "native", "--format", "json", "--no-cache"]
    answers: list[list[dict[str, object]]] = []
    for more in ((), ("--jobs", "2", "--workers", "2")):
        assert run([*questions, *more]) == 1
        lines = checks(capsys.readouterr().out)
        answers.append([{**line, "seconds": 0} for line in lines])
    assert answers[0] == answers[1]
    assert len(answers[0]) == 4


def test_fingerprints_are_no_proof(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*ONE, "--engine", "native", "--fingerprint"]) == 2
    found = answer(capsys)
    assert found["verdict"] == "unknown"
    assert not found["complete"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engine", "reference", "--fingerprint"], "native engine"),
        (["--spill", "a file"], "is a file"),
        (["--spill", "a file/inside"], "a file/inside"),
        (["--resume", "missing"], "does not exist"),
        (["--checkpoint", "here", "--resume", "."], "where it found them"),
        (["--checkpoint", "here", "--fingerprint"], "no checkpoint"),
        (["--workers", "0"], "range"),
    ],
)
def test_options_that_make_no_sense(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a file").touch()
    assert run([*ONE, *options]) == 64
    assert message in capsys.readouterr().err


def test_the_folder_to_spill_into_is_made(tmp_path: Path) -> None:
    assert run([*ONE, "--spill", str(tmp_path / "new" / "folder")]) == 0
    assert (tmp_path / "new" / "folder").is_dir()
