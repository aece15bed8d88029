"""What the tests of the kernel rules share."""

from pathlib import Path

import pytest

from .drivers import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
