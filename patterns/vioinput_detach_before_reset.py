"""virtio-win vioinput: buffers are taken back from a device that is still running.

The driver keeps buffers posted on the event queue; the device writes an event into one of them
whenever a key is pressed. When the device leaves D0, the driver takes back what is unused
(virtqueue_detach_unused_buf), frees it, and then resets the device.

Bug: detaching changes the driver's books only. The buffer stands in the ring until the reset, and
the device, which knows nothing of the driver's books, writes the next event into freed memory. That
the interrupt is off by then does not matter: it is the device's write, not the driver's.

Source: virtio-win/kvm-guest-drivers-windows pull request 214 and commit 99caebe0, "vioinput: Reset
device before detaching unused buffers"; before it the same in vioserial, Red Hat bug 1520352.

The page that holds the buffer is part of the device here, because it is the device that writes to
it; freed is a bit of the page. In the trace look at the hardware event at the end.
"""

from dirql.model.wdk import *


class VirtioInput(Device):
    """The keyboard: the ring with its one buffer, the page of that buffer, an ISR status."""

    driver_ok = Bit(0)
    interrupts = Bit(0)
    available = Bit(0)
    used = Bit(0)
    page_freed = Bit(0)

    def line(self):
        return self.used and self.interrupts

    @hardware
    def key_pressed(self):
        if self.driver_ok and self.available:
            assert not self.page_freed, "the memory that the device writes to is not freed"
            self.available = 0
            self.used = 1

    def take_used(self):
        used = self.used
        self.used = 0
        return used

    def reset(self):
        self.driver_ok = 0
        self.available = 0
        self.used = 0


class VioInput(Driver):
    input = VirtioInput(Line(irql=6, mode=LevelSensitive))
    PhysicalDevice = DEVICE_OBJECT()
    m_Interrupt = PKINTERRUPT()
    m_Dpc = KDPC()
    Posted = Bit(0)
    EventQLock = KSPIN_LOCK()

    def EnterD0(self):
        """The driver posts its buffer; the framework connects and has the interrupt enabled."""
        self.Posted = 1
        self.input.available = 1
        KeInitializeDpc(self.m_Dpc, self.VIOInputQueuesInterruptDpc)
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED
        parameters.FullySpecified.PhysicalDeviceObject = self.PhysicalDevice
        parameters.FullySpecified.InterruptObject = self.m_Interrupt
        parameters.FullySpecified.ServiceRoutine = self.VIOInputInterruptIsr
        status = IoConnectInterruptEx(parameters)
        if not NT_SUCCESS(status):
            return status
        KeSynchronizeExecution(self.m_Interrupt, self.VIOInputInterruptEnable)
        self.input.driver_ok = 1
        return STATUS_SUCCESS

    def VIOInputInterruptEnable(self, Context):
        self.input.interrupts = 1
        return TRUE

    def VIOInputInterruptDisable(self, Context):
        self.input.interrupts = 0
        return TRUE

    def VIOInputInterruptIsr(self, Interrupt, ServiceContext):
        if not self.input.take_used():
            return FALSE
        KeInsertQueueDpc(self.m_Dpc)
        return TRUE

    def VIOInputQueuesInterruptDpc(self, Dpc, DeferredContext):
        """Hand the event on and post its buffer again."""
        KeAcquireSpinLockAtDpcLevel(self.EventQLock)
        self.input.available = 1
        KeReleaseSpinLockFromDpcLevel(self.EventQLock)

    def LeaveD0(self):
        """The framework's order; the driver's part is D0Exit."""
        KeSynchronizeExecution(self.m_Interrupt, self.VIOInputInterruptDisable)
        KeFlushQueuedDpcs()
        parameters = IO_DISCONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED
        parameters.ConnectionContext.InterruptObject = self.m_Interrupt
        IoDisconnectInterruptEx(parameters)
        self.VIOInputEvtDeviceD0Exit()

    def VIOInputEvtDeviceD0Exit(self):
        self.DetachUnusedBuffers()
        self.input.reset()

    def DetachUnusedBuffers(self):
        KeAcquireSpinLock(self.EventQLock, OldIrql)
        if self.Posted:
            self.Posted = 0
            self.input.page_freed = 1
        KeReleaseSpinLock(self.EventQLock, OldIrql)


scenario = Scenario(
    start=VioInput.EnterD0,
    concurrently=[VioInput.LeaveD0],
    processors=[1, 2],
    expect={
        1: Violated("assertion-failed", steps=29, states=274),
        2: Violated("assertion-failed", steps=29, states=1087),
    },
)
