"""Arguments and options that commands share, and what they accept.

Only click is imported here at the top, so that `--help` answers at once.
"""

import re
import shlex
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import exit_codes
from .printing import say
from .streams import OutputError, is_open
from .toolbox import ENGINES

if TYPE_CHECKING:
    from dirql.explorer.workspace import Workspace

MOST_PROCESSORS = 8

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def memory_size(text: str) -> int:
    """The bytes of an amount of memory: `500M`, `4G`, or a plain number."""
    found = re.fullmatch(r"(\d+)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if found is None or int(found[1]) == 0:
        raise click.BadParameter(f"{text!r} is no amount of memory; write 500M or 4G")
    return int(found[1]) * UNITS[found[2].upper()]


def knob_setting(text: str) -> tuple[str, str]:
    """The name and the value in `name=value`, after making sure that both exist."""
    from dirql.model.kernel.knobs import KnobError, Knobs, parse_knob

    try:
        parse_knob(text, Knobs())
    except KnobError as error:
        raise click.BadParameter(str(error)) from error
    name, _, value = text.partition("=")
    return name.strip(), value.strip()


def property_name(text: str) -> str:
    """`text`, after making sure that a property is called so."""
    from dirql.properties import PROPERTIES

    from .pages import unknown

    names = [item.name for item in PROPERTIES]
    if text not in names:
        raise click.BadParameter(unknown("property", text, names))
    return text


def waivable(text: str) -> str:
    """The name of a property, after making sure that it is none at which behaviours end."""
    from dirql.properties import Grade, grade_of

    from .names import WAIVABLE

    name = property_name(text)
    if grade_of(name) is Grade.CRASH:
        raise click.BadParameter(f"{name} cannot be waived: it is a crash; {WAIVABLE}")
    return name


EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
EXISTING_PATH = click.Path(exists=True, path_type=Path)
PROCESSORS = click.IntRange(1, MOST_PROCESSORS)
PATHS = click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=EXISTING_PATH)
ONE_PATH = click.argument("path", metavar="PATH", type=EXISTING_FILE)
SCENARIO = click.option("--scenario", metavar="S", help="The scenario (default: the first).")
ONE_COUNT = click.option(
    "--processors", type=PROCESSORS, metavar="N", help="Processors (default: the scenario's first)."
)
PROCESSOR_COUNTS = click.option(
    "--processors",
    multiple=True,
    type=PROCESSORS,
    metavar="N",
    help="Processor count; may be repeated (default: the scenario's).",
)
TIMEOUT = click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="S",
    help="Give up after S seconds; of check, after S seconds of one check.",
)
MEMORY = click.option(
    "--memory",
    type=memory_size,
    metavar="SIZE",
    default="4G",
    show_default=True,
    help="Give up when the process is that large: 500M, 4G.",
)
KNOBS = click.option(
    "--knob",
    "knobs",
    multiple=True,
    type=knob_setting,
    metavar="K=V",
    help="Answer a question that Windows leaves open (dirql rules lists them).",
)
PROPERTIES = click.option(
    "--property",
    "properties",
    multiple=True,
    type=property_name,
    metavar="NAME",
    help="Check only this property; may be repeated (default: the scenario's, or all).",
)
ENGINE = click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="auto",
    show_default=True,
    help="Who explores. auto: the reference explorer while there are few states, then native.",
)
NO_CACHE = click.option(
    "--no-cache",
    is_flag=True,
    help="Neither use nor keep finished verdicts and compiled code.",
)
JOBS = click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Check in N processes side by side.",
)
IGNORE = click.option(
    "--ignore",
    multiple=True,
    type=waivable,
    metavar="NAME",
    help="Waive this property, unless it is a crash; may be repeated. The scope says so.",
)


def bounded(work: Callable[..., int]) -> Callable[..., int]:
    """A command with --timeout and --memory, which ends with what "unknown" returns at a limit."""

    @TIMEOUT
    @MEMORY
    @wraps(work)
    def within(*, timeout: float | None, memory: int, **arguments: object) -> int:
        from dirql.explorer.engine import Limits
        from dirql.explorer.patience import LimitReached, Patience

        try:
            with Patience(Limits(seconds=timeout, memory=memory)):
                return work(**arguments)
        except LimitReached as limit:
            say(f"unknown: {limit} before there was an answer")
            return exit_codes.UNKNOWN

    return within


RUN_MODULE = click.option(
    "--run-module",
    is_flag=True,
    help="Run the module level of patterns as Python, with your rights. Without this nothing of a "
    "pattern runs: it is read.",
)

_PLAIN = re.compile(r"[\w@%+=:,./\\ -]*")
"""What means nothing to a shell between double quotes."""


def quoted(path: Path) -> str:
    """The path as a shell takes it, and as it can be printed."""
    from dirql.model.visible import one_line

    text = str(path)
    if one_line(text) != text:
        return "$'" + one_line(text.replace("\\", "\\\\").replace("'", "\\'")) + "'"
    if _PLAIN.fullmatch(text):
        return f'"{text}"' if " " in text else text
    return shlex.quote(text)


class Group(click.Group):
    """Commands, for people who name a file and forget the command.

    `instead` are the commands that take a file, the most likely one first.
    """

    instead: tuple[str, ...] = ()

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for a file, say which commands take one.

        Raises:
            UsageError: there is no such command.
        """
        if self.instead and args and self.get_command(ctx, args[0]) is None:
            file = args[0]
            if Path(file).exists() or file.endswith(".py"):
                ways = " or ".join(
                    f"{ctx.command_path} {name} {quoted(Path(file))}" for name in self.instead
                )
                raise click.UsageError(f"'{file}' is no command: write {ways}", ctx)
        return super().resolve_command(ctx, args)


class UnforeseenError(Exception):
    """Something ended a command that no command foresaw; the cause says what."""


class Commands(Group):
    """`dirql`."""

    instead = ("check",)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command.

        Raises:
            OutputError: there is no standard output.
            UnforeseenError: instead of what would choose an exit code by itself: `SystemExit`, and
                `OSError`, since click makes 1 of a pipe that breaks anywhere, which is "violated".
        """
        if not is_open():  # said now, not after hours
            raise OutputError("the standard output is closed")
        try:
            return super().invoke(ctx)
        except (OSError, SystemExit) as error:
            raise UnforeseenError from error


class Showing(Group):
    """`dirql show`."""

    instead = ("routines", "machine")


FOLDER = click.Path(exists=True, file_okay=False, writable=True, path_type=Path)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)
"""It is made where it is missing."""
WORKERS = click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="Threads of the native engine for one check.",
)
SPILL = click.option(
    "--spill",
    type=NEW_FOLDER,
    metavar="DIR",
    help="Past --memory go on with states and tables in files in DIR.",
)
CHECKPOINT = click.option(
    "--checkpoint",
    type=NEW_FOLDER,
    metavar="DIR",
    help="Keep in DIR how far each check has come, for --resume.",
)
CHECKPOINT_EVERY = click.option(
    "--checkpoint-every",
    type=click.FloatRange(0),
    metavar="S",
    help="Seconds from one checkpoint to the next, at least (default: 60).",
)
RESUME = click.option(
    "--resume",
    type=FOLDER,
    metavar="DIR",
    help="Go on from what --checkpoint kept in DIR, and keep more there.",
)
FINGERPRINT = click.option(
    "--fingerprint",
    is_flag=True,
    help="Tell states apart by 64-bit hashes: half the memory, and no proof.",
)


def workspace(
    engine: str,
    spill: Path | None,
    checkpoint: Path | None,
    every: float | None,
    resume: Path | None,
    *,
    prints: bool,
) -> "Workspace":
    """Where a search may keep things, as the options say.

    Raises:
        UsageError: the options do not go together.
    """
    from dirql.explorer.workspace import INTERVAL, Workspace, WorkspaceError

    wanted = spill or checkpoint or resume or prints
    if engine == "reference" and wanted:
        raise click.UsageError(
            "--spill, --checkpoint, --resume and --fingerprint are for the native engine; "
            "leave out --engine reference"
        )
    if checkpoint and resume and checkpoint.resolve() != resume.resolve():
        raise click.UsageError("--resume keeps its checkpoints where it found them")
    if every is not None and not (checkpoint or resume):
        raise click.UsageError("--checkpoint-every says how often --checkpoint DIR is written")
    try:
        if spill:
            spill.mkdir(parents=True, exist_ok=True)
        return Workspace(
            spill,
            resume or checkpoint,
            resume is not None,
            interval=INTERVAL if every is None else every,
            fingerprint=prints,
        )
    except WorkspaceError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.UsageError(f"cannot make the folder {spill}: {error.strerror}") from error
