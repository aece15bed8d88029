"""virtio-win vioserial: messages are taken from a queue under a lock and acted upon outside it.

The host tells the driver over a control queue whether anybody listens at the other end of a port.
VIOSerialCtrlWorkHandler takes one message after the other, each under the lock of the queue, and
lets VIOSerialHandleCtrlMsg store what it says, without the lock.

Bug: two instances of the handler run on two processors if the second message comes while the first
is being handled. The lock gives each message to one of them, and no more: the later message can
be acted upon first, and the earlier one then overwrites it. The port stays closed although the
host has opened it.
Source: virtio-win/kvm-guest-drivers-windows pull request 96, "fix VIRTIO_CONSOLE_PORT_OPEN fails",
whose log shows close and open being handled side by side after a reboot of the guest.

In the trace look at the two releases of CVqLock and at which message is acted upon first. One
processor is safe: one instance of a DPC ends before the next begins. Messages are numbered here,
and acting upon one asserts that it is newer than the last.
"""

from dirql.model.wdk import *

MESSAGES = 2


class VirtioConsole(Device):
    """The control queue: messages numbered in order, a status bit that is cleared when read."""

    driver_ok = Bit(0)
    isr_status = Bit(0)
    sent = Int(0, MESSAGES)
    taken = Int(0, MESSAGES)

    def line(self):
        return self.isr_status

    @hardware
    def host_sends(self):
        if self.driver_ok and self.sent < MESSAGES:
            self.sent += 1
            self.isr_status = 1

    def read_isr_status(self):
        status = self.isr_status
        self.isr_status = 0
        return status

    def get_buf(self):
        if self.taken < self.sent:
            self.taken += 1
            return self.taken
        return 0


class Vioserial(Driver):
    console = VirtioConsole(Line(irql=5, mode=LevelSensitive))
    PhysicalDevice = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()
    CVqLock = KSPIN_LOCK()
    LastHandled = Int(0, MESSAGES)

    def VIOSerialEvtDeviceD0Entry(self):
        KeInitializeDpc(self.Dpc, self.VIOSerialCtrlWorkHandler)
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED
        parameters.FullySpecified.PhysicalDeviceObject = self.PhysicalDevice
        parameters.FullySpecified.InterruptObject = self.Interrupt
        parameters.FullySpecified.ServiceRoutine = self.VIOSerialInterruptIsr
        status = IoConnectInterruptEx(parameters)
        if not NT_SUCCESS(status):
            return status
        self.console.driver_ok = 1
        return STATUS_SUCCESS

    def VIOSerialInterruptIsr(self, Interrupt, ServiceContext):
        if not self.console.read_isr_status():
            return FALSE
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def VIOSerialCtrlWorkHandler(self, Dpc, DeferredContext):
        KeAcquireSpinLockAtDpcLevel(self.CVqLock)
        message = self.console.get_buf()
        while message:
            KeReleaseSpinLockFromDpcLevel(self.CVqLock)
            self.VIOSerialHandleCtrlMsg(message)
            KeAcquireSpinLockAtDpcLevel(self.CVqLock)
            message = self.console.get_buf()
        KeReleaseSpinLockFromDpcLevel(self.CVqLock)

    def VIOSerialHandleCtrlMsg(self, message):
        assert message > self.LastHandled, "messages are acted upon in the order of their arrival"
        self.LastHandled = message


scenario = Scenario(
    start=Vioserial.VIOSerialEvtDeviceD0Entry,
    processors=[1, 2],
    expect={1: Holds(states=448), 2: Violated("assertion-failed", steps=30, states=2091)},
)
