"""The border of all text output: what leaves the program passes here, on either stream.

Colours are ours alone. They travel inside the program behind a mark that nobody can guess, and
become escape sequences here; every other control or bidirectional character is shown as an escape.
Only click is imported here at the top, so that `--help` answers at once.
"""

import json
import os
import re
from io import StringIO

import click

_MARK = f"\x1b<{os.urandom(8).hex()}>"
_SEQUENCE = re.compile(rf"{re.escape(_MARK)}(\[[0-9;]*m)")


def paint(text: str, colour: str, *, bold: bool = False) -> str:
    """`text` in a colour; whoever prints it drops the colour where there are none."""
    styled = click.style("\0", fg=colour, bold=bold or None).replace("\x1b", _MARK)
    return styled.replace("\0", text)


def shown(text: str) -> str:
    """`text` as it may reach a terminal or a log: our colours, and nothing else that acts."""
    from dirql.model.visible import visible

    parts = _SEQUENCE.split(text)
    parts[::2] = map(visible, parts[::2])
    parts[1::2] = (f"\x1b{sequence}" for sequence in parts[1::2])
    return "".join(parts)


def say(text: str) -> None:
    """Print `text` on the standard output."""
    click.echo(shown(text))


def complain(text: str) -> None:
    """Print `text` on the error output."""
    click.echo(shown(text), err=True)


def complain_of_usage(error: click.ClickException) -> None:
    """Print what click says of wrong arguments, which are quoted as they were given."""
    buffer = StringIO()
    error.show(buffer)
    complain(buffer.getvalue().rstrip("\n"))


def json_line(value: object) -> str:
    """`value` as JSON: what cannot be seen becomes the escapes of JSON.

    A lone surrogate, which is in no text but in names of files that are not UTF-8, has no form in
    JSON; it becomes the characters that the text output shows.
    """
    return escaped_json(json.dumps(value, ensure_ascii=False))


def escaped_json(text: str) -> str:
    """The JSON `text`, in which what cannot be seen is escaped; it stands in strings only."""
    from dirql.model.visible import UNSEEN

    return UNSEEN.sub(_json_escape, text)


def _json_escape(found: re.Match[str]) -> str:
    from dirql.model.visible import visible

    letter = found[0]
    if "\ud800" <= letter <= "\udfff":
        return json.dumps(visible(letter))[1:-1]
    return json.dumps(letter)[1:-1]
