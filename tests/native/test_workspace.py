"""Searches on disk, and searches that were ended and resumed: the same answers and counts."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dirql.explorer.engine import Limits
from dirql.explorer.native import NativeEngine, NoCache, checkpoint, memory, spill
from dirql.explorer.native.checkpoint import STATES, STATUS, Checkpoint
from dirql.explorer.native.codec import Layout
from dirql.explorer.native.locking import Lock
from dirql.explorer.native.program import ProgressCode
from dirql.explorer.native.shard import Shard
from dirql.explorer.native.space import Space
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.replay import replay
from dirql.explorer.verdict import Result, Unknown, Violated
from dirql.explorer.workspace import Workspace, WorkspaceError
from dirql.model.algebra import arithmetic, less
from dirql.model.digest import digest
from dirql.model.domain import Range
from dirql.model.expr import Constant, Expression, Read
from dirql.model.machine import Context, ContextKind, Machine, Transition, Variable

from ..machines import machines, racing_machines
from ..models import peterson, philosophers

ANY = st.one_of(machines(), racing_machines())
FIXTURES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
NO_ROOM = Limits(memory=1)


@pytest.fixture(autouse=True)
def _small_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "SHARDS", 3)
    monkeypatch.setattr(spill, "ROUND", 8)
    monkeypatch.setattr(spill, "FULL", 64)


def check(
    machine: Machine, workspace: Workspace, limits: Limits = NO_ROOM, workers: int = 1
) -> Result:
    return NativeEngine(NoCache(), workers, workspace).check(machine, limits)


def agree(result: Result, expected: Result) -> None:
    assert replace(result.statistics, seconds=0) == replace(expected.statistics, seconds=0)
    assert type(result.verdict) is type(expected.verdict)
    match result.verdict, expected.verdict:
        case Violated(_, one), Violated(_, other):
            assert one.violation.property == other.violation.property
            assert len(one.steps) == len(other.steps)
        case _:
            pass


def plain(machine: Machine) -> Machine:
    """`machine` without unknown values, whose verdict may depend on which trace is found."""
    steps = tuple(replace(item, opaque="") for item in machine.transitions)
    return replace(machine, transitions=steps)


@FIXTURES
@given(machine=ANY.map(plain))
def test_a_search_on_disk_finds_what_the_reference_finds(machine: Machine, tmp_path: Path) -> None:
    result = check(machine, Workspace(spill=tmp_path))
    agree(result, ReferenceEngine().check(machine))
    match result.verdict:
        case Violated(_, trace) | Unknown(_, trace) if trace is not None:
            assert replay(machine, trace)
        case _:
            pass
    assert not list(tmp_path.iterdir())


@settings(max_examples=10, deadline=None)
@given(machine=ANY.map(plain), cut=st.integers(1, 40), workers=st.sampled_from((1, 2)))
def test_a_search_that_was_ended_goes_on(machine: Machine, cut: int, workers: int) -> None:
    """Ended at a limit, then resumed, perhaps with other workers, perhaps on disk."""
    with TemporaryDirectory() as name:
        folder = Path(name) / "kept"
        first = check(machine, Workspace(checkpoint=folder, interval=0), Limits(states=cut))
        if not first.limited:
            assert not folder.exists()
            return
        workspace = Workspace(checkpoint=folder, resume=True, interval=0)
        agree(check(machine, workspace, Limits(), workers), ReferenceEngine().check(machine))
        assert not folder.exists()


def test_a_search_goes_on_on_disk(tmp_path: Path) -> None:
    machine, folder = philosophers(6), tmp_path / "kept"
    limited = check(machine, Workspace(checkpoint=folder, interval=0), Limits(states=60))
    assert limited.limited
    workspace = Workspace(spill=tmp_path, checkpoint=folder, resume=True, interval=0)
    agree(check(machine, workspace), ReferenceEngine().check(machine))


def test_what_does_not_fit_into_memory_is_resumed_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the start: it does not go through memory."""
    machine, folder = philosophers(6), tmp_path / "kept"
    check(machine, Workspace(checkpoint=folder, interval=0), Limits(states=60))
    crews: list[str] = []
    restore = Space.restore

    def watched(
        space: Space, levels: Iterable[Iterable[bytes]], may_go_on: Callable[[], bool]
    ) -> bool:
        crews.append("disk" if space.on_disk else "memory")
        return restore(space, levels, may_go_on)

    monkeypatch.setattr(Space, "restore", watched)
    workspace = Workspace(spill=tmp_path, checkpoint=folder, resume=True, interval=0)
    agree(check(machine, workspace), ReferenceEngine().check(machine))
    assert crews == ["disk"]


@pytest.mark.parametrize("spills", [True, False])
def test_a_resumed_search_looks_at_the_limits_first(tmp_path: Path, *, spills: bool) -> None:
    machine, folder = philosophers(6), tmp_path / "kept"
    check(machine, Workspace(checkpoint=folder, interval=0), Limits(states=60))
    workspace = Workspace(tmp_path if spills else None, folder, resume=True)
    result = check(machine, workspace, Limits(seconds=0))
    assert isinstance(result.verdict, Unknown)
    assert result.limited
    agree(resume(machine, folder), ReferenceEngine().check(machine))


def counters(count: int, most: int) -> Machine:
    """Counters that go up, each in its own time: many levels, no two of them alike."""
    names = [f"counter {number}" for number in range(count)]
    up = [
        Transition("up", name, (less(Read(name), Constant(most)),), ((name, more(name)),))
        for name in names
    ]
    contexts = [
        Context(name, ContextKind.HARDWARE, "", Constant("none"), Constant(0)) for name in names
    ]
    variables = [Variable(name, Range(0, most), (0,)) for name in names]
    return Machine("counters", tuple(variables), tuple(up), tuple(contexts))


def more(name: str) -> Expression:
    return arithmetic("+", Read(name), Constant(1))


SEARCH = """
import sys
from pathlib import Path
from tests.native.test_workspace import counters, resume
print(resume(counters(3, 40), Path(sys.argv[1]), 0.0).statistics.states)
"""


def test_a_search_survives_being_killed_again_and_again(tmp_path: Path) -> None:
    """Killed at many moments, it ends with the numbers of one that never was."""
    folder, machine = tmp_path / "kept", counters(3, 40)
    sizes: list[int] = []
    for delay in (0.05, 0.2, 0.01, 0.4, 0.1, 0.03):
        command = [sys.executable, "-c", SEARCH, str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            wait_for_growth(folder / STATES, sizes[-1] if sizes else 0, process)
            time.sleep(delay)
            process.kill()
        sizes.append((folder / STATES).stat().st_size if (folder / STATES).exists() else 0)
    assert max(sizes) > 0
    result = resume(machine, folder)
    expected = NativeEngine(NoCache()).check(machine)
    agree(result, expected)
    assert result.statistics.states == 41**3


def wait_for_growth(file: Path, size: int, process: "subprocess.Popen[bytes]") -> None:
    """Return when the search has written something, or has ended; however long that takes."""
    while process.poll() is None and not (file.exists() and file.stat().st_size > size):
        time.sleep(0.01)


def ended(folder: Path) -> Machine:
    """A machine whose search was ended, with its checkpoint in `folder`."""
    machine = philosophers(6)
    assert check(machine, Workspace(checkpoint=folder, interval=0), Limits(states=60)).limited
    return machine


def resume(machine: Machine, folder: Path, interval: float = 60.0) -> Result:
    workspace = Workspace(checkpoint=folder, resume=True, interval=interval)
    return check(machine, workspace, Limits())


@pytest.mark.parametrize("name", [STATES, STATUS])
def test_damage_is_noticed_at_every_place(tmp_path: Path, name: str) -> None:
    machine = ended(tmp_path)
    file = tmp_path / name
    whole = file.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 97)):
        for damaged in (
            whole[:place],
            whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :],
        ):
            file.write_bytes(damaged)
            with pytest.raises(WorkspaceError):
                load(machine, tmp_path)
    file.write_bytes(whole)
    agree(resume(machine, tmp_path), ReferenceEngine().check(machine))


def load(machine: Machine, folder: Path) -> None:
    """Read what stands in `folder`, and let go of it."""
    kept = Checkpoint(folder, digest(machine), Layout(machine).words, 60.0)
    try:
        kept.load()
    finally:
        kept.close(finished=False)


def test_what_was_being_written_does_not_count(tmp_path: Path) -> None:
    machine = ended(tmp_path)
    with (tmp_path / STATES).open("ab") as file:
        file.write(b"half of a le")
    agree(resume(machine, tmp_path), ReferenceEngine().check(machine))


def test_another_machine_is_refused(tmp_path: Path) -> None:
    ended(tmp_path)
    with pytest.raises(WorkspaceError, match="the pattern changed"):
        resume(philosophers(5), tmp_path)


def test_what_another_engine_found_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be one with an error that this one no longer has."""
    machine = ended(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "engine_digest", lambda: "another")
        with pytest.raises(WorkspaceError, match="another version of dirql"):
            resume(machine, tmp_path)
    agree(resume(machine, tmp_path), ReferenceEngine().check(machine))


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    with pytest.raises(WorkspaceError, match="in use"):
        ended(tmp_path)
    lock.release()
    ended(tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="cannot be used"):
        ended(tmp_path / "file" / "folder")


def test_a_disk_that_cannot_be_used_makes_the_answer_unknown(tmp_path: Path) -> None:
    result = check(philosophers(5), Workspace(spill=tmp_path / "missing"))
    assert isinstance(result.verdict, Unknown)
    assert "cannot take" in result.verdict.reason


@FIXTURES
@given(machine=ANY.map(plain), workers=st.sampled_from((1, 2)))
def test_fingerprints_find_the_same_and_prove_nothing(machine: Machine, workers: int) -> None:
    machine = replace(machine, progress=())
    result = check(machine, Workspace(fingerprint=True), Limits(), workers)
    expected = ReferenceEngine().check(machine)
    one, other = result.statistics, expected.statistics
    assert replace(one, seconds=0, complete=True) == replace(other, seconds=0, complete=True)
    match result.verdict, expected.verdict:
        case Violated(_, trace), Violated(_, shortest):
            assert trace.violation.property == shortest.violation.property
            assert len(trace.steps) == len(shortest.steps)
            assert replay(machine, trace)
        case _:
            assert isinstance(result.verdict, Unknown)
            assert not one.complete
            assert result.limited


def test_fingerprints_say_how_likely_a_miss_is() -> None:
    machine = replace(philosophers(4), progress=(), invariants=())
    result = check(machine, Workspace(fingerprint=True), Limits())
    assert isinstance(result.verdict, Unknown)
    assert "probability" in result.verdict.reason
    assert "no proof" in result.verdict.reason


def test_fingerprints_keep_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="no checkpoint"):
        Workspace(fingerprint=True, checkpoint=tmp_path)


def test_a_limit_below_what_is_stored_is_refused(tmp_path: Path) -> None:
    machine = ended(tmp_path)
    with pytest.raises(WorkspaceError, match="leaves nothing to do"):
        check(machine, Workspace(checkpoint=tmp_path, resume=True), Limits(states=20))
    agree(resume(machine, tmp_path), ReferenceEngine().check(machine))


def full_after(monkeypatch: pytest.MonkeyPatch, files: int) -> None:
    """Let the disk be full after so many files."""
    made = 0

    def reserve(file: int, size: int) -> None:
        nonlocal made
        made += 1
        if made > files:
            raise OSError(errno.ENOSPC, "No space left on device")
        os.truncate(file, size)

    monkeypatch.setattr(memory, "_reserve", reserve)


@pytest.mark.parametrize("files", [0, 1, 5, 6, 7, 8])
def test_a_full_disk_makes_the_answer_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    """Three shards have two files each at once, and need more as they grow."""
    machine = counters(3, 40)
    full_after(monkeypatch, files)
    result = check(machine, Workspace(spill=tmp_path))
    assert isinstance(result.verdict, Unknown)
    assert result.limited
    assert not result.statistics.complete


def test_a_disk_without_room_for_marks_makes_the_answer_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is explored, then progress cannot be judged."""

    def full(shard: Shard, code: ProgressCode) -> None:
        del shard, code
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Shard, "begin_marks", full)
    for workspace in (Workspace(spill=tmp_path), Workspace()):
        limits = NO_ROOM if workspace.spill else Limits()
        result = check(peterson(), workspace, limits)
        assert isinstance(result.verdict, Unknown)
        assert "No space left on device" in result.verdict.reason
        assert "progress" in result.verdict.reason
        assert result.limited
        assert not result.statistics.complete


def test_fingerprints_do_not_judge_progress_and_say_so() -> None:
    for machine in (philosophers(4), peterson()):
        result = check(machine, Workspace(fingerprint=True), Limits())
        assert isinstance(result.verdict, Unknown)
        assert result.verdict.reason.endswith("progress was not judged")
        assert result.limited


def test_fingerprints_on_a_full_disk_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    full_after(monkeypatch, 0)
    with pytest.raises(WorkspaceError, match="cannot be used"):
        check(philosophers(4), Workspace(fingerprint=True), Limits())


def test_an_interrupted_checkpoint_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = ended(tmp_path)
    packed = Space.packed

    def interrupted(space: Space, level: int) -> Iterator[bytes]:
        yield from packed(space, level)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Space, "packed", interrupted)
        with pytest.raises(KeyboardInterrupt):
            resume(machine, tmp_path, 0.0)
    agree(resume(machine, tmp_path), ReferenceEngine().check(machine))
