"""Questions answered by several processes, each of them one question at a time.

A process that dies (the system kills what takes too much memory) or that does not end when its time
is over costs the answer to one question, never those to the others. None outlives its parent.
"""

import multiprocessing
import os
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TypeAlias

from dirql.explorer.engine import Snapshot
from dirql.explorer.patience import GRACE

from . import interrupts
from .answers import Answer, answer, stopped
from .questions import Failure, Question

HARD = 15.0
"""Seconds after its time until a process is ended that has not answered."""

_LOOK = 1.0
"""Seconds between two looks at the clock, and between two pieces of news of one process."""

_FAREWELL = 2.0
"""Seconds that a process has to end when it is asked to."""

News: TypeAlias = "Callable[[int, Snapshot], None]"


class WorkerError(Exception):
    """A defect that showed in another process; the message is its traceback."""


@dataclass(frozen=True, slots=True)
class _Defect:
    """What a process says instead of an answer."""

    text: str


class _Worker:
    """A process that answers questions.

    Attributes:
        pipe: our end of the way to it.
        number: which question it works on; negative while it has none.
    """

    def __init__(self) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        self.number = -1
        self._begun = 0.0
        self._process = multiprocessing.Process(
            target=_work, args=(theirs, os.getpid()), name="dirql", daemon=True
        )
        self._process.start()
        theirs.close()

    def ask(self, number: int, question: Question) -> None:
        """Give it a question."""
        self.number, self._begun = number, time.monotonic()
        self.pipe.send(question)

    def seconds(self) -> float:
        """How long it has worked on its question."""
        return time.monotonic() - self._begun

    def end(self) -> int:
        """End the process; returns its exit code, the negative number of a signal."""
        self.pipe.close()
        self._process.terminate()
        self._process.join(_FAREWELL)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        return self._process.exitcode or 0

    def died_by(self) -> int:
        """The exit code of a process whose end of the pipe is closed."""
        self._process.join(_FAREWELL)
        code = self._process.exitcode
        return self.end() if code is None else code


def answers(
    questions: Sequence[Question], jobs: int, news: News
) -> Generator[tuple[int, Answer | Failure]]:
    """Each answer with the number of its question, as they are found.

    The processes end when the caller stops listening.

    Parameters:
        questions: what to ask.
        jobs: how many processes.
        news: told how a question gets on.

    Raises:
        WorkerError: a defect of ours showed.
    """
    waiting = list(enumerate(questions))[::-1]
    # All of them before anything else runs in this process: a fork copies its threads' locks.
    workers = [_Worker() for _ in range(min(jobs, len(questions)))]
    try:
        while waiting or any(worker.number >= 0 for worker in workers):
            for worker in workers:
                if worker.number < 0 and waiting:
                    worker.ask(*waiting.pop())
            busy = {worker.pipe: worker for worker in workers if worker.number >= 0}
            wait(list(busy), _LOOK)
            for worker in busy.values():
                found = _heard(worker, questions[worker.number], news)
                if found is None:
                    continue
                number, worker.number = worker.number, -1
                if isinstance(found, _Ended):
                    workers[workers.index(worker)] = _Worker()
                    found = found.answer
                yield number, found
    finally:
        for worker in workers:
            worker.end()


@dataclass(frozen=True, slots=True)
class _Ended:
    """The answer to a question that took its process with it."""

    answer: Answer


def _heard(worker: _Worker, question: Question, news: News) -> Answer | Failure | _Ended | None:
    """What has come from a process; nothing if that is no answer yet.

    Raises:
        WorkerError: a defect of ours.
    """
    while worker.pipe.poll():
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            return _Ended(stopped(question, _death(worker.died_by()), worker.seconds()))
        match message:
            case Snapshot():
                news(worker.number, message)
            case _Defect(text):
                raise WorkerError(text)
            case Answer() | Failure():
                return message
            case _:
                raise WorkerError(f"not an answer: {message!r}")
    allowed = question.options.limits.seconds
    if allowed is not None and worker.seconds() > allowed + GRACE + HARD:
        worker.end()
        reason = f"the limit of {allowed:g} seconds was reached, and the process had to be ended"
        return _Ended(stopped(question, reason, worker.seconds()))
    return None


def _death(code: int) -> str:
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return f"the process that checked it {how}; the computer may have run out of memory"


def _work(pipe: "Connection", parent: int) -> None:
    """What a process does: it answers until nobody asks any more."""
    interrupts.leave_to(parent)
    told = 0.0

    def watch(snapshot: Snapshot) -> None:
        nonlocal told
        if time.monotonic() - told >= _LOOK:
            told = time.monotonic()
            pipe.send(snapshot)

    while True:
        try:
            question = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            found: Answer | Failure | _Defect = answer(question, watch)
        except Exception:  # noqa: BLE001  (the parent reports it)
            found = _Defect(traceback.format_exc())
        try:
            pipe.send(found)
        except OSError:
            return
