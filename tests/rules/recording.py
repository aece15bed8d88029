"""What a service routine leaves to its DPC, and whom it synchronises with: R31 to R36."""

from .cases import (
    CONNECT,
    EDGES,
    INITIALIZED,
    LATCHED,
    QUEUE,
    SERVE,
    STARTED,
    WIRED,
    Case,
    isr,
)
from .lock_parts import SYNCHRONIZED

_REQUESTS = """
first = Record()
second = Record()
next = Reference(Record)
served = Int(0, 1)
"""
_FILLED = "\ndef Deferred(self, Dpc, DeferredContext):\n    pass\n"
_CONSUMES = """
status = Bit(0, volatile=True)
lost = Bit(0, volatile=True)
"""

_DATA = (
    Case(
        "R32",
        "dpc-argument-lost",
        "it passes a new request while the DPC has the last one",
        WIRED + _FILLED + _REQUESTS + INITIALIZED + "Dpc = KDPC()\nturn = Bit(0)\n",
        isr(
            "if self.turn:\n    KeInsertQueueDpc(self.Dpc, self.first)\n"
            "else:\n    KeInsertQueueDpc(self.Dpc, self.second)\nself.turn ^= 1"
        ),
        isr("KeInsertQueueDpc(self.Dpc)"),
        STARTED,
    ),
    Case(
        "R32",
        "unserviced-cause",
        "it overwrites the causes that the DPC has not seen",
        LATCHED
        + INITIALIZED
        + """
Dpc = KDPC()
status = Int(0, 3, volatile=True)
def Deferred(self, Dpc, DeferredContext):
    causes = InterlockedExchange(self.status, 0)
    if causes & 1:
        self.nic.received = 0
    if causes & 2:
        self.nic.sent = 0
""",
        """
        def Isr(self, Interrupt, ServiceContext):
            causes = self.nic.take()
            if not causes:
                return FALSE
            self.status = causes
            KeInsertQueueDpc(self.Dpc)
            return TRUE
        """,
        """
        def Isr(self, Interrupt, ServiceContext):
            causes = self.nic.take()
            if not causes:
                return FALSE
            InterlockedOr(self.status, causes)
            KeInsertQueueDpc(self.Dpc)
            return TRUE
        """,
        STARTED,
        EDGES.replace(
            "    def acknowledge",
            """    newly = Int(0, 3)

    def take(self):
        self.asks = 0
        causes = self.newly
        self.newly = 0
        return causes

    def acknowledge""",
        )
        .replace("self.received = 1", "self.received = 1\n        self.newly = self.newly | 1")
        .replace("self.sent = 1", "self.sent = 1\n        self.newly = self.newly | 2"),
    ),
    Case(
        "R32",
        "torn-read-modify-write",
        "it writes between the DPC's read and write",
        WIRED
        + QUEUE.replace(
            "    KeInsertQueueDpc", "    InterlockedOr(self.flags, 1)\n    KeInsertQueueDpc"
        )
        + "flags = Int(0, 3, volatile=True)\n",
        "def Deferred(self, Dpc, DeferredContext):\n    self.flags &= 2\n",
        "def Deferred(self, Dpc, DeferredContext):\n    InterlockedAnd(self.flags, 2)\n",
        STARTED,
        processors=2,
    ),
    Case(
        "R31",
        "unserviced-cause",
        "it queues its DPC before it has recorded what for",
        LATCHED
        + INITIALIZED.replace("self.Isr)", "self.Isr, ProcessorEnableMask=1)").replace(
            "    status", "    KeSetTargetProcessorDpc(self.Dpc, 1)\n    status", 1
        )
        + """
Dpc = KDPC()
status = Int(0, 3, volatile=True)
def Deferred(self, Dpc, DeferredContext):
    causes = InterlockedExchange(self.status, 0)
    if causes & 1:
        self.nic.received = 0
    if causes & 2:
        self.nic.sent = 0
""",
        """
        def Isr(self, Interrupt, ServiceContext):
            KeInsertQueueDpc(self.Dpc)
            causes = self.nic.acknowledge()
            InterlockedOr(self.status, causes)
            return TRUE
        """,
        """
        def Isr(self, Interrupt, ServiceContext):
            causes = self.nic.acknowledge()
            InterlockedOr(self.status, causes)
            KeInsertQueueDpc(self.Dpc)
            return TRUE
        """,
        STARTED + ', knobs={"spurious_calls": "no"}',
        EDGES,
        processors=2,
    ),
    Case(
        "R34",
        "recursive-lock-acquire",
        "it synchronises with itself",
        WIRED + CONNECT + "def Touch(self, SynchronizeContext):\n    return TRUE\n",
        isr("KeSynchronizeExecution(Interrupt, self.Touch)"),
        isr("done = self.Touch(NULL)"),
        STARTED,
    ),
    Case(
        "R34",
        "recursive-lock-acquire",
        "it takes its own interrupt spin lock",
        WIRED + CONNECT,
        isr(
            "OldIrql = KeAcquireInterruptSpinLock(Interrupt)\n"
            "KeReleaseInterruptSpinLock(Interrupt, OldIrql)"
        ),
        isr("pass"),
        STARTED,
    ),
    Case(
        "R34",
        "recursive-lock-acquire",
        "a routine under KeSynchronizeExecution synchronises again",
        WIRED + CONNECT + SERVE + "def Nothing(self, SynchronizeContext):\n    return TRUE\n",
        SYNCHRONIZED.format(work="KeSynchronizeExecution(self.Interrupt, self.Nothing)"),
        SYNCHRONIZED.format(work="pass"),
    ),
    Case(
        "R36",
        "synchronize-on-dead-interrupt",
        "its DPC uses the stored pointer, which the connect has not stored yet",
        LATCHED
        + INITIALIZED
        + """
Dpc = KDPC()
def Isr(self, Interrupt, ServiceContext):
    KeInsertQueueDpc(self.Dpc, Interrupt)
    return TRUE
def Touch(self, SynchronizeContext):
    return TRUE
""",
        """
        def Deferred(self, Dpc, DeferredContext, Interrupt, Unused):
            KeSynchronizeExecution(self.Interrupt, self.Touch)
        """,
        """
        def Deferred(self, Dpc, DeferredContext, Interrupt, Unused):
            KeSynchronizeExecution(Interrupt, self.Touch)
        """,
        STARTED + ', knobs={"spurious_calls": "yes"}',
    ),
)

CASES = _DATA
