"""Closest names, for hints."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(wanted: str, names: Iterable[str], cutoff: float = 0.6) -> str:
    """`; did you mean ...?` with the closest of `names`, or nothing."""
    by_folded = {name.casefold(): name for name in names}
    found = get_close_matches(wanted.casefold(), by_folded, n=1, cutoff=cutoff)
    return f"; did you mean `{by_folded[found[0]]}`?" if found else ""
