"""virtio-win NetKVM, fixed: the error path synchronises only with an interrupt that is registered.

The twin of netkvm_sync_unregistered.py. Without an interrupt there is no service routine to keep
away, so the device is reset directly. That is enough because the handle is stored once, by the
thread that starts the adapter, and cleared only by the clean-up itself.

Source: virtio-win/kvm-guest-drivers-windows: commit 796f64ae.
"""

from dirql.model.wdk import *


class VirtioNet(Device):
    """The card: a status bit that is cleared when read, silent until the driver says DRIVER_OK."""

    driver_ok = Bit(0)
    isr_status = Bit(0)

    def line(self):
        return self.isr_status

    @hardware
    def packet_arrives(self):
        if self.driver_ok:
            self.isr_status = 1

    def read_isr_status(self):
        status = self.isr_status
        self.isr_status = 0
        return status

    def reset(self):
        self.driver_ok = 0
        self.isr_status = 0


class NetKvm(Driver):
    net = VirtioNet(Line(irql=7, mode=LevelSensitive))
    InterruptHandle = PKINTERRUPT()
    InterruptDpc = KDPC()

    def ParaNdis6_Initialize(self):
        status = self.ParaNdis_InitializeContext()
        if not NT_SUCCESS(status):
            self.ParaNdis_CleanupContext()
        return status

    def ParaNdis_InitializeContext(self):
        shared_memory_is_there = choose(0, 1)
        if not shared_memory_is_there:
            return STATUS_INSUFFICIENT_RESOURCES
        KeInitializeDpc(self.InterruptDpc, self.MiniportInterruptDPC)
        status = IoConnectInterrupt(self.InterruptHandle, self.MiniportInterrupt)
        if not NT_SUCCESS(status):
            return status
        self.net.driver_ok = 1
        return STATUS_SUCCESS

    def MiniportInterrupt(self, Interrupt, ServiceContext):
        if not self.net.read_isr_status():
            return FALSE
        KeInsertQueueDpc(self.InterruptDpc)
        return TRUE

    def MiniportInterruptDPC(self, Dpc, DeferredContext):
        pass

    def ParaNdis_CleanupContext(self):
        if self.InterruptHandle:
            KeSynchronizeExecution(self.InterruptHandle, self.SynchronizedReset)
            IoDisconnectInterrupt(self.InterruptHandle)
            self.InterruptHandle = NULL
        else:
            self.net.reset()

    def SynchronizedReset(self, SynchronizeContext):
        self.net.reset()
        return TRUE

    def ParaNdis6_Halt(self):
        self.ParaNdis_CleanupContext()
        KeFlushQueuedDpcs()


scenario = Scenario(
    start=NetKvm.ParaNdis6_Initialize,
    concurrently=[NetKvm.ParaNdis6_Halt],
    processors=[1, 2],
    expect={
        1: Holds(states=176),
        2: Holds(states=876),
    },
)
