"""C types at the border: what an answer, an argument or a status is on the other side."""

import pytest

from .drivers import CONNECT, Bench

SHARED = "irql=7, shared=True"
WIDE = """
class Nic(Device):
    cause = Int(0, 0x300)
    masked = Bit(1)

    def line(self):
        return self.cause and not self.masked

    @hardware
    def event(self):
        self.cause = {cause}
"""


@pytest.mark.parametrize(
    ("body", "claims"),
    [
        ("return found", False),
        ("return found & 0x300", False),
        ("status = found & 0x100\n    return status", False),
        ("return found if found else FALSE", False),
        ("return self.Helper(found)", False),
        ("return found >> 8", True),
        ("return found != 0", True),
        ("return 1 if found & 0x100 else 0", True),
        ("return (found & 0x100) == 0x100", True),
    ],
)
@pytest.mark.parametrize("processors", [1, 2])
def test_the_answer_of_a_service_routine_is_an_unsigned_char(
    bench: Bench, body: str, *, claims: bool, processors: int
) -> None:
    isr = f"""
def Isr(self, Interrupt, ServiceContext):
    found = self.nic.cause
    if not found:
        return FALSE
    self.nic.cause = 0
    {body}
def Helper(self, bits):
    return bits & 0x300
def Main(self):
    pass
"""
    answer = bench.check(
        CONNECT, isr, threads="Drv.Main", line=SHARED, device=WIDE.format(cause="0x100"),
        processors=processors, properties=("handled-but-unclaimed",),
    )  # fmt: skip
    assert answer.broken == ("" if claims else "handled-but-unclaimed")


COUNT = """
Count = Int(0, {most}, initial={{{values}}})
Flag = Bit({{0, 1}})
def Isr(self, Interrupt, ServiceContext):
    self.nic.cause = 0
    return TRUE
def Get(self, Context):
    {body}
def Main(self):
    n = KeSynchronizeExecution(self.Interrupt, self.Get)
    {claim}
"""


@pytest.mark.parametrize(
    ("values", "body", "claim", "holds"),
    [
        ("2", "return self.Count", "assert n == 2", True),
        ("2", "return self.Count", "assert n <= 1", False),
        ("0, 1, 2, 3", "return self.Count", "assert n == self.Count", True),
        ("0, 256", "return self.Count", "assert n == 0", True),
        ("257", "return self.Count", "assert n == 1", True),
        ("0, 0x1FF", "return self.Count", "assert n == self.Count & 0xFF", True),
        ("3", "x = self.Count\n    return x + 1", "assert n == 4", True),
        ("3", "return self.Count if self.Flag else 2", "assert n in (2, 3)", True),
        ("3", "return self.Count - 4", "assert n == 0xFF", True),
        ("2", "return self.Count == 2", "assert n == TRUE", True),
        ("2", "return 2", "assert n == 2", True),
    ],
)
def test_what_the_routine_answers_is_handed_on_6_1_1(
    bench: Bench, values: str, body: str, claim: str, *, holds: bool
) -> None:
    text = COUNT.format(most=0x1FF, values=values, body=body, claim=claim)
    answer = bench.check(CONNECT, text, threads="Drv.Main")
    assert answer.broken == ("" if holds else "assertion-failed")


def test_an_answer_outlives_the_lock_that_it_was_computed_under(bench: Bench) -> None:
    """Another processor changes the count before the caller sees the answer."""
    text = COUNT.format(most=3, values="2", body="return self.Count", claim="assert n == 2")
    other = """
def Put(self, Context):
    self.Count = 3
    return TRUE
def Second(self):
    KeSynchronizeExecution(self.Interrupt, self.Put)
"""
    both = "Drv.Main, Drv.Second"
    assert (
        bench.check(CONNECT, text, other, threads=both, processors=2).broken == "assertion-failed"
    )
    either = text.replace("n == 2", "n in (2, 3)")
    assert bench.check(CONNECT, either, other, threads=both, processors=2).holds


@pytest.mark.parametrize("answer", ["self.x", "0x55", "NULL", "self.dpc"])
def test_nobody_looks_at_what_a_dpc_answers(bench: Bench, answer: str) -> None:
    assert bench.plain(
        f"""
        x = Int(0, 3, initial={{0, 1, 2}})
        dpc = KDPC()
        def Start(self):
            KeInitializeDpc(self.dpc, self.Later)
            KeInsertQueueDpc(self.dpc)
            return STATUS_SUCCESS
        def Later(self, Dpc, Context):
            return {answer}
        def Main(self):
            pass
        """
    ).holds


@pytest.mark.parametrize("level", ["PASSIVE_LEVEL", "DISPATCH_LEVEL"])
@pytest.mark.parametrize(
    ("start", "begins"),
    [
        ("return 0xC0000001", False),
        ("return 0x80000005", False),
        ("return 0x40000000", True),
        ("return 0x103", True),
        ("status = 0xC000009A\n    return status", False),
        ("return self.Helper()", False),
        ("return 0xC0000001 if self.Flag else STATUS_UNSUCCESSFUL", False),
        ("return -1", False),
        ("return ~0", False),
    ],
)
def test_a_status_is_a_signed_long(bench: Bench, start: str, level: str, *, begins: bool) -> None:
    body = f"""
Flag = Bit({{0, 1}})
def Helper(self):
    return 0xC0000001
def Start(self):
    {start}
def Main(self):
    assert FALSE
"""
    answer = bench.plain(body, start=f"At({level}, Drv.Start)")
    assert answer.broken == ("assertion-failed" if begins else "")


LITERALS = """
Last = Int(-0x80000000, 0x7FFFFFFF)
Word = Int(0, 0xFFFFFFFF)
Flag = Bit({0, 1})
def Fails(self):
    return 0xC000009A
def Named(self):
    return STATUS_INSUFFICIENT_RESOURCES
def IsIt(self, status):
    return status == 0xC000009A
def Main(self):
"""


@pytest.mark.parametrize(
    "claim",
    [
        "status = 0xC000009A\n    assert status == STATUS_INSUFFICIENT_RESOURCES",
        "status = STATUS_INSUFFICIENT_RESOURCES\n    assert status == 0xC000009A",
        "status = 0xC000009A\n    assert status != STATUS_UNSUCCESSFUL",
        "status = 0xC000009A\n    assert status in (STATUS_UNSUCCESSFUL, 0xC000009A)",
        "status = 0xC000009A\n    assert not NT_SUCCESS(status)",
        "assert not NT_SUCCESS(0x80000005)",
        "assert NT_SUCCESS(0x40000000)",
        "assert NT_SUCCESS(STATUS_PENDING)",
        "status = 0xC000009A\n    assert status < 0",
        "status = 0xC000009A\n    assert not status >= 0",
        "status = 0xC000009A\n    assert 0 > status",
        "status = STATUS_UNSUCCESSFUL\n    assert status >= 0xC0000000",
        "status = STATUS_SUCCESS\n    assert status < 0xC0000000",
        "status = 0xC000009A\n    assert status & 0xC0000000 == 0xC0000000",
        "status = STATUS_UNSUCCESSFUL\n    assert status & 0xC0000000 == 0xC0000000",
        "status = STATUS_UNSUCCESSFUL\n    assert (status >> 30) & 3 == 3",
        "assert not NT_SUCCESS(self.Fails())",
        "assert self.Fails() == STATUS_INSUFFICIENT_RESOURCES",
        "assert self.Named() == 0xC000009A",
        "assert self.IsIt(STATUS_INSUFFICIENT_RESOURCES)",
        "assert self.IsIt(0xC000009A)",
        "status = 0xC000009A if self.Flag else -1\n    assert not NT_SUCCESS(status)",
        "self.Last = 0xC000009A\n    assert self.Last == STATUS_INSUFFICIENT_RESOURCES",
        "self.Last = 0xC000009A\n    assert self.Last < 0",
        "self.Last = STATUS_INSUFFICIENT_RESOURCES\n    assert self.Last == 0xC000009A",
        "self.Last = self.Fails()\n    assert not NT_SUCCESS(self.Last)",
        "self.Word = STATUS_INSUFFICIENT_RESOURCES\n    assert self.Word == 0xC000009A",
        "self.Word = 0xFFFFFFFF\n    assert self.Word == ~0",
        "self.Word = 0xFFFFFFFF\n    assert self.Word > 5",
        "self.Word = 0x80000000\n    assert self.Word & 0x80000000",
    ],
)
def test_a_status_is_equal_to_its_number(bench: Bench, claim: str) -> None:
    answer = bench.plain(LITERALS + f"    {claim}\n")
    assert answer.holds, answer.verdict
