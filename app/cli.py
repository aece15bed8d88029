"""The command line: arguments in, exit codes out. Everything else is done elsewhere.

Only click is imported here at the top, so that `--help` answers at once.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import exit_codes, streams
from .arguments import (
    CHECKPOINT,
    CHECKPOINT_EVERY,
    ENGINE,
    EXISTING_FILE,
    FINGERPRINT,
    IGNORE,
    JOBS,
    KNOBS,
    MEMORY,
    NO_CACHE,
    ONE_COUNT,
    ONE_PATH,
    PATHS,
    PROCESSOR_COUNTS,
    PROPERTIES,
    RESUME,
    RUN_MODULE,
    SCENARIO,
    SPILL,
    TIMEOUT,
    WORKERS,
    Commands,
    Showing,
    UnforeseenError,
    bounded,
    workspace,
)
from .interrupts import code_of, deafen, interrupted, listen
from .printing import complain, complain_of_usage, say
from .toolbox import EngineChoice, InputError

if TYPE_CHECKING:
    from .answers import Subject
    from .questions import Options


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="dirql")
def commands() -> None:
    """Check Windows interrupt code: every interleaving of interrupts, DPCs and disconnects.

    Exit codes: 0 holds, 1 violated, 2 unknown; 64 wrong usage, 65 a pattern or trace that cannot be
    used, 70 an internal error, 74 the answer could not be written, 130 interrupted, 141 nobody
    reads the answer any more, 143 asked to end.
    """


@commands.command()
@PATHS
@PROPERTIES
@IGNORE
@PROCESSOR_COUNTS
@KNOBS
@click.option(
    "--max-states", type=click.IntRange(1), metavar="N", help="Give up a check at N states."
)
@TIMEOUT
@MEMORY
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one object on one line for each pattern, scenario and processor count.",
)
@click.option(
    "--expect", is_flag=True, help="Compare each verdict with the pattern's own; 0 if all agree."
)
@ENGINE
@NO_CACHE
@WORKERS
@SPILL
@CHECKPOINT
@CHECKPOINT_EVERY
@RESUME
@FINGERPRINT
@click.option(
    "--trace",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Store the trace of the first violation, for dirql replay.",
)
@JOBS
@RUN_MODULE
def check(
    *,
    paths: tuple[Path, ...],
    properties: tuple[str, ...],
    ignore: tuple[str, ...],
    processors: tuple[int, ...],
    knobs: tuple[tuple[str, str], ...],
    max_states: int | None,
    timeout: float | None,
    memory: int,
    form: str,
    expect: bool,
    engine: str,
    no_cache: bool,
    workers: int,
    spill: Path | None,
    checkpoint: Path | None,
    checkpoint_every: float | None,
    resume: Path | None,
    fingerprint: bool,
    trace: Path | None,
    jobs: int,
    run_module: bool,
) -> int:
    """Check patterns: PATH is a pattern file, or a folder of them.

    Each scenario is checked on each of its processor counts. A violation is shown as the shortest
    behaviour that leads to it.
    """
    from dirql.explorer.engine import Limits

    from .checking import Output
    from .checking import check as check_patterns
    from .questions import Options

    if trace is not None and not trace.absolute().parent.is_dir():
        raise click.UsageError(f"cannot write {trace}: there is no folder {trace.parent}")
    options = Options(
        properties=properties,
        processors=tuple(dict.fromkeys(processors)),
        knobs=knobs,
        limits=Limits(states=max_states, seconds=timeout, memory=memory),
        engine=EngineChoice(
            engine,
            cache=not no_cache,
            workers=workers,
            workspace=workspace(
                engine, spill, checkpoint, checkpoint_every, resume, prints=fingerprint
            ),
        ),
        compare_knobs=not expect,
        ignore=ignore,
        run_module=run_module,
    )
    return check_patterns(paths, options, Output(form == "json", expect, trace), jobs)


@commands.command()
@PATHS
@PROCESSOR_COUNTS
@RUN_MODULE
@bounded
def warm(*, paths: tuple[Path, ...], processors: tuple[int, ...], run_module: bool) -> int:
    """Compile patterns ahead, so that the first check of each finds its machine code.

    PATH is a pattern file, or a folder of them.
    """
    from .keeping import warm as warm_patterns

    say(warm_patterns(paths, processors, run_module=run_module))
    return exit_codes.HOLDS


@commands.group()
def cache() -> None:
    """Show or empty the folder of compiled code and finished verdicts (DIRQL_CACHE_DIR)."""


@cache.command()
def info() -> int:
    """Print where the cache is and what is in it."""
    from .keeping import cache_text

    say(cache_text())
    return exit_codes.HOLDS


@cache.command()
def clear() -> int:
    """Remove everything that is kept."""
    from .keeping import clear_cache

    say(clear_cache())
    return exit_codes.HOLDS


@commands.command()
@click.argument("trace", metavar="TRACE.json", type=EXISTING_FILE)
@click.option("--pattern", type=EXISTING_FILE, metavar="PATH", help="Where the pattern is now.")
@RUN_MODULE
@bounded
def replay(*, trace: Path, pattern: Path | None, run_module: bool) -> int:
    """Execute a stored trace again, step by step, and show it.

    The pattern is taken from the folder of the trace, or from --pattern, never from elsewhere
    because the trace says so. Exit code 0 when the trace still leads to its violation, 65 when it
    does not.
    """
    from .replaying import replay as replay_trace
    from .report import terminal_style

    if run_module and pattern is None:
        raise click.UsageError("--run-module needs --pattern: a trace does not name what is run")
    say(replay_trace(trace, pattern, terminal_style(), run_module=run_module))
    return exit_codes.HOLDS


@commands.command()
@click.argument("name")
def explain(name: str) -> int:
    """Print the page of a property (what, why, an example, the fix), a knob, routine or rule."""
    from .pages import page

    say(page(name))
    return exit_codes.HOLDS


@commands.command()
def rules() -> int:
    """List the properties and the knobs."""
    from .pages import overview

    say(overview())
    return exit_codes.HOLDS


@commands.group(cls=Showing)
def show() -> None:
    """Show what a pattern becomes before it is checked."""


@show.command()
@ONE_PATH
@SCENARIO
@ONE_COUNT
@KNOBS
@PROPERTIES
@RUN_MODULE
@bounded
def machine(
    *,
    path: Path,
    scenario: str | None,
    processors: int | None,
    knobs: tuple[tuple[str, str], ...],
    properties: tuple[str, ...],
    run_module: bool,
) -> int:
    """Print the machine that engines explore: variables, contexts, transitions, properties."""
    from .questions import Options
    from .showing import machine_text

    options = Options(properties=properties, knobs=knobs, run_module=run_module)
    say(machine_text(_subject(path, scenario, processors, options).machine))
    return exit_codes.HOLDS


@show.command()
@ONE_PATH
@RUN_MODULE
@bounded
def routines(*, path: Path, run_module: bool) -> int:
    """Print the routines of the driver and its devices as they were understood."""
    from . import toolbox
    from .showing import routines_text

    say(routines_text(toolbox.load(path, run_module=run_module).program))
    return exit_codes.HOLDS


@commands.command()
@ONE_PATH
@SCENARIO
@ONE_COUNT
@KNOBS
@PROPERTIES
@click.option("--all", "everything", is_flag=True, help="Try every property there is.")
@click.option("--lemmas", "shows_lemmas", is_flag=True, help="Print what had to be learnt.")
@RUN_MODULE
@bounded
def prove(
    *,
    path: Path,
    scenario: str | None,
    processors: int | None,
    knobs: tuple[tuple[str, str], ...],
    properties: tuple[str, ...],
    everything: bool,
    shows_lemmas: bool,
    run_module: bool,
) -> int:
    """Prove properties by induction: the proof holds without exploring.

    By default: that no context waits in a circle, and that no routine is called where its contract
    forbids it (a wrong IRQL, a lock that is owned, an interrupt object that is not connected); for
    each processor count of the scenario. Exit code 0 when all is proved, 2 when not.
    """
    from dirql.explorer.patience import look
    from dirql.model.visible import one_line

    from .proving import USUAL_GOALS, all_names, cuts_of, lemma_text, prove_subject, told
    from .questions import Options
    from .report import count

    names = properties or (all_names() if everything else USUAL_GOALS)
    options = Options(knobs=knobs, run_module=run_module)
    first = _subject(path, scenario, processors, options)
    complete = True
    for number in (processors,) if processors else first.scenario.processors:
        look()
        subject = _subject(path, first.scenario.name, number, options)
        found = prove_subject(subject, names)
        cuts = cuts_of(subject, found)
        name = one_line(subject.scenario.name)
        say(f"{one_line(str(path))}  {name}  {count(number, 'processor')}")
        say(told(subject, found, names, cuts))
        if shows_lemmas and (text := lemma_text(found)):
            say(text)
        complete = complete and found.complete and not any(map(cuts.before, names))
    return exit_codes.HOLDS if complete else exit_codes.UNKNOWN


def _subject(
    path: Path, scenario: str | None, processors: int | None, options: "Options"
) -> "Subject":
    """One scenario of a pattern, compiled."""
    from . import toolbox
    from .answers import prepare
    from .questions import Question

    pattern = toolbox.load(path, run_module=options.run_module)
    names = [item.name for item in pattern.scenarios]
    if scenario is not None and scenario not in names:
        from .pages import unknown

        raise click.BadParameter(unknown("scenario", scenario, names), param_hint="--scenario")
    chosen = pattern.scenarios[names.index(scenario) if scenario else 0]
    count = processors or chosen.processors[0]
    return prepare(Question(str(path), chosen.name, count, options))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        the exit code; every error has been reported by then.
    """
    try:
        result = commands.main(args=arguments, prog_name="dirql", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        complain_of_usage(error)
        return exit_codes.USAGE
    except InputError as problem:
        complain(str(problem))
        return exit_codes.PATTERN
    except (click.Abort, KeyboardInterrupt) as interruption:
        complain("interrupted")
        return code_of(interruption)
    except streams.OutputError as error:
        if error.reader_gone:  # `dirql rules | head`: nobody is left to be told
            return exit_codes.BROKEN_PIPE
        complain(f"dirql: the answer could not be written: {error}")
        return exit_codes.OUTPUT
    except Exception as error:  # noqa: BLE001  (whatever it is, the user gets no traceback)
        if interrupted():  # what was stopped may have found no better words
            complain("interrupted")
            return interrupted()
        from .failures import report_internal_error

        known = isinstance(error, UnforeseenError) and error.__cause__
        complain(report_internal_error(known or error))
        return exit_codes.INTERNAL
    return int(result or exit_codes.HOLDS)


def main() -> None:
    """The console script `dirql`."""
    streams.guard()
    listen()
    try:
        code = run()
    except KeyboardInterrupt as interruption:  # while the end was told
        code = code_of(interruption)
    deafen()
    sys.exit(code)
