"""How a search begins: with the initial states, or with what a checkpoint says.

Either can be more than there is time or memory for, so limits are looked at here as well.
"""

from math import prod
from pathlib import Path

from dirql.model.machine import Machine

from ..budget import Budget, resident_memory
from ..engine import Limits
from ..workspace import Workspace, WorkspaceError
from .checkpoint import Checkpoint
from .covered import Portable
from .crew import StarvedError
from .space import Space

_TABLE = 32
"""Bytes of a table for each state, at the most."""


class Beginning:
    """What a search begins with."""

    def __init__(self, space: Space, budget: Budget, limits: Limits, workspace: Workspace) -> None:
        """Fill `space`, which is empty, within the limits."""
        self._space, self._budget, self._limits = space, budget, limits
        self._spill = None if workspace.fingerprint else workspace.spill
        self._resume = workspace.resume

    def find(self, machine: Machine, keeper: Checkpoint | None) -> Portable:
        """Take in the states; say what was covered by the search that goes on here.

        Where a limit is reached the budget is exhausted, and there are fewer states.

        Raises:
            WorkspaceError: the checkpoint cannot be used, or there is no room for the states.
        """
        if keeper and not self._resume:
            keeper.refuse_to_overwrite()
        saved = keeper.load() if keeper and self._resume else None
        try:
            if keeper is None or saved is None:
                self._make_room(prod(len(item.initial) for item in machine.variables))
                self._space.begin(self._may_go_on)
                return Portable()
            stored = sum(saved.levels)
            most = self._limits.states
            if most is not None and most <= stored:
                raise WorkspaceError(
                    f"the checkpoint has {stored} states: a limit of {most} states leaves nothing "
                    "to do"
                )
            self._make_room(stored)
            whole = self._space.restore(keeper.levels(), self._may_go_on)
            return saved.covered if whole else Portable()
        except (StarvedError, OSError) as error:
            what = "room on the disk" if self._space.on_disk else "memory"
            raise WorkspaceError(f"there is not enough {what} to begin") from error

    def _may_go_on(self) -> bool:
        self._budget.look(len(self._space), 0, 0, 0)
        return not self._budget.exhausted

    def _make_room(self, states: int) -> None:
        """Begin on disk where so many states would not fit into memory."""
        memory = self._limits.memory
        if self._spill is None or memory is None:
            return
        if resident_memory() + states * (self._space.width + _TABLE) > memory:
            move_to_disk(self._space, self._spill, memory, self._budget)


def move_to_disk(space: Space, folder: Path, memory: int, budget: Budget) -> bool:
    """Let `space` go on in `folder`; say whether it does. If not, the budget is exhausted."""
    try:
        space.move_to_disk(folder, memory)
    except OSError as error:
        budget.exhausted = f"{folder} cannot take what does not fit into memory: {error}"
        return False
    return True
