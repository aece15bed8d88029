"""Stop, remove and power: R74 to R86."""

from .cases import CONNECT, QUEUE, REMOVED, SERVE, SHARED, STARTED, WIRED, Case, main
from .lock_parts import GIVE_INTERRUPT, SYNCHRONIZE, TAKE_INTERRUPT, TOUCH

_CONNECTED = WIRED + CONNECT + SERVE


def removal(*lines: str) -> str:
    """The last routine, which does these things."""
    return main(*lines).replace("Main", "Remove")


_MASK = "self.nic.masked = 1"
_DISCONNECT = "IoDisconnectInterrupt(self.Interrupt)"
_EX = """
def Disconnect(self):
    parameters = IO_DISCONNECT_INTERRUPT_PARAMETERS()
    parameters.Version = {version}
    parameters.ConnectionContext.InterruptObject = {interrupt}
    IoDisconnectInterruptEx(parameters)
"""
_REPORT = """
def Inactive(self):
    parameters = IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS()
    parameters.Version = {version}
    parameters.ConnectionContext.InterruptObject = {interrupt}
    IoReportInterruptInactive(parameters)
def Active(self):
    parameters = IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS()
    parameters.Version = {version}
    parameters.ConnectionContext.InterruptObject = {interrupt}
    IoReportInterruptActive(parameters)
"""
_SOFT = _REPORT.format(version="CONNECT_FULLY_SPECIFIED", interrupt="self.Interrupt")

_QUIET = (
    Case(
        "R74",
        "device-unmasked-at-disconnect",
        "the device is enabled when it is disconnected",
        _CONNECTED,
        main(_DISCONNECT),
        main(_MASK, _DISCONNECT),
    ),
    Case(
        "R74",
        "device-unmasked-at-disconnect",
        "the device is enabled when it is reported inactive",
        _CONNECTED + _SOFT,
        main("self.Inactive()"),
        main(_MASK, "self.Inactive()"),
    ),
    Case(
        "R74",
        "isr-after-disconnect",
        "a service routine is under way at the disconnect",
        _CONNECTED,
        main(_MASK, _DISCONNECT),
        main(_MASK),
        'start=Drv.Start, concurrently=[Drv.Main], knobs={"disconnect_waits_for_isr": "no"}',
        processors=2,
    ),
    Case(
        "R75",
        "device-unmasked-at-disconnect",
        "the device is enabled before it is reported active",
        _CONNECTED + _SOFT,
        main(_MASK, "self.Inactive()", "self.nic.masked = 0", "self.Active()"),
        main(_MASK, "self.Inactive()", "self.Active()", "self.nic.masked = 0"),
    ),
    Case(
        "R80",
        "device-unmasked-at-disconnect",
        "Unload disconnects an enabled device",
        _CONNECTED,
        removal(_DISCONNECT),
        removal(_MASK, _DISCONNECT),
        REMOVED,
    ),
)

_VERSION = _EX.format(version="CONNECT_LINE_BASED", interrupt="self.Interrupt")
_MATCHING = _EX.format(version="CONNECT_FULLY_SPECIFIED", interrupt="self.Interrupt")

_ONCE = (
    Case(
        "R76",
        "disconnect-of-dead-interrupt",
        "disconnected twice",
        _CONNECTED,
        main(_MASK, _DISCONNECT, _DISCONNECT),
        main(_MASK, _DISCONNECT),
    ),
    Case(
        "R76",
        "disconnect-of-dead-interrupt",
        "disconnected though the connect failed",
        _CONNECTED,
        removal(_MASK, _DISCONNECT),
        removal(_MASK, "if self.Interrupt:", f"    {_DISCONNECT}"),
        "start=Drv.Start, finally_=Drv.Remove",
    ),
    Case(
        "R76",
        "disconnect-of-dead-interrupt",
        "disconnected with another version",
        _CONNECTED + main(_MASK, "self.Disconnect()"),
        _VERSION,
        _MATCHING,
    ),
    Case(
        "R76",
        "disconnect-of-dead-interrupt",
        "disconnected without the context of the connect",
        _CONNECTED + main(_MASK, "self.Disconnect()"),
        _EX.format(version="CONNECT_FULLY_SPECIFIED", interrupt="NULL"),
        _MATCHING,
    ),
    Case(
        "R76",
        "connect-overwrites-live-interrupt",
        "connected again over the pointer",
        SHARED + CONNECT + SERVE,
        main("IoConnectInterrupt(self.Interrupt, self.Isr)"),
        main(_MASK, _DISCONNECT, "IoConnectInterrupt(self.Interrupt, self.Isr)"),
    ),
)

_LEAVING = (
    Case(
        "R77",
        "use-after-free",
        "the device object is deleted before the disconnect",
        _CONNECTED + "Device = DEVICE_OBJECT()\n",
        removal(_MASK, "IoDeleteDevice(self.Device)", _DISCONNECT),
        removal(_MASK, _DISCONNECT, "IoDeleteDevice(self.Device)"),
        REMOVED,
    ),
    Case(
        "R77",
        "interrupt-left-connected",
        "the device object is deleted with the interrupt connected",
        _CONNECTED + "Device = DEVICE_OBJECT()\n",
        removal(_MASK, "IoDeleteDevice(self.Device)"),
        removal(_MASK, _DISCONNECT, "IoDeleteDevice(self.Device)"),
        REMOVED,
    ),
    Case(
        "R81",
        "interrupt-left-connected",
        "Remove does not disconnect",
        _CONNECTED,
        removal(_MASK),
        removal(_MASK, _DISCONNECT),
        REMOVED,
    ),
    Case(
        "R81",
        "interrupt-left-connected",
        "Remove only reports the interrupt inactive",
        _CONNECTED + _SOFT,
        removal(_MASK, "self.Inactive()"),
        removal(_MASK, "self.Inactive()", _DISCONNECT),
        REMOVED,
    ),
    Case(
        "R81",
        "interrupt-left-connected",
        "a start that fails later leaves the interrupt connected",
        WIRED + SERVE + removal("pass"),
        """
        def Start(self):
            status = IoConnectInterrupt(self.Interrupt, self.Isr)
            if not NT_SUCCESS(status):
                return status
            return STATUS_UNSUCCESSFUL
        """,
        """
        def Start(self):
            status = IoConnectInterrupt(self.Interrupt, self.Isr)
            if not NT_SUCCESS(status):
                return status
            IoDisconnectInterrupt(self.Interrupt)
            return STATUS_UNSUCCESSFUL
        """,
        "start=Drv.Start, finally_=Drv.Remove",
    ),
)

_SYNCHRONIZES = (
    "def Deferred(self, Dpc, DeferredContext):\n"
    "    KeSynchronizeExecution(self.Interrupt, self.Touch)\n"
)
_RECORD = "record = Record()\n"
_FLUSH = "KeFlushQueuedDpcs()"
_WRITES = "def Deferred(self, Dpc, DeferredContext):\n    self.record.value = 1\n"
_TIMER = "Timer = KTIMER()\n"

_AFTER = (
    Case(
        "R78",
        "synchronize-on-dead-interrupt",
        "a thread synchronises after the disconnect",
        _CONNECTED + TOUCH.format(work="pass"),
        main(_MASK, _DISCONNECT, SYNCHRONIZE),
        main(SYNCHRONIZE, _MASK, _DISCONNECT),
    ),
    Case(
        "R78",
        "synchronize-on-dead-interrupt",
        "a thread takes the interrupt spin lock after the disconnect",
        _CONNECTED,
        main(
            _MASK,
            _DISCONNECT,
            TAKE_INTERRUPT,
            GIVE_INTERRUPT,
        ),
        main(
            TAKE_INTERRUPT,
            GIVE_INTERRUPT,
            _MASK,
            _DISCONNECT,
        ),
    ),
    Case(
        "R78",
        "disconnect-of-dead-interrupt",
        "the interrupt is reported inactive after the disconnect",
        _CONNECTED + _SOFT,
        main(_MASK, _DISCONNECT, "self.Inactive()"),
        main(_MASK, "self.Inactive()", _DISCONNECT),
    ),
    Case(
        "R79",
        "synchronize-on-dead-interrupt",
        "a DPC synchronises after the disconnect",
        WIRED + QUEUE + TOUCH.format(work="pass") + _SYNCHRONIZES,
        main(_MASK, _DISCONNECT),
        main(_MASK, SYNCHRONIZE, _FLUSH, _DISCONNECT),
        processors=2,
    ),
    Case(
        "R79",
        "free-while-queued",
        "the device object is deleted with a DPC queued",
        WIRED + QUEUE + "Device = DEVICE_OBJECT()\n"
        "def Deferred(self, Dpc, DeferredContext):\n    pass\n",
        main(_MASK, _DISCONNECT, "IoDeleteDevice(self.Device)"),
        main(_MASK, _DISCONNECT, _FLUSH, "IoDeleteDevice(self.Device)"),
        processors=2,
    ),
    Case(
        "R79",
        "queue-left-pending",
        "the driver goes while its timer is armed",
        _CONNECTED + _TIMER,
        removal("KeSetTimer(self.Timer, 1)", _MASK, _DISCONNECT),
        removal("KeSetTimer(self.Timer, 1)", "KeCancelTimer(self.Timer)", _MASK, _DISCONNECT),
        REMOVED,
    ),
    Case(
        "R79",
        "use-after-free",
        "a DPC uses memory that is freed after the disconnect",
        WIRED + QUEUE + _RECORD + _WRITES,
        main(_MASK, _DISCONNECT, "ExFreePool(self.record)"),
        main(_MASK, _DISCONNECT, _FLUSH, "ExFreePool(self.record)"),
        processors=2,
    ),
    Case(
        "R79",
        "use-after-free",
        "a work item uses memory that is freed after the disconnect",
        _CONNECTED
        + _RECORD
        + """
Item = IO_WORKITEM()
Done = KEVENT(NotificationEvent, FALSE)
def Worker(self, DeviceObject, Context):
    self.record.value = 1
    KeSetEvent(self.Done)
""",
        main(
            "IoQueueWorkItem(self.Item, self.Worker)", _MASK, _DISCONNECT, "ExFreePool(self.record)"
        ),
        main(
            "IoQueueWorkItem(self.Item, self.Worker)",
            _MASK,
            _DISCONNECT,
            "KeWaitForSingleObject(self.Done)",
            "ExFreePool(self.record)",
        ),
    ),
    Case(
        "R79",
        "use-after-unmap",
        "a DPC touches registers that are unmapped after the disconnect",
        WIRED
        + QUEUE.replace("    KeInitializeDpc", "    MmMapIoSpace(self.nic)\n    KeInitializeDpc")
        + "def Deferred(self, Dpc, DeferredContext):\n    status = self.nic.cause\n",
        main(_MASK, _DISCONNECT, "MmUnmapIoSpace(self.nic)"),
        main(_MASK, _DISCONNECT, _FLUSH, "MmUnmapIoSpace(self.nic)"),
        processors=2,
    ),
)

_REMOVE_LOCK = """
RemoveLock = IO_REMOVE_LOCK()
record = Record()
def Start(self):
    IoInitializeRemoveLock(self.RemoveLock)
def Other(self):
    status = IoAcquireRemoveLock(self.RemoveLock)
    if not NT_SUCCESS(status):
        return status
    self.record.value = 1
    IoReleaseRemoveLock(self.RemoveLock)
    return status
"""
_REQUESTS = "start=Drv.Start, concurrently=[Drv.Main, Drv.Other]"
_HOLD = "IoAcquireRemoveLock(self.RemoveLock)"

_LOCKS = (
    Case(
        "R85",
        "use-after-free",
        "what requests use is freed without waiting for them",
        _REMOVE_LOCK,
        main(_HOLD, "IoReleaseRemoveLock(self.RemoveLock)", "ExFreePool(self.record)"),
        main(_HOLD, "IoReleaseRemoveLockAndWait(self.RemoveLock)", "ExFreePool(self.record)"),
        _REQUESTS,
    ),
    Case(
        "R85",
        "uninitialized-object",
        "the remove lock is initialised again after the removal",
        _REMOVE_LOCK,
        main(
            _HOLD,
            "IoReleaseRemoveLockAndWait(self.RemoveLock)",
            "IoInitializeRemoveLock(self.RemoveLock)",
        ),
        main(_HOLD, "IoReleaseRemoveLockAndWait(self.RemoveLock)"),
        _REQUESTS,
    ),
)

_ACTIVE = (
    Case(
        "R86",
        "irql-too-high",
        "reported inactive above DISPATCH_LEVEL",
        _CONNECTED + _SOFT,
        main(_MASK, "KeRaiseIrql(5, OldIrql)", "self.Inactive()", "KeLowerIrql(OldIrql)"),
        main(_MASK, "KeRaiseIrql(2, OldIrql)", "self.Inactive()", "KeLowerIrql(OldIrql)"),
    ),
    Case(
        "R86",
        "irql-too-high",
        "reported active by a service routine",
        WIRED + CONNECT + _SOFT,
        SERVE.replace("    return TRUE", "    self.Active()\n    return TRUE"),
        SERVE,
        STARTED,
    ),
    Case(
        "R86",
        "disconnect-of-dead-interrupt",
        "reported with another version",
        _CONNECTED + main(_MASK, "self.Inactive()"),
        _REPORT.format(version="CONNECT_LINE_BASED", interrupt="self.Interrupt"),
        _SOFT,
    ),
    Case(
        "R86",
        "disconnect-of-dead-interrupt",
        "reported without the context of the connect",
        _CONNECTED + main(_MASK, "self.Inactive()"),
        _REPORT.format(version="CONNECT_FULLY_SPECIFIED", interrupt="NULL"),
        _SOFT,
    ),
)

CASES = (*_QUIET, *_ONCE, *_LEAVING, *_AFTER, *_LOCKS, *_ACTIVE)
