"""`dirql check`: ask every question, in order or side by side, and report as the answers come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

import click

from dirql.explorer.engine import Snapshot
from dirql.explorer.verdict import Holds, Unknown, Violated
from dirql.model.visible import one_line

from . import exit_codes, records, report
from .answers import Answer, answer
from .arguments import quoted
from .printing import complain, say
from .progress import describe, make_progress
from .questions import Failure, Options, Question, pattern_files, plan


@dataclass(frozen=True, slots=True)
class Output:
    """What to print and write.

    Attributes:
        json: one JSON object a line instead of text.
        expect: compare with the patterns' own expectations.
        trace: where to store the first trace, if anywhere.
    """

    json: bool = False
    expect: bool = False
    trace: Path | None = None


def check(paths: Sequence[Path], options: Options, output: Output, jobs: int) -> int:
    """Check the patterns at `paths` and print the answers.

    Returns:
        the exit code.
    """
    files = pattern_files(paths)
    if not files:
        raise click.UsageError(f"no patterns (*.py) in {', '.join(map(str, paths))}")
    questions = plan(files, options)
    session = _Session(output, len(questions))
    try:
        for found in _answers(questions, jobs, session):
            session.report(found)
    except KeyboardInterrupt:
        session.interrupted()
        return exit_codes.INTERRUPTED
    return session.finish()


class _Session:
    """What was reported so far."""

    def __init__(self, output: Output, total: int) -> None:
        self.output = output
        self.total = total
        self.answers: list[Answer] = []
        self.failures = 0
        self.complaints: set[str] = set()
        self.current = ""
        self.stored: Answer | None = None

    def report(self, found: Answer | Failure) -> None:
        """Print one answer, or on the error output why there is none."""
        self.current = ""
        if isinstance(found, Failure):
            self.failures += 1
            if found.message not in self.complaints:
                self.complaints.add(found.message)
                complain(found.message)
            return
        self.answers.append(found)
        if self.output.json:
            say(records.line(found, expect=self.output.expect))
        elif self.output.expect:
            say(report.compared(found))
        else:
            separator = "\n" if len(self.answers) > 1 else ""
            say(separator + report.full(found, report.terminal_style(), self.answers[:-1]))
        self._store(found)

    def _store(self, found: Answer) -> None:
        """Write the trace of the first violation to the file the user named."""
        verdict = found.result.verdict
        if self.output.trace is None or self.stored or not isinstance(verdict, Violated):
            return
        from .trace_file import StoredTrace, seen_from, write

        question = found.question
        stored = StoredTrace(
            seen_from(self.output.trace.parent, question.pattern),
            question.scenario,
            question.processors,
            dict(found.knobs),
            found.properties,
            verdict.trace,
        )
        try:
            write(self.output.trace, stored)
        except OSError as error:
            raise click.UsageError(f"cannot write {self.output.trace}: {error.strerror}") from error
        self.stored = found

    def interrupted(self) -> None:
        """Say what is known although the user stopped the search."""
        done = len(self.answers) + self.failures
        complain(f"interrupted: {done} of {self.total} checks finished")
        if self.current:
            complain(f"unfinished: {self.current}")

    def finish(self) -> int:
        """Say what concerns all answers together, and give the exit code."""
        self._finish_trace()
        if self.output.expect and not self.output.json:
            agreed = sum(found.agrees for found in self.answers)
            say(f"{agreed} of {self.total} agree")
        if self.failures:
            return exit_codes.PATTERN
        if self.output.expect:
            return int(not all(found.agrees for found in self.answers))
        codes = {_code(found) for found in self.answers}
        return next(
            (code for code in (exit_codes.VIOLATED, exit_codes.UNKNOWN) if code in codes),
            exit_codes.HOLDS,
        )

    def _finish_trace(self) -> None:
        if self.output.trace is None:
            return
        violated = [item for item in self.answers if isinstance(item.result.verdict, Violated)]
        if self.stored is None:
            complain(f"no violation, so {self.output.trace} was not written")
            return
        from .trace_file import leads_to_it

        question, file = self.stored.question, self.output.trace
        names = ", ".join(map(one_line, (question.pattern, question.scenario)))
        elsewhere = (
            ""
            if leads_to_it(file.parent, question.pattern)
            else f" with --pattern {quoted(Path(question.pattern))}"
        )
        complain(
            f"{one_line(str(file))}: the trace of {names}, "
            f"{report.count(question.processors, 'processor')}; dirql replay shows it again"
            + elsewhere
            + (f" ({len(violated) - 1} more not stored)" if len(violated) > 1 else "")
        )


def _code(found: Answer) -> int:
    verdict = found.result.verdict
    match verdict:
        case Holds():
            return exit_codes.HOLDS
        case Violated():
            return exit_codes.VIOLATED
        case Unknown():
            return exit_codes.UNKNOWN
        case _:
            assert_never(verdict)


def _answers(
    questions: Sequence[Question | Failure], jobs: int, session: _Session
) -> Iterator[Answer | Failure]:
    """The answers in the order of the questions, whatever order they are found in."""
    if jobs > 1 and len(questions) > 1:
        yield from _side_by_side(questions, jobs, session)
        return
    for number, question in enumerate(questions, start=1):
        yield question if isinstance(question, Failure) else _one(question, number, session)


def _one(question: Question, number: int, session: _Session) -> Answer | Failure:
    """Answer one question, telling the terminal how it goes."""
    title = (
        f"[{number}/{session.total}] {question.pattern}  {question.scenario}  "
        f"{report.count(question.processors, 'processor')}"
    )
    session.current = title
    with make_progress() as progress:
        progress.say(title)

        def watch(snapshot: Snapshot) -> None:
            session.current = f"{title}: {describe(snapshot)}"
            progress.say(session.current)

        return answer(question, watch)


def _leave_interrupts_to_the_parent() -> None:
    """Ctrl-C reaches every process of a terminal; the parent says what was done and ends us."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _side_by_side(
    questions: Sequence[Question | Failure], jobs: int, session: _Session
) -> Iterator[Answer | Failure]:
    """Answers from `jobs` processes. They are stopped when the caller stops listening."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    executor = ProcessPoolExecutor(jobs, initializer=_leave_interrupts_to_the_parent)
    try:
        pending = [
            question if isinstance(question, Failure) else executor.submit(answer, question)
            for question in questions
        ]
        for number, item in enumerate(pending, start=1):
            if isinstance(item, Failure):
                yield item
                continue
            with make_progress() as progress:
                progress.say(f"[{number}/{session.total}] checking in {jobs} processes")
                found = item.result()
            yield found
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        executor.shutdown(cancel_futures=True)
