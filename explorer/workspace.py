"""Where a search may keep what does not fit into memory, or must outlive the process."""

from dataclasses import dataclass
from pathlib import Path

INTERVAL = 60.0
"""Seconds between two checkpoints, at least."""


class WorkspaceError(ValueError):
    """A folder of a search cannot be used, or what is in it; the message says why."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Folders of a search, and how states are told apart.

    Attributes:
        spill: where states and tables go when the process has reached its limit of memory.
        checkpoint: where the search writes down how far it has come, or `None`.
        resume: whether to go on from what stands in `checkpoint`.
        interval: seconds between two checkpoints, at least.
        fingerprint: tell states apart by 64-bit hashes only: less memory, and no proof.
    """

    spill: Path | None = None
    checkpoint: Path | None = None
    resume: bool = False
    interval: float = INTERVAL
    fingerprint: bool = False

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        if self.fingerprint and self.checkpoint:
            raise WorkspaceError(
                "a search by fingerprints cannot be resumed: it keeps no checkpoint"
            )


IN_MEMORY = Workspace()
