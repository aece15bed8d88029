"""Compiled code on disk, so that an unchanged machine is compiled once.

An entry is named by the hash of the text it was compiled from and of the computer it was compiled
for. Loading damaged object code would crash the process; `storage.py` says what is checked first.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from ..storage import Kind, Storage, default_folder


class Cache(Storage):
    """Object code in one folder."""

    def __init__(self, folder: Path | None) -> None:
        """Use `folder`, which is made when the first entry is; `None` keeps nothing."""
        super().__init__(folder)
        self.made = 0

    def fetch(self, text: str, target: str, make: Callable[[str], bytes]) -> bytes:
        """The code for `text` on the computer `target`; what is not there is made and kept.

        `made` counts what was not there.
        """
        key = hashlib.sha256(f"{target}\n{text}".encode()).digest()
        code = self.read(Kind.CODE, key)
        if code is None:
            code = make(text)
            self.made += 1
            self.write(Kind.CODE, key, code)
        return code


class NoCache(Cache):
    """Keeps nothing."""

    def __init__(self) -> None:
        super().__init__(None)


def default_cache() -> Cache:
    """The cache of this user; one that keeps nothing if there is no place for it."""
    return Cache(default_folder())
