"""virtio-win viogpu, fixed: silence the device, disconnect, then wait for the last DPC.

The twin of viogpu_flush_too_early.py: one line has moved. After the reset the device does not
interrupt, and after the disconnect no service routine runs, so the DPCs that are queued by then are
all there will ever be. The wait is for these, and the queue is deleted after it.

Source: virtio-win/kvm-guest-drivers-windows commit 38ed387b; "Releasing driver-allocated resources"
in the Windows driver documentation has the same order.
"""

from dirql.model.wdk import *


class VirtioGpu(Device):
    """The display adapter: it answers commands while it runs; its status is cleared when read."""

    running = Bit(0)
    isr_status = Bit(0)

    def line(self):
        return self.isr_status

    @hardware
    def command_done(self):
        if self.running:
            self.isr_status = 1

    def read_isr_status(self):
        status = self.isr_status
        self.isr_status = 0
        return status

    def reset(self):
        self.running = 0
        self.isr_status = 0


class CtrlQueue(Structure):
    last_used = Bit(0)


class VioGpuDod(Driver):
    gpu = VirtioGpu(Line(irql=7, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()
    m_CtrlQueue = CtrlQueue()

    def VioGpuAdapterInit(self):
        KeInitializeDpc(self.Dpc, self.DpcRoutine)
        status = IoConnectInterrupt(self.Interrupt, self.InterruptRoutine)
        if not NT_SUCCESS(status):
            return status
        self.gpu.running = 1
        return STATUS_SUCCESS

    def InterruptRoutine(self, Interrupt, ServiceContext):
        if not self.gpu.read_isr_status():
            return FALSE
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def DpcRoutine(self, Dpc, DeferredContext):
        InterlockedExchange(self.m_CtrlQueue.last_used, 1)

    def VioGpuAdapterClose(self):
        self.gpu.reset()
        IoDisconnectInterrupt(self.Interrupt)
        KeFlushQueuedDpcs()
        ExFreePool(self.m_CtrlQueue)


scenario = Scenario(
    start=VioGpuDod.VioGpuAdapterInit,
    concurrently=[VioGpuDod.VioGpuAdapterClose],
    processors=[1, 2],
    expect={1: Holds(states=221), 2: Holds(states=1993)},
)
