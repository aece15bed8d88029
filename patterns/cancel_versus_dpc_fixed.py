"""virtio-win viorng, fixed: the cancel routine always completes the read.

The twin of cancel_versus_dpc.py. The cancel routine takes the read out of the slot if it is still
there, under the lock, and completes it in any case. Exactly one of the two completes: the atomic
change of CancelState decides which, and the slot only tells the DPC whether there is work. The
counter of completions would leave its bounds if both did.

Source: virtio-win/kvm-guest-drivers-windows: commits 4fa32a7b, 7cde90d7.
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
        if self.Pending == request:
            self.Pending = NULL
        KeReleaseSpinLock(self.Lock, OldIrql)
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
    expect={1: Holds(states=1260), 2: Holds(states=1920), 3: Holds(states=2565)},
)
