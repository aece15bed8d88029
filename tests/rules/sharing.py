"""Data shared with a service routine, and its lock: R37, R38, R40."""

from .cases import CONNECT, PAIR, SERVE, START_MAIN, WIRED, Case, main
from .lock_parts import GIVE_INTERRUPT, LOCK, SYNCHRONIZE, TAKE_INTERRUPT, TOUCH

_FLAG = """
flag = Int(0, 3, volatile={volatile})
def Isr(self, Interrupt, ServiceContext):
    if self.nic.masked or not self.nic.cause:
        return FALSE
    self.nic.cause = 0
    self.flag = 0
    return TRUE
"""
_SHARED_DATA = (
    Case(
        "R37",
        "data-race",
        "a thread writes the service routine's data under a spin lock of its own",
        WIRED + CONNECT + LOCK + _FLAG.format(volatile=False),
        main(
            "KeAcquireSpinLock(self.Lock, OldIrql)",
            "self.flag = 1",
            "KeReleaseSpinLock(self.Lock, OldIrql)",
        ),
        main(SYNCHRONIZE) + TOUCH.format(work="self.flag = 1"),
        processors=2,
    ),
    Case(
        "R37",
        "torn-read-modify-write",
        "a thread updates the service routine's data without a lock",
        WIRED + CONNECT + _FLAG.format(volatile=True),
        main("self.flag |= 2"),
        main(SYNCHRONIZE) + TOUCH.format(work="self.flag |= 2"),
        processors=2,
    ),
    Case(
        "R37",
        "preemption-deadlock",
        "a thread takes the interrupt's lock as an ordinary spin lock",
        WIRED + SERVE + LOCK + CONNECT.replace("self.Isr)", "self.Isr, SpinLock=self.Lock)"),
        main("KeAcquireSpinLock(self.Lock, OldIrql)", "KeReleaseSpinLock(self.Lock, OldIrql)"),
        main(
            "OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)",
            "KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)",
        ),
    ),
    Case(
        "R37",
        "index-out-of-range",
        "a thread tests an index and uses it, and the service routine changes it meanwhile",
        WIRED
        + CONNECT
        + """
ring = Array(Bit(), 2)
count = Int(0, 2, initial=1, volatile=True)
def Isr(self, Interrupt, ServiceContext):
    if self.nic.masked or not self.nic.cause:
        return FALSE
    self.nic.cause = 0
    self.count = 2
    return TRUE
""",
        main("if self.count < 2:", "    self.ring[self.count] = 1"),
        main(SYNCHRONIZE)
        + TOUCH.format(work="if self.count < 2:\n        self.ring[self.count] = 1"),
    ),
    Case(
        "R37",
        "claim-broken",
        "two fields that belong together are written without the lock",
        WIRED
        + CONNECT
        + """
low = Bit(0, volatile=True)
high = Bit(0, volatile=True)
seen = Bit(0, volatile=True)
def Isr(self, Interrupt, ServiceContext):
    if self.nic.masked or not self.nic.cause:
        return FALSE
    self.nic.cause = 0
    if self.low != self.high:
        self.seen = 1
    return TRUE
@invariant
def together(self):
    return not self.seen
""",
        main("self.low = 1", "self.high = 1"),
        main(SYNCHRONIZE) + TOUCH.format(work="self.low = 1\n    self.high = 1"),
    ),
)

_TAKE = "OldIrql = KeAcquireInterruptSpinLock(self.{name})"
_GIVE = "KeReleaseInterruptSpinLock(self.{name}, {level})"
_TWO = """
Lock = KSPIN_LOCK()
def Isr(self, Interrupt, ServiceContext):
    return self.nic.cause
def OtherIsr(self, Interrupt, ServiceContext):
    return self.other.cause
def Nothing(self, SynchronizeContext):
    return TRUE
def Start(self):
    status = IoConnectInterrupt(
        self.Interrupt, self.Isr, Vector=0x51, SpinLock=self.Lock, SynchronizeIrql={first}
    )
    if not NT_SUCCESS(status):
        return status
    status = IoConnectInterrupt(
        self.OtherInterrupt, self.OtherIsr, Vector=0x52, SpinLock=self.Lock
    )
    if not NT_SUCCESS(status):
        IoDisconnectInterrupt(self.Interrupt)
    return status
"""
_TAKE_OTHER = _TAKE.format(name="OtherInterrupt")
_GIVE_OTHER = _GIVE.format(name="OtherInterrupt", level="OldIrql")
_SHARING = PAIR + _TWO.format(first=8)
_UNEQUAL = PAIR + _TWO.format(first=7)
_SEPARATE = _SHARING.replace(", SpinLock=self.Lock", "")


def _released(broken: str, words: str, common: str, breaks: tuple[str, ...]) -> Case:
    """A thread that releases an interrupt lock in a wrong way."""
    right = main(TAKE_INTERRUPT, GIVE_INTERRUPT)
    # Two levels behind one lock are a mistake of their own (R8): here no interrupt comes.
    quiet = START_MAIN + ', knobs={"spurious_calls": "no"}'
    return Case("R40", broken, words, common, main(*breaks), right, quiet)


_INTERRUPT_LOCKS = (
    Case(
        "R38",
        "irql-too-high",
        "KeSynchronizeExecution above SynchronizeIrql",
        WIRED + CONNECT + SERVE + TOUCH.format(work="pass"),
        main("KeRaiseIrql(8, OldIrql)", SYNCHRONIZE, "KeLowerIrql(OldIrql)"),
        main("KeRaiseIrql(7, OldIrql)", SYNCHRONIZE, "KeLowerIrql(OldIrql)"),
    ),
    Case(
        "R38",
        "irql-too-high",
        "KeAcquireInterruptSpinLock above SynchronizeIrql",
        WIRED + CONNECT + SERVE,
        main("KeRaiseIrql(8, SavedIrql)", TAKE_INTERRUPT, GIVE_INTERRUPT, "KeLowerIrql(SavedIrql)"),
        main("KeRaiseIrql(7, SavedIrql)", TAKE_INTERRUPT, GIVE_INTERRUPT, "KeLowerIrql(SavedIrql)"),
    ),
    _released(
        "mixed-lock-routines",
        "released through another object with the same lock",
        _SHARING,
        (TAKE_INTERRUPT, _GIVE_OTHER),
    ),
    _released(
        "mixed-lock-routines",
        "released through another object with the same lock and another level",
        _UNEQUAL,
        (TAKE_INTERRUPT, _GIVE_OTHER),
    ),
    _released(
        "mixed-lock-routines",
        "taken at the higher level and released through the object of the lower one",
        _UNEQUAL,
        (_TAKE_OTHER, GIVE_INTERRUPT),
    ),
    _released(
        "mixed-lock-routines",
        "the pointer names another object when the lock is released",
        _SHARING + "Current = PKINTERRUPT()\n",
        (
            "self.Current = self.Interrupt",
            _TAKE.format(name="Current"),
            "self.Current = self.OtherInterrupt",
            _GIVE.format(name="Current", level="OldIrql"),
        ),
    ),
    _released(
        "mixed-lock-routines",
        "the lock was taken by KeAcquireSpinLock",
        _SHARING,
        ("KeAcquireSpinLock(self.Lock, OldIrql)", GIVE_INTERRUPT),
    ),
    _released(
        "mixed-lock-routines",
        "the lock was taken by KeSynchronizeExecution",
        _SHARING + "def Give(self, SynchronizeContext):\n"
        "    KeReleaseInterruptSpinLock(self.Interrupt, PASSIVE_LEVEL)\n    return TRUE\n",
        ("KeSynchronizeExecution(self.Interrupt, self.Give)",),
    ),
    _released(
        "mixed-lock-routines",
        "the service routine releases the lock it is called with",
        WIRED
        + CONNECT
        + """
def Isr(self, Interrupt, ServiceContext):
    if not self.nic.cause:
        return FALSE
    self.nic.cause = 0
    if self.once:
        self.once = 0
        KeReleaseInterruptSpinLock(Interrupt, PASSIVE_LEVEL)
    return TRUE
once = Bit(0)
def Mark(self, SynchronizeContext):
    self.once = 1
    return TRUE
""",
        ("KeSynchronizeExecution(self.Interrupt, self.Mark)",),
    ),
    _released(
        "release-of-unowned-lock",
        "released through an object with another lock",
        _SEPARATE,
        (TAKE_INTERRUPT, _GIVE_OTHER),
    ),
    _released(
        "release-of-unowned-lock",
        "released twice",
        _SHARING,
        (TAKE_INTERRUPT, GIVE_INTERRUPT, GIVE_INTERRUPT),
    ),
    _released(
        "irql-lowered-wrongly",
        "released with a level that the acquire did not return",
        _SHARING,
        (TAKE_INTERRUPT, _GIVE.format(name="Interrupt", level="DISPATCH_LEVEL")),
    ),
    _released(
        "irql-lowered-wrongly",
        "the levels of two nested interrupt locks are exchanged",
        _SEPARATE,
        (
            "First = KeAcquireInterruptSpinLock(self.Interrupt)",
            "Second = KeAcquireInterruptSpinLock(self.OtherInterrupt)",
            "KeReleaseInterruptSpinLock(self.OtherInterrupt, First)",
            "KeReleaseInterruptSpinLock(self.Interrupt, Second)",
        ),
    ),
    _released(
        "mixed-lock-routines",
        "released by KeReleaseSpinLock",
        _SHARING,
        (TAKE_INTERRUPT, "KeReleaseSpinLock(self.Lock, OldIrql)"),
    ),
)

CASES = (*_SHARED_DATA, *_INTERRUPT_LOCKS)
