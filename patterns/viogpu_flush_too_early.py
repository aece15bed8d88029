"""virtio-win viogpu, mutated: the driver waits for its DPC before it silences the device.

VioGpuAdapterClose takes the adapter apart when the system shuts down or the device is stopped. Once
it deleted the queues under a DPC that was still queued, so it now waits for DPCs. The order is what
this file is about: here the wait comes first, before the device is reset and its interrupt is
disconnected.

Bug: KeFlushQueuedDpcs waits for DPCs that are queued when it is called. The device may interrupt
between its return and the reset; the service routine queues a new DPC, and DequeueBuffer walks a
queue that has been deleted.

Source: virtio-win/kvm-guest-drivers-windows commit 38ed387b and pull request 1528, which added the
wait (with the stack of the crash); the documentation of KeFlushQueuedDpcs.

In the trace look at the service routine that runs after "KeFlushQueuedDpcs waits". One processor is
safe: there the new DPC ends before the thread goes on.
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
        KeFlushQueuedDpcs()
        self.gpu.reset()
        IoDisconnectInterrupt(self.Interrupt)
        ExFreePool(self.m_CtrlQueue)


scenario = Scenario(
    start=VioGpuDod.VioGpuAdapterInit,
    concurrently=[VioGpuDod.VioGpuAdapterClose],
    processors=[1, 2],
    expect={1: Holds(states=569), 2: Violated("use-after-free", steps=20, states=1208)},
)
