"""virtio-win viorng: a cancelled read is completed by nobody.

A read waits in a slot until the device delivers; it is cancelable meanwhile. The DPC takes it out
of the slot, asks the framework to make it uncancelable, and completes it, unless the framework
answers STATUS_CANCELLED: then the cancel routine owns it. The cancel routine completes the read
if it finds it in the slot.

Bug: when the cancellation has begun and the cancel routine has not yet looked, the DPC empties the
slot and leaves the read to the cancel routine, which finds nothing and leaves it to the DPC. The
read stays pending for ever, and with it the process that wants to exit.

Source: virtio-win/kvm-guest-drivers-windows: commits 4fa32a7b, 7cde90d7.

CancelState is the framework's, exchanged atomically; WdfRequestUnmarkCancelable and CancelIo are
written as what matters of them. The trace ends at the step after which nothing can complete the
read any more: the cancellation has begun, and the DPC will come before the cancel routine.
"""

from dirql.model.wdk import *

NOT_CANCELABLE = 0
CANCELABLE = 1
CANCELLED = 2


class Rng(Device):
    """Delivers random bytes once it has a buffer."""

    has_buffer = Bit(0)
    delivered = Bit(0)

    def line(self):
        return self.delivered

    @hardware
    def delivers(self):
        if self.has_buffer:
            self.has_buffer = 0
            self.delivered = 1

    def read_isr_status(self):
        status = self.delivered
        self.delivered = 0
        return status


class Request(Structure):
    CancelState = Int(0, 2)
    completions = Int(0, 1)
    completed = KEVENT(NotificationEvent, FALSE)


class Viorng(Driver):
    rng = Rng(Line(irql=6, mode=LevelSensitive))
    PhysicalDevice = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()
    Lock = KSPIN_LOCK()
    request = Request()
    Pending = Reference(Request)

    def Start(self):
        KeInitializeDpc(self.Dpc, self.VirtRngEvtInterruptDpc)
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED
        parameters.FullySpecified.PhysicalDeviceObject = self.PhysicalDevice
        parameters.FullySpecified.InterruptObject = self.Interrupt
        parameters.FullySpecified.ServiceRoutine = self.VirtRngEvtInterruptIsr
        # Only the first processor is interrupted, which is enough for this story.
        parameters.FullySpecified.ProcessorEnableMask = 1
        return IoConnectInterruptEx(parameters)

    def VirtRngEvtInterruptIsr(self, Interrupt, ServiceContext):
        if not self.rng.read_isr_status():
            return FALSE
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def VirtRngEvtInterruptDpc(self, Dpc, DeferredContext):
        KeAcquireSpinLockAtDpcLevel(self.Lock)
        request = self.Pending
        self.Pending = NULL
        KeReleaseSpinLockFromDpcLevel(self.Lock)
        if request:
            if self.WdfRequestUnmarkCancelable(request) != STATUS_CANCELLED:
                self.WdfRequestComplete(request)

    def VirtRngEvtRequestCancel(self, request):
        KeAcquireSpinLock(self.Lock, OldIrql)
        found = self.Pending
        self.Pending = NULL
        KeReleaseSpinLock(self.Lock, OldIrql)
        if found == request:
            self.WdfRequestComplete(request)

    def Read(self):
        """The application's read, from the driver's queue to the return to the application."""
        KeAcquireSpinLock(self.Lock, OldIrql)
        self.Pending = self.request
        InterlockedExchange(self.request.CancelState, CANCELABLE)
        KeReleaseSpinLock(self.Lock, OldIrql)
        self.rng.has_buffer = 1
        KeWaitForSingleObject(self.request.completed)
        return STATUS_SUCCESS

    def CancelIo(self):
        """The framework's part of a cancellation: only a cancelable request reaches the driver."""
        old = InterlockedCompareExchange(self.request.CancelState, CANCELLED, CANCELABLE)
        if old == CANCELABLE:
            self.VirtRngEvtRequestCancel(self.request)

    def WdfRequestUnmarkCancelable(self, request):
        old = InterlockedCompareExchange(request.CancelState, NOT_CANCELABLE, CANCELABLE)
        return STATUS_CANCELLED if old == CANCELLED else STATUS_SUCCESS

    def WdfRequestComplete(self, request):
        request.completions += 1
        KeSetEvent(request.completed)


scenario = Scenario(
    start=Viorng.Start,
    concurrently=[Viorng.Read, Viorng.CancelIo],
    processors=[1, 2, 3],
    expect={
        1: Violated("stuck-context", steps=13, states=1280),
        2: Violated("stuck-context", steps=20, states=1915),
        3: Violated("stuck-context", steps=20, states=2570),
    },
)
