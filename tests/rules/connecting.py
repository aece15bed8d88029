"""Connect and start: R1 to R10, R75."""

from .cases import NOTHING, PAIR, QUEUED, SERVE, STARTED, WIRED, Case

_EX = """
Pdo = DEVICE_OBJECT()
def Connect(self):
    parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
    parameters.Version = CONNECT_LINE_BASED
    parameters.LineBased.PhysicalDeviceObject = self.Pdo
    parameters.LineBased.InterruptObject = self.Interrupt
    parameters.LineBased.ServiceRoutine = self.Isr
    status = IoConnectInterruptEx(parameters)
    return status
def Disconnect(self):
    parameters = IO_DISCONNECT_INTERRUPT_PARAMETERS()
    parameters.Version = CONNECT_LINE_BASED
    parameters.ConnectionContext.InterruptObject = self.Interrupt
    IoDisconnectInterruptEx(parameters)
"""
_RAISED = """
def Start(self):
    KeRaiseIrql({level}, OldIrql)
    status = {connect}
    KeLowerIrql(OldIrql)
    return status
"""
_PLAIN = "def Start(self):\n    status = {connect}\n    return status\n"
_CONNECT = "IoConnectInterrupt(self.Interrupt, self.Isr)"

_LEVELS = (
    Case(
        "R1",
        "irql-too-high",
        "IoConnectInterrupt at APC_LEVEL",
        WIRED + SERVE,
        _RAISED.format(level="APC_LEVEL", connect=_CONNECT),
        _PLAIN.format(connect=_CONNECT),
        STARTED,
    ),
    Case(
        "R1",
        "irql-too-high",
        "IoConnectInterruptEx at DISPATCH_LEVEL",
        WIRED + SERVE + _EX,
        _RAISED.format(level="DISPATCH_LEVEL", connect="self.Connect()"),
        _PLAIN.format(connect="self.Connect()"),
        STARTED,
    ),
    Case(
        "R1",
        "irql-too-high",
        "IoDisconnectInterrupt under a fast mutex",
        WIRED + SERVE + _PLAIN.format(connect=_CONNECT) + "Mutex = FAST_MUTEX()\n",
        """
        def Main(self):
            ExAcquireFastMutex(self.Mutex)
            IoDisconnectInterrupt(self.Interrupt)
            ExReleaseFastMutex(self.Mutex)
        """,
        """
        def Main(self):
            ExAcquireFastMutex(self.Mutex)
            ExReleaseFastMutex(self.Mutex)
            IoDisconnectInterrupt(self.Interrupt)
        """,
    ),
    Case(
        "R1",
        "irql-too-high",
        "IoDisconnectInterruptEx in a DPC",
        "nic = Nic(Line(irql=7))\nInterrupt = PKINTERRUPT()\nDpc = KDPC()\n"
        + SERVE
        + _EX
        + _PLAIN.format(connect="self.Connect()"),
        """
        def Deferred(self, Dpc, DeferredContext):
            self.Disconnect()
        def Main(self):
            KeInitializeDpc(self.Dpc, self.Deferred)
            KeInsertQueueDpc(self.Dpc)
        """,
        "def Main(self):\n    self.Disconnect()\n",
    ),
)

_EARLY = (
    Case(
        "R3 R75",
        "device-unmasked-before-connect",
        "the device is enabled before the connect",
        WIRED + SERVE,
        """
        def Start(self):
            self.nic.masked = 0
            status = IoConnectInterrupt(self.Interrupt, self.Isr)
            return status
        """,
        """
        def Start(self):
            status = IoConnectInterrupt(self.Interrupt, self.Isr)
            if NT_SUCCESS(status):
                self.nic.masked = 0
            return status
        """,
        STARTED,
    ),
    Case(
        "R5",
        "uninitialized-object",
        "the DPC is initialised after the connect",
        WIRED + QUEUED + NOTHING,
        """
        def Start(self):
            status = IoConnectInterrupt(self.Interrupt, self.Isr)
            self.nic.masked = 0
            KeInitializeDpc(self.Dpc, self.Deferred)
            return status
        """,
        """
        def Start(self):
            KeInitializeDpc(self.Dpc, self.Deferred)
            status = IoConnectInterrupt(self.Interrupt, self.Isr)
            if NT_SUCCESS(status):
                self.nic.masked = 0
            return status
        """,
        STARTED,
    ),
    Case(
        "R5",
        "uninitialized-object",
        "the lock of the service routine's data is initialised after the connect",
        WIRED
        + "Lock = KSPIN_LOCK()\n"
        + """
def Isr(self, Interrupt, ServiceContext):
    if self.nic.masked or not self.nic.cause:
        return FALSE
    KeAcquireSpinLockAtDpcLevel(self.Lock)
    KeReleaseSpinLockFromDpcLevel(self.Lock)
    self.nic.cause = 0
    return TRUE
""",
        """
        def Start(self):
            status = IoConnectInterrupt(self.Interrupt, self.Isr)
            self.nic.masked = 0
            KeInitializeSpinLock(self.Lock)
            return status
        """,
        """
        def Start(self):
            KeInitializeSpinLock(self.Lock)
            status = IoConnectInterrupt(self.Interrupt, self.Isr)
            if NT_SUCCESS(status):
                self.nic.masked = 0
            return status
        """,
        STARTED,
    ),
    Case(
        "R5",
        "null-dereference",
        "the service routine's context is filled in after the connect",
        WIRED
        + "record = Record()\nContext = Reference(Record)\n"
        + """
def Isr(self, Interrupt, ServiceContext):
    if self.nic.masked or not self.nic.cause:
        return FALSE
    self.Context.value = 1
    self.nic.cause = 0
    return TRUE
""",
        """
        def Start(self):
            status = IoConnectInterrupt(self.Interrupt, self.Isr)
            self.nic.masked = 0
            self.Context = self.record
            return status
        """,
        """
        def Start(self):
            self.Context = self.record
            status = IoConnectInterrupt(self.Interrupt, self.Isr)
            if NT_SUCCESS(status):
                self.nic.masked = 0
            return status
        """,
        STARTED,
    ),
)

_GIVEN_LOCK = """
def Start(self):
    status = IoConnectInterrupt(self.Interrupt, self.Isr, SpinLock=self.{lock})
    if not NT_SUCCESS(status):
        return status
    self.nic.masked = 0
    return status
"""
_TWO = """
Lock = KSPIN_LOCK()
def Start(self):
    status = IoConnectInterrupt(
        self.Interrupt, self.Isr, Vector=0x51, {first}
    )
    if not NT_SUCCESS(status):
        return status
    status = IoConnectInterrupt(
        self.OtherInterrupt, self.{other}, Vector=0x52, {second}
    )
    if not NT_SUCCESS(status):
        IoDisconnectInterrupt(self.Interrupt)
        return status
    self.nic.masked = 0
    self.other.masked = 0
    return status
"""
_COUNT = """
count = Int(0, 1)
def Isr(self, Interrupt, ServiceContext):
    if self.nic.masked or not self.nic.cause:
        return FALSE
    self.count = 1
    self.nic.cause = 0
    return TRUE
def OtherIsr(self, Interrupt, ServiceContext):
    if self.other.masked or not self.other.cause:
        return FALSE
    self.count = 0
    self.other.cause = 0
    return TRUE
"""
_BOTH = """
count = Int(0, 1)
def Isr(self, Interrupt, ServiceContext):
    asked = 0
    if self.nic.cause and not self.nic.masked:
        self.nic.cause = 0
        asked = 1
    if self.other.cause and not self.other.masked:
        self.other.cause = 0
        asked = 1
    self.count = asked
    return asked
"""
_OWN = _TWO.format(first="Irql=7", second="Irql=8", other="OtherIsr")
_COMMON = "SpinLock=self.Lock, SynchronizeIrql=8"

_LOCKS = (
    Case(
        "R6",
        "uninitialized-object",
        "the lock given to the connect is initialised after it",
        WIRED + SERVE + "Lock = KSPIN_LOCK()\n",
        _GIVEN_LOCK.format(lock="Lock").replace(
            "self.nic.masked = 0", "KeInitializeSpinLock(self.Lock)"
        ),
        _GIVEN_LOCK.format(lock="Lock").replace(
            "    status =", "    KeInitializeSpinLock(self.Lock)\n    status =", 1
        ),
        STARTED,
    ),
    Case(
        "R6",
        "use-after-free",
        "the lock given to the connect is freed while the interrupt is connected",
        WIRED + SERVE + "record = Record()\n" + _GIVEN_LOCK.format(lock="record.lock"),
        "def Main(self):\n    ExFreePool(self.record)\n",
        """
        def Main(self):
            self.nic.masked = 1
            IoDisconnectInterrupt(self.Interrupt)
            ExFreePool(self.record)
        """,
    ),
    Case(
        "R7",
        "data-race",
        "two service routines share data, and each has a lock of its own",
        PAIR + _COUNT,
        _OWN,
        _TWO.format(first=_COMMON, second=_COMMON, other="OtherIsr"),
        STARTED,
        processors=2,
    ),
    Case(
        "R7",
        "data-race",
        "one service routine serves two vectors without a lock",
        PAIR + _BOTH,
        _TWO.format(first="Irql=7", second="Irql=8", other="Isr"),
        _TWO.format(first=_COMMON, second=_COMMON, other="Isr"),
        STARTED,
        processors=2,
    ),
    Case(
        "R8",
        "preemption-deadlock",
        "two levels share a lock, and the lower one synchronises at its own",
        PAIR + _COUNT,
        _TWO.format(
            first="SpinLock=self.Lock, SynchronizeIrql=7", second=_COMMON, other="OtherIsr"
        ),
        _TWO.format(first=_COMMON, second=_COMMON, other="OtherIsr"),
        STARTED,
    ),
)

_OUT = (
    Case(
        "R10",
        "null-out-pointer",
        "CONNECT_LINE_BASED without InterruptObject",
        WIRED + SERVE + _PLAIN.format(connect="self.Connect()"),
        _EX.replace("    parameters.LineBased.InterruptObject = self.Interrupt\n", ""),
        _EX,
        STARTED,
    ),
    Case(
        "R10",
        "null-out-pointer",
        "IoConnectInterrupt with NULL",
        WIRED + SERVE,
        "def Start(self):\n    status = IoConnectInterrupt(NULL, self.Isr)\n    return status\n",
        _PLAIN.format(connect=_CONNECT),
        STARTED,
    ),
)

CASES = (*_LEVELS, *_EARLY, *_LOCKS, *_OUT)
