"""What every rule of the kernel tables says about itself."""

import pytest

from dirql.model.kernel import ROUTINES, KernelRoutine


def test_names_are_unique() -> None:
    names = [item.name for item in ROUTINES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("routine", ROUTINES, ids=lambda item: item.name)
def test_each_rule_says_what_windows_and_the_model_do(routine: KernelRoutine) -> None:
    assert routine.rule
    text = routine.emit.__doc__ or ""
    assert "Windows:" in text
    assert "Model:" in text
    assert any(character.isdigit() for character in text.partition("Windows:")[2])
