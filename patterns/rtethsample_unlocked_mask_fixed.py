"""RtEthSample as it is: the interrupt mask is a function of flags, computed under one lock.

Two rules make the notification of a queue reliable. A queue is armed and disarmed by
InterlockedExchange on its flag, so exactly one DPC consumes each arming. And the mask register is
never changed bit by bit, but computed from the flags, and only with the interrupt lock held:
whoever writes it last has seen the newest flags.

It holds that a packet in the ring of a queue that is armed, or about to be, will be noticed. The
last word is NetAdapterCx's: it polls once more after it has armed. A packet that came before the
arming may already have been acknowledged together with a link change, and left to nobody.

The driver reads the flag plainly, as one aligned LONG; volatile says so here.

Source: NetAdapter-Cx-Driver-Samples RtEthSample, interrupt.cpp and rxqueue.cpp; the second poll is
in Network-Adapter-Class-Extension, nxrxxlat.cpp.
"""

from dirql.model.wdk import *


class Status(IntFlag):
    RxInterrupt = 1
    LinkChange = 2


class Rtl8168D(Device):
    """The card: packets in a ring, a status register, and a mask bit for packets.

    Link changes are never masked, as in the sample.
    """

    started = Bit(0)
    ring = Bit(0)
    isr = Int(0, 3)
    imr = Bit(0)

    def line(self):
        return self.isr & Status.LinkChange or (self.isr & Status.RxInterrupt and self.imr)

    def waiting(self):
        return self.ring

    def acknowledge(self, bits):
        self.isr &= ~bits

    @hardware
    def packet_arrives(self):
        if self.started:
            self.ring = 1
            self.isr |= Status.RxInterrupt

    @hardware
    def link_changes(self):
        if self.started:
            self.isr |= Status.LinkChange


class RtEthSample(Driver):
    nic = Rtl8168D(Line(irql=7, mode=LevelSensitive))
    PhysicalDevice = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()
    RxNotifyArmed = Bit(0, volatile=True)
    MoreReceivedPackets = KEVENT(SynchronizationEvent, FALSE)

    def EvtDevicePrepareHardware(self):
        KeInitializeDpc(self.Dpc, self.EvtInterruptDpc)
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED
        parameters.FullySpecified.PhysicalDeviceObject = self.PhysicalDevice
        parameters.FullySpecified.InterruptObject = self.Interrupt
        parameters.FullySpecified.ServiceRoutine = self.EvtInterruptIsr
        parameters.FullySpecified.ProcessorEnableMask = 1
        status = IoConnectInterruptEx(parameters)
        if NT_SUCCESS(status):
            self.nic.started = 1
        return status

    def EvtInterruptIsr(self, Interrupt, ServiceContext):
        newWork = self.nic.isr
        if not newWork:
            return FALSE
        self.nic.acknowledge(newWork)
        imr = self.RxNotifyArmed
        if newWork & Status.RxInterrupt:
            imr = 0
            KeInsertQueueDpc(self.Dpc)
        self.nic.imr = imr
        return TRUE

    def EvtInterruptDpc(self, Dpc, Context):
        if InterlockedExchange(self.RxNotifyArmed, FALSE):
            KeSetEvent(self.MoreReceivedPackets, IO_NO_INCREMENT, FALSE)

    def RtUpdateImr(self):
        OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
        imr = self.RxNotifyArmed
        self.nic.imr = imr
        KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)

    def EvtRxQueueSetNotificationEnabled(self):
        InterlockedExchange(self.RxNotifyArmed, TRUE)
        self.RtUpdateImr()

    def ReceiveThread(self):
        while TRUE:
            self.nic.ring = 0
            self.EvtRxQueueSetNotificationEnabled()
            if not self.nic.ring:
                KeWaitForSingleObject(self.MoreReceivedPackets, Executive, KernelMode, FALSE, NULL)


scenario = Scenario(
    start=RtEthSample.EvtDevicePrepareHardware,
    concurrently=[RtEthSample.ReceiveThread],
    processors=[1, 2],
    expect={1: Holds(states=34083), 2: Holds(states=86945)},
)
