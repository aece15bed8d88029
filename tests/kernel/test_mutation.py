"""One seeded fault for each chapter of the kernel rules: some small driver must notice it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from dirql.model.compiler import compilation
from dirql.model.kernel import ROUTINES, dispatch, dpc, timers, work_items
from dirql.model.kernel.rule import Decide, KernelCall, KernelRoutine, Micro, Outcome, Step
from dirql.model.kernel.world import World

from .drivers import CONNECT, SERVE, Answer, Bench

Mutation = Callable[[Step], Step]


def without_checks(step: Step) -> Step:
    return replace(step, checks=())


def without_updates(step: Step) -> Step:
    return replace(step, outcomes=tuple(replace(item, updates=()) for item in step.outcomes))


def without_guards(step: Step) -> Step:
    return replace(step, outcomes=tuple(replace(item, guard=()) for item in step.outcomes))


def first_guard_only(step: Step) -> Step:
    return replace(
        step, outcomes=tuple(replace(item, guard=item.guard[:1]) for item in step.outcomes)
    )


def without_lock(step: Step) -> Step:
    return replace(step, takes="", drops="")


def without_level(step: Step) -> Step:
    return replace(step, irql=None)


def without_access(step: Step) -> Step:
    return replace(step, accesses=())


def first_outcome(step: Step) -> Step:
    return replace(step, outcomes=step.outcomes[:1])


def changed(micro: Micro, mutation: Mutation) -> Micro:
    """The micro-step with every step inside it changed."""
    match micro:
        case Step():
            outcomes = tuple(
                replace(item, then=tuple(changed(inner, mutation) for inner in item.then))
                for item in micro.outcomes
            )
            return mutation(replace(micro, outcomes=outcomes))
        case Decide(when_true, when_false):
            return Decide(
                tuple(changed(item, mutation) for item in when_true),
                tuple(changed(item, mutation) for item in when_false),
            )
        case _:
            return micro


def mutant(routine: KernelRoutine, mutation: Mutation) -> KernelRoutine:
    """The routine with a rule that is wrong."""

    def emit(call: KernelCall, world: World) -> tuple[Micro, ...]:
        return tuple(changed(item, mutation) for item in routine.emit(call, world))

    return replace(routine, emit=emit)


def main(*lines: str) -> str:
    return "def Main(self):\n" + "".join(f"    {line}\n" for line in lines)


INIT = "def Start(self):\n    KeInitializeDpc(self.D, self.Dpc)\n"
RUNS = (
    "D = KDPC()\nRuns = Int(0, 2, volatile=True, saturating=True)\n"
    "def Dpc(self, Dpc, Context, A, B):\n    InterlockedIncrement(self.Runs)\n"
)
TWICE = (
    "KeRaiseIrql(2, Old)",
    "First = KeInsertQueueDpc(self.D)",
    "Second = KeInsertQueueDpc(self.D)",
    "assert First and not Second",
    "KeLowerIrql(Old)",
)
LOCKED = "Lock = KSPIN_LOCK()\nM = FAST_MUTEX()\nCount = Int(0, 2)\n"


def exclusive(take: str, give: str) -> tuple[str, str]:
    """A driver whose two threads are kept apart by a lock."""
    text = LOCKED + "".join(
        f"def {name}(self):\n    {take}\n    self.Count += 1\n    self.Count -= 1\n    {give}\n"
        for name in ("Main", "Again")
    )
    return text, "Drv.Main, Drv.Again"


SYNCHRONIZED = SERVE.replace("    self.nic", "    self.Count += 1\n    self.nic", 1) + (
    "Count = Int(0, 1, wrapping=True)\n"
    "def Touch(self, Context):\n    self.Count += 1\n    return 1\n"
    "def Main(self):\n    KeSynchronizeExecution(self.Interrupt, self.Touch)\n"
)
STOP = "def Main(self):\n    self.nic.masked = 1\n    IoDisconnectInterrupt(self.Interrupt)\n"
INSIDE = "In = Bit(0, volatile=True)\n" + SERVE.replace(
    "self.nic.cause = 0", "self.In = 1\n    self.nic.cause = 0\n    self.In = 0"
)
WAITS = (
    "E = KEVENT(SynchronizationEvent, FALSE)\ndef Wait(self):\n    KeWaitForSingleObject(self.E)\n"
)
SESSION = "class Session(Structure):\n    x = Bit(0, volatile=True)\n"

RULES: dict[str, tuple[str, Mutation, str, str]] = {
    "raising": ("KeRaiseIrqlToDpcLevel", without_level,
                main(
        "Old = KeRaiseIrqlToDpcLevel()", "assert KeGetCurrentIrql() == 2",
        "KeLowerIrql(Old)"), "Drv.Main"),
    "spin_locks": ("KeAcquireSpinLock", without_lock, *exclusive(
        "KeAcquireSpinLock(self.Lock, Old)", "KeReleaseSpinLock(self.Lock, Old)")),
    "queued_spin_locks": ("KeAcquireInStackQueuedSpinLock", without_lock, *exclusive(
        "KeAcquireInStackQueuedSpinLock(self.Lock, H)", "KeReleaseInStackQueuedSpinLock(H)")),
    "cancel_lock": ("IoReleaseCancelSpinLock", without_lock, *exclusive(
        "IoAcquireCancelSpinLock(Old)", "IoReleaseCancelSpinLock(Old)")),
    "mutexes": ("ExReleaseFastMutex", without_level, *exclusive(
        "ExAcquireFastMutex(self.M)", "ExReleaseFastMutex(self.M)")),
    "events": ("KeSetEvent", without_updates, WAITS + main("KeSetEvent(self.E)"),
               "Drv.Wait, Drv.Main"),
    "waits": ("KeWaitForSingleObject", without_guards,
              WAITS.replace("(self.E)\n", "(self.E)\n    assert self.Set\n")
              + "Set = Bit(0, volatile=True)\n" + main("self.Set = 1", "KeSetEvent(self.E)"),
              "Drv.Wait, Drv.Main"),
    "dpc": ("KeInsertQueueDpc", without_guards, RUNS + INIT + main(*TWICE), "Drv.Main"),
    "dpc_removal": ("KeFlushQueuedDpcs", without_guards, RUNS + INIT + main(
        "KeInsertQueueDpc(self.D)", "KeFlushQueuedDpcs()", "assert self.Runs"), "Drv.Main"),
    "timers": ("KeCancelTimer", without_updates, "T = KTIMER()\n" + main(
        "KeSetTimer(self.T, 1, NULL)", "KeCancelTimer(self.T)", "Was = KeCancelTimer(self.T)",
        "assert not Was"), "Drv.Main"),
    "work_items": ("IoQueueWorkItem", without_checks, "W = IO_WORKITEM()\n"
                   "def Work(self, DeviceObject, Context):\n    return\n"
                   + main(*["IoQueueWorkItem(self.W, self.Work)"] * 2), "Drv.Main"),
    "interlocked": ("InterlockedIncrement", without_updates, "N = Int(0, 2)\n" + main(
        "InterlockedIncrement(self.N)", "assert self.N == 1"), "Drv.Main"),
    "memory": ("ExFreePool", without_updates, "s = Session()\n" + main(
        "ExFreePool(self.s)", "self.s.x = 1"), "Drv.Main"),
    "remove_locks": ("IoReleaseRemoveLockAndWait", without_guards, "L = IO_REMOVE_LOCK()\n"
                     "Used = Bit(0, volatile=True)\n"
                     "def Use(self):\n    if NT_SUCCESS(IoAcquireRemoveLock(self.L)):\n"
                     "        self.Used = 1\n        self.Used = 0\n"
                     "        IoReleaseRemoveLock(self.L)\n" + main(
        "IoAcquireRemoveLock(self.L)", "IoReleaseRemoveLockAndWait(self.L)",
        "assert not self.Used"), "Drv.Use, Drv.Main"),
    "connection": ("IoConnectInterrupt", without_checks, SERVE + (
        "def Start(self):\n    KeRaiseIrql(2, Old)\n"
        "    IoConnectInterrupt(self.Interrupt, self.Isr)\n    KeLowerIrql(Old)\n"), ""),
    "disconnection": ("IoDisconnectInterrupt", without_guards, CONNECT + INSIDE + STOP
                      + "    assert not self.In\n", "Drv.Main"),
    "synchronization": ("KeSynchronizeExecution", without_lock, CONNECT + SYNCHRONIZED, "Drv.Main"),
}  # fmt: skip


def broken(bench: Bench, text: str, threads: str, processors: int = 2) -> str:
    """The property that the driver breaks, with all knobs at their defaults."""
    wired = "self.nic" in text or "self.Interrupt" in text
    answer: Answer = (
        bench.check(text, threads=threads, processors=processors)
        if wired
        else bench.check(text, threads=threads, processors=processors, device=SESSION)
    )
    return answer.broken


@pytest.mark.parametrize("chapter", sorted(RULES))
def test_a_wrong_rule_is_noticed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, chapter: str
) -> None:
    name, mutation, text, threads = RULES[chapter]
    before = broken(bench, text, threads)
    table = {item.name: item for item in ROUTINES}
    table[name] = mutant(table[name], mutation)
    monkeypatch.setattr(compilation, "ROUTINES", tuple(table.values()))
    assert broken(bench, text, threads) != before


HARDWARE = {
    "dispatch, acceptance": (
        dispatch, "accept", without_guards, "Ready = Bit(0, volatile=True)\n"
        + CONNECT.replace("    status", "    self.Ready = 1\n    status", 1)
        + SERVE.replace("    if not", "    assert self.Ready\n    if not", 1), ""),
    "dispatch, end": (dispatch, "_end", without_checks, CONNECT + (
        "def Isr(self, Interrupt, ServiceContext):\n    return FALSE\n"), ""),
    "dpc, start": (dpc, "start", without_updates, RUNS + INIT + main(
        "KeRaiseIrql(2, Old)", "KeInsertQueueDpc(self.D)", "KeLowerIrql(Old)",
        "assert self.Runs < 2"), "Drv.Main"),
    "work items, start": (work_items, "start", without_updates, "W = IO_WORKITEM()\n"
                          "Runs = Int(0, 1, volatile=True)\n"
                          "def Work(self, DeviceObject, Context):\n"
                          "    InterlockedIncrement(self.Runs)\n"
                          + main("IoQueueWorkItem(self.W, self.Work)"), "Drv.Main"),
}  # fmt: skip


@pytest.mark.parametrize("place", sorted(HARDWARE))
def test_a_wrong_step_of_the_system_is_noticed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    module, name, mutation, text, threads = HARDWARE[place]
    before = broken(bench, text, threads, processors=1)
    original: Callable[..., Step] = getattr(module, name)

    def wrong(*args: object, **named: object) -> Step:
        step = changed(original(*args, **named), mutation)
        assert isinstance(step, Step)
        return step

    monkeypatch.setattr(module, name, wrong)
    assert broken(bench, text, threads, processors=1) != before


def test_an_expiry_that_queues_nothing_is_noticed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "T = KTIMER()\nE = KEVENT()\nD = KDPC()\n"
        + INIT
        + ("def Dpc(self, Dpc, Context, A, B):\n    KeSetEvent(self.E)\n")
        + main("KeSetTimer(self.T, 1, self.D)", "KeWaitForSingleObject(self.E)")
    )
    assert broken(bench, text, "Drv.Main") == ""
    original = timers.expiry

    def wrong(world: World, timer: str) -> Iterator[timers.Expiry]:
        def silent(item: Outcome) -> Outcome:
            return replace(item, updates=item.updates[:-1])

        for item in original(world, timer):
            yield replace(item, outcome=silent(item.outcome))

    monkeypatch.setattr(timers, "expiry", wrong)
    assert broken(bench, text, "Drv.Main") == "stuck-context"
