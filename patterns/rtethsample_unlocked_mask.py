"""RtEthSample, mutated: the interrupt mask is recomputed without the interrupt lock.

RtEthSample is Microsoft's sample of a NetAdapterCx driver, for Realtek cards. It has no bug here;
this file is the sample without its key idea, to show what the idea is for. NetAdapterCx polls a
queue until it is empty, arms the queue's notification, polls once more and sleeps. Whether a queue
is armed is kept in a flag, and the mask register IMR is always computed afresh from the flags, in
RtUpdateImr and in the service routine alike. The sample does so under the interrupt lock. Here
RtUpdateImr does not take it.

Source: NetAdapter-Cx-Driver-Samples RtEthSample, interrupt.cpp and rxqueue.cpp; the sample as it
is: `rtethsample_unlocked_mask_fixed.py`. Transmission, and what a link change leads to, are left
out, and with them the saved status word; the interrupt goes to the first processor.

In the trace, a link change calls the service routine, which computes the mask of an unarmed queue.
Before it is written, the queue is armed on the other processor, and its mask goes in. Then the old
mask follows. The flag says armed, the register says masked, and the packet is never noticed. One
processor cannot run the two at once.
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
        imr = self.RxNotifyArmed
        self.nic.imr = imr

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
    expect={1: Holds(states=30341), 2: Violated("unserviced-cause", steps=20, states=3455)},
)
