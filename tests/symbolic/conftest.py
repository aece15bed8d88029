"""However busy the computer is: the solver has all the time that it needs."""

import pytest

from dirql.explorer.symbolic.induction import prove
from dirql.explorer.symbolic.lemmas import lemmas

LONG = 1e6


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test does not ask for are no part of what it tests."""
    for function in (prove, lemmas):
        monkeypatch.setattr(
            function, "__kwdefaults__", {**(function.__kwdefaults__ or {}), "seconds": LONG}
        )
