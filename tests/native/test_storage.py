"""Searches on disk, and searches that were ended and resumed: the same answers and counts."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dirql.explorer.engine import Limits
from dirql.explorer.native import NativeEngine, NoCache, spill
from dirql.explorer.native.checkpoint import STATES, STATUS
from dirql.explorer.native.locking import Lock
from dirql.explorer.native.storage import Storage, StorageError
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.replay import replay
from dirql.explorer.verdict import Result, Unknown, Violated
from dirql.model.machine import Machine

from ..machines import machines, racing_machines
from ..models import philosophers

ANY = st.one_of(machines(), racing_machines())
FIXTURES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
NO_ROOM = Limits(memory=1)


@pytest.fixture(autouse=True)
def _small_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "SHARDS", 3)
    monkeypatch.setattr(spill, "ROUND", 8)
    monkeypatch.setattr(spill, "FULL", 64)


def check(machine: Machine, storage: Storage, limits: Limits = NO_ROOM, workers: int = 1) -> Result:
    return NativeEngine(NoCache(), workers, storage).check(machine, limits)


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
    result = check(machine, Storage(spill=tmp_path))
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
        first = check(machine, Storage(checkpoint=folder, interval=0), Limits(states=cut))
        if not first.limited:
            assert not folder.exists()
            return
        storage = Storage(checkpoint=folder, resume=True, interval=0)
        agree(check(machine, storage, Limits(), workers), ReferenceEngine().check(machine))
        assert not folder.exists()


def test_a_search_goes_on_on_disk(tmp_path: Path) -> None:
    machine, folder = philosophers(6), tmp_path / "kept"
    limited = check(machine, Storage(checkpoint=folder, interval=0), Limits(states=60))
    assert limited.limited
    storage = Storage(spill=tmp_path, checkpoint=folder, resume=True, interval=0)
    agree(check(machine, storage), ReferenceEngine().check(machine))


def ended(folder: Path) -> Machine:
    """A machine whose search was ended, with its checkpoint in `folder`."""
    machine = philosophers(6)
    assert check(machine, Storage(checkpoint=folder, interval=0), Limits(states=60)).limited
    return machine


def resume(machine: Machine, folder: Path) -> Result:
    return check(machine, Storage(checkpoint=folder, resume=True), Limits())


@pytest.mark.parametrize("name", [STATES, STATUS])
def test_damage_is_noticed_at_every_place(tmp_path: Path, name: str) -> None:
    machine = ended(tmp_path)
    file = tmp_path / name
    whole = file.read_bytes()
    places = range(0, len(whole), max(1, len(whole) // 97))
    for place in places:
        file.write_bytes(whole[:place])
        with pytest.raises(StorageError):
            resume(machine, tmp_path)
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(StorageError):
            resume(machine, tmp_path)
    file.write_bytes(whole)
    agree(resume(machine, tmp_path), ReferenceEngine().check(machine))


def test_what_was_being_written_does_not_count(tmp_path: Path) -> None:
    machine = ended(tmp_path)
    with (tmp_path / STATES).open("ab") as file:
        file.write(b"half of a le")
    agree(resume(machine, tmp_path), ReferenceEngine().check(machine))


def test_another_machine_is_refused(tmp_path: Path) -> None:
    ended(tmp_path)
    with pytest.raises(StorageError, match="the pattern changed"):
        resume(philosophers(5), tmp_path)


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    with pytest.raises(StorageError, match="in use"):
        ended(tmp_path)
    lock.release()
    ended(tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be used"):
        ended(tmp_path / "file" / "folder")


def test_a_disk_that_cannot_be_used_makes_the_answer_unknown(tmp_path: Path) -> None:
    result = check(philosophers(5), Storage(spill=tmp_path / "missing"))
    assert isinstance(result.verdict, Unknown)
    assert "cannot take" in result.verdict.reason


@FIXTURES
@given(machine=ANY.map(plain), workers=st.sampled_from((1, 2)))
def test_fingerprints_find_the_same_and_prove_nothing(machine: Machine, workers: int) -> None:
    machine = replace(machine, progress=())
    result = check(machine, Storage(fingerprint=True), Limits(), workers)
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
    result = check(machine, Storage(fingerprint=True), Limits())
    assert isinstance(result.verdict, Unknown)
    assert "probability" in result.verdict.reason
    assert "no proof" in result.verdict.reason


def test_fingerprints_keep_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be resumed"):
        Storage(fingerprint=True, checkpoint=tmp_path)
