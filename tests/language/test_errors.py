"""Every kind of mistake has its code, its place and a way out."""

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from dirql.model.language import PatternError, load_pattern

from .loading import FOOTER, HEADER, refusal, with_body

BODIES: dict[str, tuple[str, str]] = {
    "try": ("DQ110", "try:\n    self.pending = 1\nexcept ValueError:\n    pass"),
    "with": ("DQ110", "with self.lock:\n    pass"),
    "raise": ("DQ110", "raise ValueError"),
    "nested function": ("DQ110", "def inner():\n    pass"),
    "nested class": ("DQ110", "class Inner:\n    pass"),
    "global": ("DQ110", "global shared\nshared = 1"),
    "import": ("DQ110", "import os"),
    "del": ("DQ110", "x = 1\ndel x"),
    "match": ("DQ110", "match self.pending:\n    case 1:\n        pass"),
    "while else": ("DQ110", "while self.pending:\n    pass\nelse:\n    pass"),
    "for else": ("DQ110", "for i in range(3):\n    pass\nelse:\n    pass"),
    "idle expression": ("DQ110", "self.pending"),
    "annotated field": ("DQ110", "self.pending: int = 1"),
    "structure as field": ("DQ110", "self.pending = IO_CONNECT_INTERRUPT_PARAMETERS()"),
    "after return": ("DQ110", "self.pending = 1\nreturn 0\nself.pending = 2"),
    "after break": ("DQ110", "while self.pending:\n    break\n    self.pending = 2"),
    "result on some ways": ("DQ110", "if self.pending:\n    return 1"),
    "result or not": ("DQ110", "if self.pending:\n    return\nreturn 1"),
    "lambda": ("DQ111", "x = lambda: 1"),
    "comprehension": ("DQ111", "x = [i for i in range(3)]"),
    "walrus": ("DQ111", "if (x := self.pending):\n    pass"),
    "yield": ("DQ111", "x = yield 1"),
    "starred": ("DQ111", "self.Complete(*self.ring)"),
    "list": ("DQ111", "x = [1, 2]"),
    "dictionary": ("DQ111", "x = {1: 2}"),
    "float": ("DQ111", "self.pending = 1.5"),
    "text": ("DQ111", "self.pending = 'one'"),
    "formatted text": ("DQ111", "x = f'{self.pending}'"),
    "none": ("DQ111", "self.Interrupt = None"),
    "dots": ("DQ111", "x = ..."),
    "tuple assignment": ("DQ111", "a, b = 1, 2"),
    "true division": ("DQ111", "x = self.pending / 2"),
    "power": ("DQ111", "x = self.pending ** 2"),
    "division by data": ("DQ111", "x = 6 // self.pending"),
    "large shift": ("DQ111", "x = 1 << 99"),
    "large constant": ("DQ111", "x = 99999999999999999999"),
    "is": ("DQ111", "if self.Interrupt is NULL:\n    pass"),
    "array as a whole": ("DQ111", "x = self.ring"),
    "slice": ("DQ111", "x = self.ring[1:2]"),
    "index of a number": ("DQ111", "x = self.pending[1]"),
    "loop over a list": ("DQ111", "for i in [1, 2]:\n    pass"),
    "unknown step": ("DQ111", "for i in range(0, 4, self.pending):\n    pass"),
    "class as value": ("DQ111", "x = Pcidrv"),
    "field by class": ("DQ111", "x = Pcidrv.pending"),
    "device routine as value": ("DQ111", "KeSynchronizeExecution(self.Interrupt, self.nic.line)"),
    "computed text": ("DQ111", "assert self.pending, self.flags"),
    "module data": ("DQ111", "x = __name__"),
    "builtin": ("DQ111", "x = len(self.ring)"),
    "unknown name": ("DQ112", "pendign = 1\nself.pending = pending"),
    "forgotten self": ("DQ112", "pending = 1"),
    "misspelt routine": ("DQ112", "KeInsertQueueDcp(self.dpc, NULL, NULL)"),
    "misspelt local": ("DQ112", "status = 1\nreturn statsu"),
    "call of a number": ("DQ112", "self.pending(1)"),
    "unknown field": ("DQ113", "self.pendign = 1"),
    "unknown register": ("DQ113", "self.nic.mask = 1"),
    "unknown field of a reference": ("DQ113", "request = self.current\nself.current.ref = 1"),
    "inside a kernel object": ("DQ113", "self.dpc.queued = 1"),
    "unknown member": (
        "DQ113",
        "params = IO_CONNECT_INTERRUPT_PARAMETERS()\nparams.FullySpecified.Irq = 7",
    ),
    "too many arguments": ("DQ114", "KeRaiseIrqlToDpcLevel(1, 2, 3)"),
    "missing argument": ("DQ114", "KeInsertQueueDpc()"),
    "unknown keyword": ("DQ114", "KeInsertQueueDpc(Dcp=self.dpc)"),
    "argument twice": ("DQ114", "KeInsertQueueDpc(self.dpc, Dpc=self.dpc)"),
    "driver arguments": ("DQ114", "self.Complete()"),
    "callback arguments": ("DQ114", "self.callback(1, 2)"),
    "callback keyword": ("DQ114", "self.callback(status=1)"),
    "address of a local": ("DQ114", "x = 1\nInterlockedIncrement(x)"),
    "result into a field": ("DQ114", "KeAcquireSpinLock(self.lock, self.pending)"),
    "result used": ("DQ114", "x = KeAcquireSpinLock(self.lock, OldIrql)"),
    "no structure": ("DQ114", "IoConnectInterruptEx(self.pending)"),
    "nothing to choose from": ("DQ114", "x = choose()"),
    "choice of unknown range": ("DQ114", "x = choose(range(self.pending))"),
    "no status": ("DQ114", "x = NT_SUCCESS()"),
    "assigned object": ("DQ115", "self.dpc = NULL"),
    "assigned routine": ("DQ115", "self.Complete = NULL"),
    "assigned constant": ("DQ115", "self.MAX = 4"),
    "assigned self": ("DQ115", "self = 1"),
    "assigned structure": ("DQ115", "params = IO_CONNECT_INTERRUPT_PARAMETERS()\nparams = 1"),
    "event called": ("DQ116", "self.nic.packet_arrives()"),
    "number and object": ("DQ118", "if self.Interrupt == 5:\n    pass"),
    "constant that does not fit": ("DQ122", "KeRaiseIrql(0x107, OldIrql)"),
    "status as a truth value": ("DQ122", "KeSetEvent(self.dpc, 0, STATUS_SUCCESS)"),
    "address as a number": ("DQ122", "KeSetEvent(self.dpc, NULL, FALSE)"),
    "number as an address": ("DQ122", "KeSetEvent(1, 0, FALSE)"),
    "flag compared with TRUE": ("DQ122", "if self.pending & 2 == TRUE:\n    pass"),
    "messages": (
        "DQ111",
        "params = IO_CONNECT_INTERRUPT_PARAMETERS()\nparams.Version = CONNECT_MESSAGE_BASED",
    ),
    "message members": (
        "DQ111",
        "p = IO_CONNECT_INTERRUPT_PARAMETERS()\np.MessageBased.SpinLock = NULL",
    ),
    "object stored in a number": ("DQ118", "self.pending = self.dpc"),
    "number stored in a pointer": ("DQ118", "self.current = 1"),
    "arithmetic on an object": ("DQ118", "x = self.dpc + 1"),
    "order of objects": ("DQ118", "if self.current < self.r0:\n    pass"),
    "field of a number": ("DQ118", "x = self.pending.refs"),
    "choice of kinds": ("DQ118", "x = choose(1, NULL)"),
    "branches of kinds": ("DQ118", "x = 1 if self.pending else NULL"),
    "unassigned": ("DQ119", "if self.pending:\n    x = 1\nreturn x"),
    "forgotten self, read back": ("DQ112", "flags = 1\nif flags:\n    self.pending = 1"),
    "forgotten self in a declaration": ("DQ112", "pending: Int(0, 7) = 1"),
    "forgotten self beside a field": ("DQ112", "self.flags = pending = 1"),
    "forgotten self in a loop": ("DQ112", "for pending in range(3):\n    self.flags = 1"),
    "behind a branch": (
        "DQ110",
        "if self.pending:\n    return 1\nelse:\n    return 0\nself.pending = 2",
    ),
    "behind an endless loop": ("DQ110", "while TRUE:\n    self.pending = 0\nself.flags = 1"),
    "loop variable assigned": ("DQ110", "for i in range(3):\n    i = 3"),
    "loop variable afterwards": (
        "DQ119",
        "for i in range(3):\n    if self.ring[i]:\n        break\nreturn i",
    ),
    "routine as condition": ("DQ111", "assert self.Complete"),
    "object as condition": ("DQ111", "if self.lock and self.pending:\n    pass"),
    "operand chosen": ("DQ111", "self.flags = self.pending or 5"),
    "operand chosen for a call": ("DQ111", "self.Complete(self.pending and 4)"),
    "second value not compared": ("DQ111", "if self.pending == 1 or 2:\n    pass"),
    "bits not tested": ("DQ111", "while self.flags and CONNECT_LINE_BASED:\n    pass"),
    "wrapping local": ("DQ108", "n: Int(0, 3, wrapping=True) = 3"),
    "declared twice": ("DQ108", "n: Int(0, 3) = 3\nn: Int(0, 7) = 7"),
    "unknown annotation": ("DQ108", "n: Itn(0, 3) = 0"),
}

METHODS: dict[str, tuple[str, str]] = {
    "recursion": ("DQ117", "def A(self):\n    self.B()\ndef B(self):\n    self.A()"),
    "no result used": ("DQ110", "def A(self):\n    x = self.B()\ndef B(self):\n    pass"),
    "no result of a callback": (
        "DQ110",
        "done = RoutineReference('B')\ndef A(self):\n    x = self.done()\ndef B(self):\n    pass",
    ),
    "service routine without result": (
        "DQ110",
        (
            "def Start(self):\n    IoConnectInterrupt(self.Interrupt, self.Isr)\n"
            "def Isr(self, Interrupt, ServiceContext):\n    self.pending = 1"
        ),
    ),
    "service routine by name": (
        "DQ110",
        (
            "def Start(self):\n"
            "    IoConnectInterrupt(self.Interrupt, ServiceRoutine=self.Isr)\n"
            "def Isr(self, Interrupt, ServiceContext):\n    self.pending = 1"
        ),
    ),
    "service routine in a structure": (
        "DQ110",
        (
            "def Start(self):\n    parameters = IO_CONNECT_INTERRUPT_PARAMETERS()\n"
            "    parameters.LineBased.ServiceRoutine = self.Isr\n"
            "    IoConnectInterruptEx(parameters)\n"
            "def Isr(self, Interrupt, ServiceContext):\n    self.pending = 1"
        ),
    ),
    "no result of a synchronised routine": (
        "DQ110",
        (
            "def A(self):\n    return KeSynchronizeExecution(self.Interrupt, self.B)\n"
            "def B(self, SynchronizeContext):\n    pass"
        ),
    ),
    "no result of a synchronised routine, by name": (
        "DQ110",
        (
            "def A(self):\n"
            "    return KeSynchronizeExecution(self.Interrupt, SynchronizeRoutine=self.B)\n"
            "def B(self, SynchronizeContext):\n    pass"
        ),
    ),
    "routine twice": ("DQ108", "def A(self):\n    pass\ndef A(self):\n    self.pending = 1"),
    "field twice": ("DQ108", "again = Bit(0)\nagain = Bit(1)"),
    "invariant with effect": (
        "DQ116",
        "@invariant\ndef i(self):\n    self.pending = 1\n    return 1",
    ),
    "invariant calls kernel": (
        "DQ116",
        "@invariant\ndef i(self):\n    return KeGetCurrentIrql() == 0",
    ),
    "invariant without result": ("DQ108", "@invariant\ndef i(self):\n    pass"),
    "invariant with parameter": ("DQ108", "@invariant\ndef i(self, x):\n    return x"),
    "default argument": ("DQ108", "def A(self, x=1):\n    pass"),
    "no self": ("DQ108", "def A():\n    pass"),
    "static method": ("DQ108", "@staticmethod\ndef A(x):\n    pass"),
    "constructor": ("DQ108", "def __init__(self):\n    pass"),
    "lambda routine": ("DQ109", "A = lambda self: 1"),
    "async routine": ("DQ108", "async def A(self):\n    pass"),
    "field replaced by a routine": ("DQ108", "n = Int(0, 3)\ndef n(self):\n    pass"),
    "routine named like a kernel routine": ("DQ108", "def KeSetEvent(self):\n    pass"),
    "value given to an object": ("DQ108", "other = Request()\nother.refs = 1"),
    "object with two names": ("DQ108", "one = KDPC()\nother = one"),
    "routine returned": (
        "DQ111",
        "def Ready(self):\n    return self.pending\ndef A(self):\n    return self.Ready",
    ),
    "service routine without parameters": (
        "DQ108",
        (
            "def Isr(self):\n    return TRUE\n"
            "def Go(self):\n    return IoConnectInterrupt(self.Interrupt, self.Isr)"
        ),
    ),
    "dpc without parameters": (
        "DQ108",
        "def Later(self):\n    pass\ndef Go(self):\n    KeInitializeDpc(self.dpc, self.Later)",
    ),
    "synchronised routine with two parameters": (
        "DQ108",
        (
            "def Both(self, a, b):\n    return TRUE\n"
            "def Go(self):\n    KeSynchronizeExecution(self.Interrupt, self.Both)"
        ),
    ),
    "service routine of a structure": (
        "DQ108",
        (
            "def Isr(self, Interrupt):\n    return TRUE\n"
            "def Go(self):\n    parameters = IO_CONNECT_INTERRUPT_PARAMETERS()\n"
            "    parameters.LineBased.ServiceRoutine = self.Isr"
        ),
    ),
    "event of the driver": ("DQ108", "@hardware\ndef A(self):\n    pass"),
    "text field": ("DQ108", "name = 'pcidrv'"),
    "class in class": ("DQ108", "class Inner:\n    pass"),
    "unknown callback": ("DQ108", "other = RoutineReference('Compelte')"),
    "unknown reference": ("DQ108", "other = Reference('Reqest')"),
    "initial outside": ("DQ108", "n = Int(0, 3, initial=9)"),
    "bounds": ("DQ108", "n = Int(3, 0)"),
    "empty initial": ("DQ108", "n = Int(0, 3, initial=set())"),
    "wraps and saturates": ("DQ108", "n = Int(0, 3, wrapping=True, saturating=True)"),
    "no enumeration": ("DQ108", "n = Enum(3)"),
    "array of nothing": ("DQ108", "n = Array(Int(0, 3), 0)"),
    "array of objects": ("DQ108", "n = Array(KDPC(), 2)"),
    "irql of a line": ("DQ108", "other = E100(Line(irql=2))"),
    "kernel call at module level": ("DQ114", "x = KeGetCurrentIrql()"),
}

SCENARIOS: dict[str, tuple[str, str]] = {
    "no routine": ("DQ120", "scenario = Scenario(start=Request)"),
    "called routine": ("DQ103", "scenario = Scenario(start=Pcidrv.Run())"),
    "misspelt routine": ("DQ103", "scenario = Scenario(start=Pcidrv.Rnu)"),
    "arguments missing": ("DQ120", "scenario = Scenario(start=Pcidrv.Complete)"),
    "arguments of a kind": ("DQ120", "scenario = Scenario(start=Call(Pcidrv.Complete, NULL))"),
    "object of nobody": ("DQ120", "scenario = Scenario(start=Call(Pcidrv.Complete, KDPC()))"),
    "argument outside": (
        "DQ120",
        """class Wider(Pcidrv):
    def Ioctl(self, n: Int(0, 3)):
        return n


scenario = Scenario(start=Call(Wider.Ioctl, 6))""",
    ),
    "level": ("DQ120", "scenario = Scenario(start=At(7, Pcidrv.Run))"),
    "nothing": ("DQ120", "scenario = Scenario()"),
    "processors": ("DQ120", "scenario = Scenario(start=Pcidrv.Run, processors=[0])"),
    "no processors": ("DQ120", "scenario = Scenario(start=Pcidrv.Run, processors=[])"),
    "one routine for a list": ("DQ120", "scenario = Scenario(concurrently=Pcidrv.Run)"),
    "knobs": ("DQ120", "scenario = Scenario(start=Pcidrv.Run, knobs=['a'])"),
    "no scenario": ("DQ120", "scenario = Pcidrv.Run"),
    "same name": ("DQ120", "scenarios = [Scenario(Pcidrv.Run, name='a')] * 2"),
    "empty list": ("DQ107", "scenarios = []"),
    "beside the list": (
        "DQ120",
        "scenario = Scenario(Pcidrv.Run)\nstop = Scenario(Pcidrv.Run, name='stop')",
    ),
    "replaced": (
        "DQ120",
        "scenario = Scenario(Pcidrv.Run)\nscenario = Scenario(Pcidrv.Run, name='stop')",
    ),
    "thrown away": ("DQ120", "Scenario(Pcidrv.Run)\nscenario = Scenario(Pcidrv.Run)"),
    "expect without processors": ("DQ121", "scenario = Scenario(Pcidrv.Run, expect={})"),
    "expect of others": ("DQ121", "scenario = Scenario(Pcidrv.Run, expect={4: Holds()})"),
    "expect of a kind": ("DQ121", "scenario = Scenario(Pcidrv.Run)\nexpect = 'holds'"),
    "expected value": ("DQ121", "scenario = Scenario(Pcidrv.Run)\nexpect = {1: 'holds'}"),
    "unknown name": ("DQ103", "scenario = Scenaro(start=Pcidrv.Run)"),
    "import": ("DQ104", "import no_such_module"),
    "exception": ("DQ103", "x = 1 // 0"),
    "exit": ("DQ109", "raise SystemExit(3)"),
    "none": ("DQ107", ""),
    "class twice": ("DQ108", "class Pcidrv(Driver):\n    pass"),
    "second driver": ("DQ106", "class Other(Driver):\n    pass\nscenario = Scenario(Pcidrv.Run)"),
    "syntax": ("DQ102", "scenario = Scenario(start=Pcidrv.Run"),
}

FILES: dict[str, tuple[str, str]] = {
    "empty": ("DQ105", ""),
    "no driver": ("DQ105", "from dirql.model.wdk import *\n"),
    "null byte": ("DQ102", "x = 1\0"),
    "deep": ("DQ102", "x = " + "(" * 500 + ")" * 500),
    "line with effect": (
        "DQ116",
        HEADER.replace("return self.cause and", "self.cause = 0\n        return self.cause and")
        + "    def Run(self):\n        pass\n"
        + FOOTER,
    ),
    "no line": (
        "DQ108",
        HEADER.replace("def line", "def lien") + "    def Run(self):\n        pass\n" + FOOTER,
    ),
    "routine in a structure": (
        "DQ108",
        HEADER.replace("    refs = Int(0, 3)", "    def Free(self): pass")
        + "    def Run(self):\n        pass\n"
        + FOOTER,
    ),
    "register named like a resource": (
        "DQ108",
        HEADER.replace("    cause = Bit(0)", "    cause = Bit(0)\n    Irql = Bit(0)")
        + "    def Run(self):\n        pass\n"
        + FOOTER,
    ),
    "routine of a function": (
        "DQ109",
        "from dirql.model.wdk import *\nn = 1\ndef make(n):\n    class Pcidrv(Driver):\n"
        "        a = Bit(0)\n        def Run(self):\n            self.a = n\n    return Pcidrv\n"
        "Pcidrv = make(0)\n" + FOOTER,
    ),
    "lock in a device": (
        "DQ108",
        HEADER.replace("    cause = Bit(0)", "    cause = Bit(0)\n    lock = KSPIN_LOCK()")
        + "    def Run(self):\n        pass\n"
        + FOOTER,
    ),
}


def _check(problem: PatternError, code: str, snapshot: SnapshotAssertion) -> None:
    assert problem.code == code, str(problem)
    assert problem.hint
    assert str(problem) == snapshot


@pytest.mark.parametrize("name", BODIES)
def test_body(name: str, snapshot: SnapshotAssertion) -> None:
    code, body = BODIES[name]
    _check(refusal(with_body(body)), code, snapshot)


@pytest.mark.parametrize("name", METHODS)
def test_member_of_the_driver(name: str, snapshot: SnapshotAssertion) -> None:
    code, methods = METHODS[name]
    _check(refusal(with_body("pass", methods)), code, snapshot)


@pytest.mark.parametrize("name", SCENARIOS)
def test_module_level(name: str, snapshot: SnapshotAssertion) -> None:
    code, text = SCENARIOS[name]
    _check(refusal(with_body("pass").replace(FOOTER, f"\n\n{text}\n")), code, snapshot)


RUN: dict[str, tuple[str, str]] = {
    "called routine": ("DQ103", SCENARIOS["called routine"][1]),
    "misspelt routine": ("DQ103", SCENARIOS["misspelt routine"][1]),
    "unknown name": ("DQ103", SCENARIOS["unknown name"][1]),
    "import": ("DQ104", SCENARIOS["import"][1]),
    "exception": ("DQ103", SCENARIOS["exception"][1]),
    "exit": ("DQ103", SCENARIOS["exit"][1]),
    "level": ("DQ120", SCENARIOS["level"][1]),
    "bounds": ("DQ108", "x = Int(3, 0)"),
    "kernel call": ("DQ114", "x = KeGetCurrentIrql()"),
    "value given to an object": ("DQ108", "Pcidrv.r0.refs = 1\nscenario = Scenario(Pcidrv.Run)"),
    "lambda routine": ("DQ108", "Pcidrv.A = lambda self: 1\nscenario = Scenario(Pcidrv.Run)"),
}


@pytest.mark.parametrize("name", RUN)
def test_module_level_that_runs(name: str, snapshot: SnapshotAssertion) -> None:
    code, text = RUN[name]
    problem = refusal(with_body("pass").replace(FOOTER, f"\n\n{text}\n"), run_module=True)
    _check(problem, code, snapshot)


def test_a_routine_of_a_function_that_ran() -> None:
    problem = refusal(FILES["routine of a function"][1], run_module=True)
    assert problem.code == "DQ108"
    assert "of the function around its class" in problem.message


@pytest.mark.parametrize("name", FILES)
def test_file(name: str, snapshot: SnapshotAssertion) -> None:
    code, text = FILES[name]
    _check(refusal(text), code, snapshot)


def test_missing_file() -> None:
    with pytest.raises(PatternError, match=r"no/such/driver\.py: DQ101 the file cannot be read"):
        load_pattern(Path("no/such/driver.py"))


def test_not_text(tmp_path: Path) -> None:
    path = tmp_path / "driver.py"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PatternError, match="DQ101 the file is UTF-16 text"):
        load_pattern(path)


def test_caret_counts_letters_not_bytes() -> None:
    problem = refusal(with_body("x = 'ü' if nothing else 1"))
    line, caret = str(problem).splitlines()[1:3]
    assert line[caret.index("^") :].startswith("nothing")
