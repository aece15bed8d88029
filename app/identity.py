"""Which dirql answers: the hash of all its source, as `dirql.explorer.identity` makes it."""

from functools import lru_cache

from dirql.explorer.identity import digest_of

PACKAGES = ("dirql.app", "dirql.explorer", "dirql.model", "dirql.properties")


@lru_cache(maxsize=1)
def source_at_start() -> str:
    """`source_digest()` when it was first asked for: of the modules that this process runs."""
    return source_digest()


def source_digest() -> str:
    """The hash of dirql's source as it is now; empty if there is no source.

    Who keeps a result asks before and after the work: only if both are equal was it surely this
    source that did it.
    """
    return digest_of(PACKAGES)
