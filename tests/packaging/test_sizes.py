"""Files stay small enough to be read in one go."""

import pytest

from .repository import CONTRACTS, ROOT, modules

CONTRACT_LINES = 200
MODULE_LINES = 400


@pytest.mark.parametrize("module", modules())
def test_modules_stay_small(module: str) -> None:
    limit = CONTRACT_LINES if module in CONTRACTS else MODULE_LINES
    lines = len((ROOT / module).read_text(encoding="utf-8").splitlines())
    assert lines < limit, f"{module} has {lines} lines; split it by what its parts mean"


def test_the_contract_files_exist() -> None:
    assert set(CONTRACTS) <= set(modules())
