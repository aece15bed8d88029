"""virtio-win vioserial, fixed: a message is acted upon under the lock under which it was taken.

The twin of vioserial_control_order.py. The handler keeps CVqLock from the first message to the
last. A second instance waits, and finds what has come meanwhile, or nothing. That is possible here
because acting upon a message is short and takes no other lock; where it is long, the second
instance must leave a note to the first and go.

Source of the driver: virtio-win/kvm-guest-drivers-windows pull request 96, "fix
VIRTIO_CONSOLE_PORT_OPEN fails".
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
            self.VIOSerialHandleCtrlMsg(message)
            message = self.console.get_buf()
        KeReleaseSpinLockFromDpcLevel(self.CVqLock)

    def VIOSerialHandleCtrlMsg(self, message):
        assert message > self.LastHandled, "messages are acted upon in the order of their arrival"
        self.LastHandled = message


scenario = Scenario(
    start=Vioserial.VIOSerialEvtDeviceD0Entry,
    processors=[1, 2],
    expect={1: Holds(states=360), 2: Holds(states=1639)},
)
