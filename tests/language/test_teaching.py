"""What people write out of habit, and what they are told to write instead."""

import pytest

from .loading import FOOTER, refusal, with_body

HABITS = {
    'DbgPrint("%d", self.x)': "leave it out",
    "KdPrint(1)": "leave it out",
    "print(1)": "leave it out",
    "IoCompleteRequest(1, 0)": "a request is a Structure",
    "IoInitializeWorkItem(1)": "work = IO_WORKITEM()",
    "item = IoAllocateWorkItem(1)": "work = IO_WORKITEM()",
    "v = READ_REGISTER_ULONG(1)": "a register is a field of the Device",
    "WRITE_REGISTER_UCHAR(1, 1)": "a register is a field of the Device",
    "v = READ_PORT_UCHAR(1)": "a register is a field of the Device",
    "WRITE_PORT_UCHAR(1, 1)": "a register is a field of the Device",
    "KeWaitForMultipleObjects(2)": "KeWaitForSingleObject",
    "p = ExAllocatePoolWithTag(0, 4, 0)": "ExAllocatePool2(self.request)",
    "RtlZeroMemory(1, 4)": "assign the fields",
    "KeMemoryBarrier()": "sequentially consistent",
    "ASSERT(1)": "assert condition",
    "if NT_ERROR(1):\n    pass": "not NT_SUCCESS(status)",
    "PAGED_CODE()": "leave it out",
    "WdfInterruptQueueDpcForIsr(1)": "write KeInsertQueueDpc",
    "WdfSpinLockAcquire(1)": "write KeAcquireSpinLock",
    "WdfDeviceCreate(1)": "the WDM calls it makes",
    "NdisMSynchronizeWithInterruptEx(1)": "write KeSynchronizeExecution",
    "NdisMDeregisterInterruptEx(1)": "write IoDisconnectInterrupt",
    "NdisAllocateMemory(1)": "the WDM calls it makes",
    "InsertTailList(1, 2)": "a Queue field",
    "ZwClose(1)": "docs/kernel-routines.md",
    "n = len(1)": "self.work.count()",
    "n = isinstance(1, int)": "the type it is declared with",
    "n = sum(1)": "as in C",
    "super().Run()": "call the routine by its name",
    "++n": "n += 1",
    "n = [i for i in range(3)]": "write a for loop",
    'n = f"{1}"': "use a number",
    "n = None": "a null pointer is NULL",
    "n = [0, 0]": "Array",
    "try:\n    pass\nexcept Exception:\n    pass": "NT_SUCCESS",
    "n = 1\nn == 2": "to assign, write n = 2",
}
SLIPS = {
    "n++": "C's x++ is written x += 1",
    "n--;": "C's x++ is written x += 1",
    "if n && 1: pass": "is written `and`",
    "if n || 1: pass": "is written `or`",
    "if !n: pass": "is written `not`",
    "self->n = 1": "pointer.field",
    "IoConnectInterrupt(&self.Interrupt)": "without &",
    "if (1) {": "no braces",
    "else if 1: pass": "elif",
    "switch (1):": "if and elif",
    "// comment": "a comment begins with #",
    "n = 1 ? 2 : 3": "b if a else c",
    "ULONG n = 3": "a local needs no type",
    "n = 5UL": "no suffix",
    "goto end": "a while loop, or return early",
}


MODULE_LEVEL = {
    "count = UCHAR()": "Int(0, 3)",
    "count = BOOLEAN(FALSE)": "Bit(0)",
    "count = Int(3)": "Int(0, 7)",
    "scenario = Scenario(start=Pcidrv.Run())": "without calling them: Pcidrv.Run",
    "scenario = Scenario(start=Pcidrv.Run, final=Pcidrv.Run)": "finally_",
}


@pytest.mark.parametrize("text", MODULE_LEVEL)
def test_a_habit_at_the_module_level(text: str) -> None:
    problem = refusal(with_body("pass").replace(FOOTER, f"\n\n{text}\n"))
    assert problem.code == "DQ103"
    assert MODULE_LEVEL[text] in problem.hint, str(problem)


@pytest.mark.parametrize(
    ("body", "mention"), [("pending += 1", "pending"), ("x = pending + 1\npending = 1", "pending")]
)
def test_a_field_without_self_that_is_counted_up(body: str, mention: str) -> None:
    problem = refusal(with_body(body))
    assert "is written self.pending" in problem.hint, str(problem)
    line, caret = str(problem).splitlines()[1:3]
    assert line[caret.index("^") :].startswith(mention)


def test_a_routine_without_self() -> None:
    problem = refusal(with_body("pass", "def Go(Context):\n    self.pending = 1"))
    assert "def Go(self, Context)" in problem.hint, str(problem)


@pytest.mark.parametrize("habit", HABITS)
def test_a_habit(habit: str) -> None:
    problem = refusal(with_body(habit))
    assert HABITS[habit] in problem.hint, str(problem)
    assert problem.line
    assert problem.column


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip(slip: str) -> None:
    problem = refusal(with_body(slip))
    assert problem.code == "DQ102"
    assert SLIPS[slip] in problem.hint, str(problem)


def test_a_near_name_of_a_kernel_routine_is_still_suggested() -> None:
    assert "did you mean `KeSetEvent`?" in refusal(with_body("KeSetEvnt(1)")).hint


def test_what_looks_like_no_habit_keeps_the_usual_hint() -> None:
    assert "a name is a local" in refusal(with_body("n = whatever")).hint
    assert "look at this line" in refusal(with_body("n = = 1")).hint
