"""Write docs/kernel-routines.md: the kernel routines that a driver can call, with parameters."""

import inspect
from collections.abc import Iterator
from pathlib import Path

from dirql.model.kernel import ROUTINES
from dirql.model.kernel.signature import Parameter, Passing

PAGE = Path(__file__).parent.parent / "docs" / "kernel-routines.md"

_HEAD = """# Kernel routines

What driver code can call, with the parameters of the WDK in their order. A parameter with `=` can
be left out; `*` marks an out-parameter (name a local), `&` the address of a field (name the field).
Rule numbers lead to [Windows rules](../model/kernel/windows-rules.md) (`dirql explain 6.1.1`). The
code is in `model/kernel/`; this page is written by `tools/list_routines.py`.

| routine | what it does | rule |
| --- | --- | --- |
"""


def shown(parameter: Parameter) -> str:
    """One parameter as the table shows it."""
    marks = {Passing.OUT: "*", Passing.ADDRESS: "&"}
    text = marks.get(parameter.passing, "") + parameter.name
    return text if parameter.default is None else f"{text}="


def rows() -> Iterator[str]:
    """A row for each routine, by name."""
    for routine in sorted(ROUTINES, key=lambda item: item.name):
        parameters = ", ".join(shown(item) for item in routine.parameters)
        page = inspect.getdoc(routine.emit) or ""
        yield f"| `{routine.name}({parameters})` | {page.splitlines()[0]} | {routine.rule} |\n"


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(rows())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
