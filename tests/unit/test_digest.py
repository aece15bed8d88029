"""The digest: equal where nothing changed that matters, different where anything did."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from dirql.model.digest import canonical, digest
from dirql.model.domain import Enumeration, Range
from dirql.model.expr import TRUE
from dirql.model.machine import (
    Access,
    AccessKind,
    Check,
    Machine,
    Source,
    Variable,
)

from ..changing import changed
from ..machines import machines
from ..models import mutex, peterson

DIGEST_OF_MUTEX = "0999e3e77e475083b94df9778649e2d353cfaeea998a77961bb85689b5470692"


def first(**parts: object) -> Callable[[Machine], Machine]:
    """A change of the first transition."""

    def change(machine: Machine) -> Machine:
        transition, *others = machine.transitions
        return replace(machine, transitions=(changed(transition, **parts), *others))

    return change


def test_it_is_stable() -> None:
    """Whoever changes the canonical form must change its version, and then this."""
    assert digest(mutex()) == DIGEST_OF_MUTEX


def test_it_is_the_same_in_another_process_with_another_hash_seed() -> None:
    script = (
        "from tests.models import peterson\n"
        "from dirql.model.digest import digest\n"
        "print(digest(peterson()))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": os.pathsep.join(sys.path)}
    output = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    ).stdout
    assert output.strip() == digest(peterson())


UNIMPORTANT: list[Callable[[Machine], Machine]] = [
    lambda machine: replace(machine, name="another"),
    first(source=Source("other.py", 7)),
]


@pytest.mark.parametrize("change", UNIMPORTANT)
def test_name_and_sources_do_not_matter(change: Callable[[Machine], Machine]) -> None:
    assert digest(change(mutex())) == digest(mutex())


IMPORTANT: list[Callable[[Machine], Machine]] = [
    first(name="take"),
    first(spontaneous=True),
    first(rule="6.1"),
    first(opaque="a status"),
    first(lucky=True),
    first(guard=()),
    first(scheduling=(TRUE,)),
    first(updates=()),
    first(checks=(Check("irql-too-high", TRUE),)),
    first(accesses=(Access("x", AccessKind.PLAIN_READ),)),
    lambda machine: replace(machine, invariants=()),
    lambda machine: replace(machine, races=("data-race",)),
    lambda machine: replace(machine, transitions=machine.transitions[::-1]),
    lambda machine: replace(
        machine, variables=(*machine.variables, Variable("n", Range(0, 1), (0,)))
    ),
    lambda machine: replace(machine, invariants=(replace(machine.invariants[0], quiescent=True),)),
]


@pytest.mark.parametrize("change", IMPORTANT)
def test_all_else_matters(change: Callable[[Machine], Machine]) -> None:
    assert digest(change(mutex())) != digest(mutex())


def test_truth_and_one_differ() -> None:
    """For Python they are equal, and so are the dataclasses around them."""
    base = mutex()
    number = replace(base, variables=(*base.variables, Variable("n", Range(0, 1), (1,))))
    assert '"n" "shared" range 0 1 : 1' in canonical(number)
    assert 'update "held" true' in canonical(base)


def test_names_cannot_pretend_to_be_structure() -> None:
    """A label with blanks, quotes and brackets stays one label."""
    odd = Enumeration("e", ('a" "b', "a", "b", ") ("))
    one = Machine("m", (Variable("x", odd, ('a" "b',)),), ())
    other = Machine("m", (Variable("x", odd, ("a", "b")),), ())
    assert digest(one) != digest(other)


@given(machines())
def test_equal_machines_have_equal_digests(machine: Machine) -> None:
    assert digest(replace(machine)) == digest(machine)
    added = replace(machine, variables=(*machine.variables, Variable("new", Range(0, 0), (0,))))
    assert digest(added) != digest(machine)
    assert canonical(machine).count("\ntransition ") == len(machine.transitions)
