"""`dirql check`: ask every question, in order or side by side, and report as the answers come."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

import click

from dirql.explorer.engine import Snapshot
from dirql.explorer.verdict import Holds, Unknown, Violated
from dirql.model.visible import one_line

from . import exit_codes, records, report
from .answers import Answer, answer, stopped
from .arguments import quoted
from .interrupts import code_of
from .printing import complain, say
from .progress import Progress, Silent, describe, make_progress
from .questions import Failure, Options, Question, Unread, pattern_files, plan


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
    with make_progress() as progress:
        questions = plan(files, options, progress.say)
    session = _Session(output, len(questions))
    try:
        with closing(_answers(questions, jobs, session)) as answers:
            for found in answers:
                session.report(found)
    except KeyboardInterrupt as interruption:
        return session.interrupted(code_of(interruption))
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
        self.lost = False

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
        done = self.stored or self.lost
        if self.output.trace is None or done or not isinstance(verdict, Violated):
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
            self.lost = True
            complain(f"cannot write {one_line(str(self.output.trace))}: {error.strerror}")
        else:
            self.stored = found

    def title(self, question: Question) -> str:
        """What is shown while a question is worked on."""
        return (
            f"[{len(self.answers) + self.failures + 1}/{self.total}] {question.pattern}  "
            f"{question.scenario}  {report.count(question.processors, 'processor')}"
        )

    def interrupted(self, code: int) -> int:
        """Say what is known although the user stopped the search, and give the exit code."""
        done = len(self.answers) + self.failures
        self._summarise(code)
        complain(f"interrupted: {done} of {self.total} checks finished")
        if self.current:
            complain(f"unfinished: {self.current}")
        return code

    def finish(self) -> int:
        """Say what concerns all answers together, and give the exit code."""
        code = self._code()
        self._summarise(code)
        self._finish_trace()
        return code

    def _summarise(self, code: int) -> None:
        """The last line: in JSON always, in text where answers are compared."""
        if self.output.json:
            answers, failed = self.answers, self.failures
            say(records.summary(answers, self.total, failed, code, expect=self.output.expect))
        elif self.output.expect:
            agreed = sum(found.agrees for found in self.answers)
            say(f"{agreed} of {self.total} agree")

    def _code(self) -> int:
        if self.lost:
            return exit_codes.OUTPUT
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
        if self.output.trace is None or self.lost:
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
    planned: Sequence[Question | Failure | Unread], jobs: int, session: _Session
) -> Generator[Answer | Failure]:
    """The answers in the order of the questions, whatever order they are found in."""
    questions = [item for item in planned if isinstance(item, Question)]
    several = jobs > 1 and len(questions) > 1
    found = _side_by_side(questions, jobs, session) if several else _in_order(questions, session)
    with closing(found):
        for item in planned:
            match item:
                case Failure():
                    yield item
                case Unread(question, reason, seconds):
                    yield stopped(question, reason, seconds)
                case Question():
                    yield next(found)


def _in_order(questions: Sequence[Question], session: _Session) -> Generator[Answer | Failure]:
    """Answer one question after the other, telling the terminal how it goes."""
    for question in questions:
        title = session.current = session.title(question)
        with make_progress() as progress:
            progress.say(title)

            def watch(
                snapshot: Snapshot, title: str = title, progress: Progress = progress
            ) -> None:
                session.current = f"{title}: {describe(snapshot)}"
                progress.say(session.current)

            found = answer(question, watch)
        yield found


def _side_by_side(
    questions: Sequence[Question], jobs: int, session: _Session
) -> Generator[Answer | Failure]:
    """Answers from `jobs` processes, which end when the caller stops listening."""
    from .side_by_side import answers

    early: dict[int, Answer | Failure] = {}
    news: dict[int, str] = {}
    progress: Progress = Silent()

    def tell(number: int, snapshot: Snapshot) -> None:
        news[number] = f": {describe(snapshot)}"
        if number == wanted:
            session.current = f"{title}{news[number]}"
            progress.say(session.current)

    wanted, title = 0, session.title(questions[0])
    with closing(answers(questions, jobs, tell)) as found:
        for wanted, question in enumerate(questions):
            title = session.title(question)
            session.current = f"{title}{news.get(wanted, '')}"
            with make_progress() as progress:
                progress.say(f"{session.current} (in {jobs} processes)")
                while wanted not in early:
                    number, item = next(found)
                    early[number] = item
            yield early.pop(wanted)
