"""Grades: each property has one, and behind what a free build survives the behaviour goes on."""

from collections.abc import Sequence

import pytest

from dirql.explorer.gravest import Gravest
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.replay import replay
from dirql.explorer.verdict import Holds, Result, Violated
from dirql.model.compiler import compile_system
from dirql.model.grade import SURVIVED, Grade
from dirql.properties import PROPERTIES, Kind, apply, rules_that_cut

from ..language.loading import load_text

HEAD = '''
"""A driver of a test."""
from dirql.model.wdk import *


class Card(Device):
    enabled = Bit(0)
    cause = Bit(0)

    def line(self):
        return self.cause and self.enabled

    def waiting(self):
        return self.cause

    @hardware
    def event(self):
        self.cause = 1

    def acknowledge(self):
        had_cause = self.cause
        self.cause = 0
        return had_cause


class Drv(Driver):
    card = Card(Line(irql=6, shared=SHARED))
    Interrupt = PKINTERRUPT()
    dpc = KDPC()
    A = KSPIN_LOCK()
    B = KSPIN_LOCK()
    done = KEVENT(NotificationEvent, FALSE)

    def Start(self):
        KeInitializeDpc(self.dpc, self.DpcForIsr)
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if NT_SUCCESS(status):
            self.card.enabled = 1
        return status

    def Isr(self, Interrupt, ServiceContext):
        if self.card.acknowledge():
            KeInsertQueueDpc(self.dpc)
            return TRUE
        return FALSE

    def DpcForIsr(self, Dpc, Context):
        KeSetEvent(self.done, 0, FALSE)
'''

FAILS = '        assert FALSE, "behind it"\n'

UNCLAIMED = """
    def Isr(self, Interrupt, ServiceContext):
        if self.card.acknowledge():
            KeInsertQueueDpc(self.dpc)
        return FALSE
"""

SIBLINGS: dict[str, tuple[str, str]] = {
    "handled-but-unclaimed": (
        f"{UNCLAIMED}\n    def DpcForIsr(self, Dpc, Context):\n{FAILS}",
        "start=Drv.Start",
    ),
    "release-out-of-order": (
        """
    def Thread(self):
        KeRaiseIrql(DISPATCH_LEVEL, OldIrql)
        KeAcquireSpinLockAtDpcLevel(self.A)
        KeAcquireSpinLockAtDpcLevel(self.B)
        KeReleaseSpinLockFromDpcLevel(self.A)
        KeReleaseSpinLockFromDpcLevel(self.B)
        KeLowerIrql(OldIrql)
"""
        + FAILS,
        "start=Drv.Start, concurrently=[Drv.Thread]",
    ),
    "mixed-lock-routines": (
        """
    def Thread(self):
        KeAcquireSpinLock(self.A, OldIrql)
        KeReleaseSpinLockFromDpcLevel(self.A)
        KeAcquireSpinLockAtDpcLevel(self.A)
        KeReleaseSpinLock(self.A, DISPATCH_LEVEL)
"""
        + FAILS,
        "start=Drv.Start, concurrently=[Drv.Thread]",
    ),
    "dpc-argument-lost": (
        """
    def Queue(self):
        KeRaiseIrql(DISPATCH_LEVEL, OldIrql)
        KeInsertQueueDpc(self.dpc, 1)
        KeInsertQueueDpc(self.dpc, 2)
        KeLowerIrql(OldIrql)
"""
        + FAILS,
        "start=Drv.Start, concurrently=[Drv.Queue]",
    ),
    "dpc-requested-outside-isr": (
        """
    device = DEVICE_OBJECT()

    def Request(self):
        IoInitializeDpcRequest(self.device, self.DpcForIsr)
        IoRequestDpc(self.device, NULL, NULL)
"""
        + FAILS,
        "start=Drv.Start, concurrently=[Drv.Request]",
    ),
    "connect-overwrites-live-interrupt": (
        """
    def Again(self):
        self.card.enabled = 0
        IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
"""
        + FAILS,
        "start=Drv.Start, concurrently=[Drv.Again]",
    ),
    "device-unmasked-before-connect": (
        """
    def Early(self):
        self.card.enabled = 1
        if self.card.cause:
            IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
    """
        + FAILS,
        "start=Drv.Early",
    ),
    "device-unmasked-at-disconnect": (
        """
    def Stop(self):
        if not self.Interrupt:
            return
        IoDisconnectInterrupt(self.Interrupt)
        if self.card.enabled and self.card.cause:
    """
        + FAILS,
        "start=Drv.Start, finally_=Drv.Stop",
    ),
}
"""For each property a driver that breaks it and then, on the same way, an assertion."""


def asked(
    text: str, names: Sequence[str] | None, processors: int = 1
) -> tuple[Result, tuple[str, ...]]:
    """The answer, and the rules that cut it."""
    pattern = load_text(text)
    system = compile_system(pattern.program, pattern.scenarios[0], processors)
    machine = apply(system, names)
    result = Gravest(ReferenceEngine()).check(machine)
    for item in (result.verdict, *result.others):
        if isinstance(item, Violated):
            replay(machine, item.trace)
    return result, rules_that_cut(system, names, result.statistics.taken)


def driver(name: str) -> str:
    body, scenario = SIBLINGS[name]
    shared = "TRUE" if name == "handled-but-unclaimed" else "FALSE"
    head = HEAD.replace("shared=SHARED", f"shared={shared}")
    for routine in ("Isr", "DpcForIsr"):
        if f"def {routine}(" in body:
            head = _without(head, routine)
    return f"{head}{body}\n\nscenario = Scenario({scenario}, processors=[1])\n"


def _without(text: str, routine: str) -> str:
    """The class without one of its routines."""
    kept: list[str] = []
    inside = False
    for line in text.split("\n"):
        if line.startswith(("    def ", "class ")):
            inside = line.startswith(f"    def {routine}(")
        if not inside:
            kept.append(line)
    return "\n".join(kept)


def test_rules_that_a_free_build_survives_are_graded_so() -> None:
    rules = {item.name for item in PROPERTIES if item.kind is Kind.RULE}
    survived = {item.name for item in PROPERTIES if item.grade is not Grade.CRASH}
    assert survived & rules == SURVIVED


@pytest.mark.parametrize("name", SIBLINGS)
def test_a_crash_behind_a_broken_contract_is_found(name: str) -> None:
    result, _ = asked(driver(name), None)
    assert isinstance(result.verdict, Violated)
    assert result.verdict.property == "assertion-failed"
    assert name in {item.property for item in result.others}


@pytest.mark.parametrize("name", SIBLINGS)
def test_a_contract_that_is_not_asked_cuts_nothing(name: str) -> None:
    result, cut = asked(driver(name), ["assertion-failed"])
    assert isinstance(result.verdict, Violated)
    assert result.others == ()
    assert cut == ()


@pytest.mark.parametrize("name", SIBLINGS)
def test_a_contract_asked_alone_is_shown(name: str) -> None:
    result, cut = asked(driver(name), [name])
    assert isinstance(result.verdict, Violated)
    assert result.verdict.property == name
    assert cut in ((), ("assertion-failed",))


def test_a_crash_that_is_not_asked_still_cuts() -> None:
    result, cut = asked(driver("handled-but-unclaimed"), ["lock-cycle"])
    assert isinstance(result.verdict, Holds)
    assert cut == ("assertion-failed",)


RELEASES = {
    "lowered by the other release": (
        """
        KeRaiseIrql(DISPATCH_LEVEL, Old)
        KeAcquireSpinLockAtDpcLevel(self.A)
        KeReleaseSpinLock(self.A, Old)
        assert KeGetCurrentIrql() == PASSIVE_LEVEL
        KeDelayExecutionThread(KernelMode, FALSE, LARGE_INTEGER(-1))
""",
        "",
    ),
    "left where it was": (
        """
        KeAcquireSpinLock(self.A, Old)
        KeReleaseSpinLockFromDpcLevel(self.A)
        KeDelayExecutionThread(KernelMode, FALSE, LARGE_INTEGER(-1))
""",
        "wait-at-dispatch-level",
    ),
    "never lowered": (
        """
        KeAcquireSpinLock(self.A, Old)
        KeReleaseSpinLockFromDpcLevel(self.A)
""",
        "irql-not-restored",
    ),
    "lowered to where the caller never was": (
        """
        KeRaiseIrql(DISPATCH_LEVEL, Old)
        KeAcquireSpinLockAtDpcLevel(self.A)
        KeReleaseSpinLock(self.A, APC_LEVEL)
""",
        "irql-lowered-wrongly",
    ),
    "of the other kind": (
        """
        KeAcquireSpinLock(self.A, Old)
        KeReleaseInStackQueuedSpinLock(self.A)
""",
        "mixed-lock-kinds",
    ),
}


@pytest.mark.parametrize("case", RELEASES)
def test_a_release_by_another_routine_has_the_effect_of_that_routine(case: str) -> None:
    lines, crash = RELEASES[case]
    text = f"{HEAD.replace('SHARED', 'FALSE')}\n    def Thread(self):{lines}"
    text += "\n\nscenario = Scenario(start=Drv.Start, concurrently=[Drv.Thread])\n"
    result, _ = asked(text, None)
    assert isinstance(result.verdict, Violated)
    assert result.verdict.property == (crash or "mixed-lock-routines")
    others = {item.property for item in result.others}
    assert others == ({"mixed-lock-routines"} if crash and crash != "mixed-lock-kinds" else set())


def test_what_is_done_after_an_unclaimed_interrupt_is_that_of_any_unclaimed_one() -> None:
    """The chain goes on to the foreign driver, and the own device is quiet."""
    queues = "KeInsertQueueDpc(self.dpc)\n"
    claims = UNCLAIMED.replace(queues, f"{queues}            return TRUE\n")
    text = driver("handled-but-unclaimed")
    assert isinstance(
        asked(text.replace(FAILS, "        pass\n"), ["stuck-context"])[0].verdict, Holds
    )
    fixed = text.replace(UNCLAIMED, claims).replace(FAILS, "        pass\n")
    assert isinstance(asked(fixed, ["stuck-context"])[0].verdict, Holds)
