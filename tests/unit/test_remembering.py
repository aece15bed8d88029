"""Remembered verdicts: the same answer as the engine's, and nothing that cannot be confirmed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dirql.explorer import remembering
from dirql.explorer.engine import NO_LIMITS, Limits, Snapshot
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.remembering import Remembering, Verdicts
from dirql.explorer.storage import Kind, Storage
from dirql.explorer.verdict import Holds, Result, Unknown, Violated
from dirql.model.digest import digest
from dirql.model.machine import Machine, Source

from ..machines import machines, racing_machines
from ..models import peterson, philosophers

FIXTURES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
Change = Callable[[dict[str, Any]], None]


class Counting(ReferenceEngine):
    """The reference explorer, and how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def check(
        self,
        machine: Machine,
        limits: Limits = NO_LIMITS,
        watch: Callable[[Snapshot], None] | None = None,
    ) -> Result:
        self.asked += 1
        return super().check(machine, limits, watch)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path / "cache")


def verdicts(storage: Storage, asked: str = "reference", source: str = "source") -> Verdicts:
    return Verdicts(storage, asked, source, lambda: source)


def violated() -> Machine:
    return peterson(flags=False)


@FIXTURES
@given(st.one_of(machines(), racing_machines()))
def test_what_is_remembered_is_what_was_found(storage: Storage, machine: Machine) -> None:
    engine = Counting()
    first = Remembering(engine, verdicts(storage)).check(machine)
    again = Remembering(engine, verdicts(storage)).check(machine)
    assert again.verdict == first.verdict
    if isinstance(first.verdict, Unknown):
        assert not again.cached
    else:
        assert again.cached
        assert again.statistics == first.statistics
        assert engine.asked <= 1


def test_a_machine_that_holds_is_known_by_its_digest(storage: Storage) -> None:
    machine, known = peterson(), verdicts(storage)
    assert known.holding(digest(machine)) is None
    found = Remembering(ReferenceEngine(), known).check(machine)
    assert isinstance(found.verdict, Holds)
    again = known.holding(digest(machine))
    assert again == replace(found, cached=True)


def test_a_trace_shows_the_source_as_it_is_now(storage: Storage) -> None:
    """A comment above it moves a line, and the machine stays the same."""
    machine = violated()
    Remembering(ReferenceEngine(), verdicts(storage)).check(machine)
    source = Source("moved.py", 77, "Routine", "text")
    moved = tuple(replace(step, source=source) for step in machine.transitions)
    found = Remembering(ReferenceEngine(), verdicts(storage)).check(
        replace(machine, transitions=moved)
    )
    assert found.cached
    assert isinstance(found.verdict, Violated)
    assert {step.source for step in found.verdict.trace.steps} == {source}


@pytest.mark.parametrize("limits", [Limits(states=3), Limits(seconds=0), Limits(memory=1)])
def test_what_a_limit_cut_short_is_not_remembered(storage: Storage, limits: Limits) -> None:
    engine = Counting()
    cut = Remembering(engine, verdicts(storage)).check(peterson(), limits)
    assert isinstance(cut.verdict, Unknown)
    whole = Remembering(engine, verdicts(storage)).check(peterson())
    assert isinstance(whole.verdict, Holds)
    assert engine.asked == 2
    assert isinstance(
        Remembering(engine, verdicts(storage)).check(peterson(), limits).verdict, Holds
    )


@FIXTURES
@given(st.one_of(machines(), racing_machines()), st.integers(1, 20))
def test_a_race_found_before_a_limit_is_not_the_last_word(
    storage: Storage, machine: Machine, states: int
) -> None:
    Remembering(ReferenceEngine(), verdicts(storage)).check(machine, Limits(states=states))
    found = Remembering(ReferenceEngine(), verdicts(storage)).check(machine)
    expected = ReferenceEngine().check(machine)
    assert found.verdict == expected.verdict
    assert replace(found.statistics, seconds=0) == replace(expected.statistics, seconds=0)


def test_another_engine_and_another_dirql_do_not_know(storage: Storage) -> None:
    Remembering(ReferenceEngine(), verdicts(storage)).check(peterson())
    assert verdicts(storage, asked="native").recall(peterson()) is None
    assert verdicts(storage, source="changed").recall(peterson()) is None
    assert verdicts(storage, source="").recall(peterson()) is None
    assert verdicts(storage).recall(peterson()) is not None


def test_nothing_is_kept_when_the_source_changed_meanwhile(storage: Storage) -> None:
    changing = Verdicts(storage, "reference", "before", lambda: "after")
    Remembering(ReferenceEngine(), changing).check(peterson())
    unknown = Verdicts(storage, "reference", "", lambda: "")
    Remembering(ReferenceEngine(), unknown).check(peterson())
    assert storage.contents().entries == 0


def test_a_stuck_context_of_a_large_space_is_not_kept(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = philosophers(3)
    engine = Counting()
    monkeypatch.setattr(remembering, "MOST_STATES_REPLAYED", 1)
    for _ in range(2):
        assert isinstance(Remembering(engine, verdicts(storage)).check(machine).verdict, Violated)
    assert engine.asked == 2


def tampered(storage: Storage, change: Change) -> None:
    """Write the only entry again, changed, with a checksum that fits."""
    assert storage.folder is not None
    [path] = storage.folder.glob("*.verdict")
    key = bytes.fromhex(path.stem)
    data = storage.read(Kind.VERDICT, key)
    assert data is not None
    entry = cast("dict[str, Any]", msgspec.json.decode(data))
    change(entry)
    storage.write(Kind.VERDICT, key, msgspec.json.encode(entry))


VIOLATION_CHANGES: dict[str, Change] = {
    "no steps": lambda entry: entry["path"].update(steps=[]),
    "one step less": lambda entry: entry["path"]["steps"].pop(),
    "another step": lambda entry: entry["path"]["steps"].__setitem__(0, 1),
    "an unknown step": lambda entry: entry["path"]["steps"].__setitem__(0, 9999),
    "a negative step": lambda entry: entry["path"]["steps"].__setitem__(0, -1),
    "another start": lambda entry: entry["path"]["initial"].__setitem__(0, 77),
    "a shorter start": lambda entry: entry["path"]["initial"].pop(),
    "another property": lambda entry: entry["path"]["violation"].update(property="data-race"),
    "an unknown transition": lambda entry: entry["taken"].append(9999),
    "another machine": lambda entry: entry.update(machine="0" * 64),
    "a field more": lambda entry: entry.update(more=1),
    "a field less": lambda entry: entry.pop("depth"),
    "words for numbers": lambda entry: entry.update(states="many"),
    "nothing found, not complete": lambda entry: entry.update(path=None, complete=False),
}


@pytest.mark.parametrize("name", VIOLATION_CHANGES)
def test_a_violation_that_cannot_be_confirmed_is_forgotten(storage: Storage, name: str) -> None:
    engine, machine = Counting(), violated()
    first = Remembering(engine, verdicts(storage)).check(machine)
    tampered(storage, VIOLATION_CHANGES[name])
    assert verdicts(storage).recall(machine) is None
    assert storage.contents().entries == 0
    again = Remembering(engine, verdicts(storage)).check(machine)
    assert (again.verdict, again.cached, engine.asked) == (first.verdict, False, 2)


def test_text_that_is_no_entry_is_forgotten(storage: Storage) -> None:
    for data in (b"", b"[]", b"\xff\xfe", b'{"machine": 1}', b"null"):
        Remembering(ReferenceEngine(), verdicts(storage)).check(peterson())
        assert storage.folder is not None
        [path] = storage.folder.glob("*.verdict")
        storage.write(Kind.VERDICT, bytes.fromhex(path.stem), data)
        assert verdicts(storage).recall(peterson()) is None
        assert storage.contents().entries == 0
