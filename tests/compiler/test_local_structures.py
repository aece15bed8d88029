"""Structures on a routine's own stack belong to one call of it."""

from pathlib import Path

import pytest

from dirql.model.language import PatternError
from tests.kernel.drivers import CONNECT, DEVICE, SERVE, Bench

REQUEST = """
class Request(Structure):
    Value = Int(0, 3)
    Next = Reference("Request")


"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def plain(bench: Bench, text: str, threads: str = "Drv.Main", processors: int = 1) -> str:
    return bench.check(text, threads=threads, processors=processors, device=REQUEST).broken


FIELDS = """
Current = Reference(Request, volatile=True)
First = Request()
total = Int(0, 3, volatile=True)
dpc = KDPC()
"""


@pytest.mark.parametrize("processors", [1, 2])
def test_the_callee_sees_what_the_caller_set(bench: Bench, processors: int) -> None:
    text = """
def Sync(self, Context):
    seen = Context.Value
    Context.Value = 3
    return seen
def Main(self):
    context = Request()
    assert context.Value == 0
    context.Value = 2
    seen = KeSynchronizeExecution(self.Interrupt, self.Sync, context)
    assert seen == 2
    assert context.Value == 3
"""
    answer = bench.check(
        CONNECT, SERVE, text, threads="Drv.Main", processors=processors, device=REQUEST + DEVICE
    )
    assert answer.holds, answer.verdict


@pytest.mark.parametrize("processors", [1, 2])
def test_two_threads_have_two(bench: Bench, processors: int) -> None:
    text = (
        FIELDS
        + """
def Helper(self, request):
    request.Value += 1
    return request.Value
def Main(self):
    context = Request()
    assert self.Helper(context) == 1
    again = self.Helper(context)
    assert again == 2
"""
    )
    assert plain(bench, text, "Drv.Main, Drv.Main", processors) == ""


def test_each_call_has_a_new_one(bench: Bench) -> None:
    text = (
        FIELDS
        + """
def Helper(self):
    context = Request()
    assert context.Value == 0
    context.Value = 3
    return context.Value
def Main(self):
    self.Helper()
    assert self.Helper() == 3
"""
    )
    assert plain(bench, text) == ""


@pytest.mark.parametrize(
    "use",
    [
        "self.total = self.Current.Value",
        "self.Current.Value = 1",
        "p = self.Current\n    p.Value = 1",
    ],
)
def test_a_pointer_that_outlives_the_call_is_dangling(bench: Bench, use: str) -> None:
    text = (
        FIELDS
        + f"""
def Keep(self, early):
    context = Request()
    context.Value = 1
    self.Current = context
    if early:
        return
    context.Value = 2
def Main(self):
    self.Keep(1)
    {use}
"""
    )
    assert plain(bench, text) == "use-after-free"
    assert plain(bench, text.replace("Keep(1)", "Keep(0)")) == "use-after-free"


def test_a_pointer_that_is_taken_back_in_time_is_none(bench: Bench) -> None:
    text = (
        FIELDS
        + """
def Keep(self):
    context = Request()
    self.Current = context
    self.total = self.Current.Value
    self.Current = NULL
def Main(self):
    self.Keep()
    self.Keep()
    assert not self.Current
"""
    )
    assert plain(bench, text) == ""


def test_a_dpc_that_is_given_one_may_come_too_late(bench: Bench) -> None:
    text = (
        FIELDS
        + """
def Later(self, Dpc, Context, Request, Unused):
    Request.Value = 1
def Start(self):
    KeInitializeDpc(self.dpc, self.Later)
    return STATUS_SUCCESS
def Main(self):
    context = Request()
    KeInsertQueueDpc(self.dpc, context)
    FLUSH
"""
    )
    assert plain(bench, text.replace("FLUSH", "pass"), processors=2) == "use-after-free"
    assert plain(bench, text.replace("FLUSH", "KeFlushQueuedDpcs()"), processors=2) == ""


def test_a_local_structure_points_to_others(bench: Bench) -> None:
    text = (
        FIELDS
        + """
def Main(self):
    context = Request()
    other = Request()
    context.Next = other
    context.Next.Value = 2
    assert other.Value == 2
    context.Next = self.First
    context.Next.Value = 1
    assert self.First.Value == 1
    assert other.Value == 2
    return other.Value
"""
    )
    assert plain(bench, text) == ""


def test_a_pointer_of_an_earlier_call_is_a_limit_and_no_silent_holds(bench: Bench) -> None:
    text = (
        FIELDS
        + """
def Keep(self, first):
    context = Request()
    if first:
        self.Current = context
    else:
        self.total = self.Current.Value
def Main(self):
    self.Keep(1)
    self.Keep(0)
"""
    )
    assert plain(bench, text).startswith("a limit of the model")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("if self.total:\n        context = Request()", "branch or loop"),
        ("for i in range(2):\n        context = Request()", "branch or loop"),
        ("context = Request()\n    context = Request()", "twice"),
        ("self.Current = Request()", "needs a local"),
        ("context = Request(1)", "needs a local"),
        ("context = Holder()", "holds fields"),
    ],
)
def test_what_is_refused(bench: Bench, body: str, message: str) -> None:
    holder = "class Holder(Structure):\n    dpc = KDPC()\n\n\n"
    with pytest.raises(PatternError) as caught:
        bench.check(
            FIELDS, f"def Main(self):\n    {body}\n", threads="Drv.Main", device=REQUEST + holder
        )
    assert message in caught.value.message
    assert caught.value.line
    assert caught.value.hint


def test_a_declared_local_may_be_a_structure(bench: Bench) -> None:
    text = "def Main(self):\n    c: Request = Request()\n    c.Value = 1\n    assert c.Value\n"
    assert plain(bench, text) == ""


def test_no_number_is_the_address_of_an_object(bench: Bench) -> None:
    text = (
        FIELDS
        + """
def Same(self, p):
    return p
def Main(self):
    assert self.Same(2) != self.Current
    assert self.Same(0) == self.Current
    assert self.Same(self.First) != self.Same(self.total)
    assert self.Same(NULL) == self.Same(self.total)
"""
    )
    assert plain(bench, text) == ""


def test_stack_memory_is_no_pool_memory(bench: Bench) -> None:
    text = "def Main(self):\n    context = Request()\n    ExFreePool(context)\n"
    assert plain(bench, text) == "double-free"
