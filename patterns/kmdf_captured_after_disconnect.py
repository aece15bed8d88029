"""KMDF, mutated: the pointer captured for an edge outlives the interrupt object.

For edge-triggered lines FxInterruptThunk captures the interrupt object that it is called with
(kmdf_edge_during_connect_fixed.py). Disconnecting must forget it again. This file is the framework
without the flag m_Disconnecting, to show what that flag is for.

Bug: DPCs are waited for, and both pointers are set to NULL. A lid switch cannot be told to be
quiet, so an interrupt may come after all this and before the disconnect. Its thunk captures the
object once more and queues a DPC that nobody waits for. That DPC finds both pointers NULL, or a
captured one whose object has been disconnected; which, depends on the moment.

Source: Windows-Driver-Frameworks, src/framework/shared/irphandlers/pnp/interruptobject.cpp
(Disconnect) and km/interruptobjectkm.cpp (_InterruptThunk, _InterruptMarkDisconnecting).

The captured pointer is forgotten after the wait here; before it, as in the source, is a story of
its own (kmdf_captured_pointer_forgotten.py). In the trace look at the DPC that starts after
"KeFlushQueuedDpcs waits". One processor is safe: there that DPC ends before the thread goes on.
"""

from dirql.model.wdk import *

DIRQL = 6


class LidSwitch(Device):
    """A switch on a pin: an edge for each move, and no register to ask afterwards."""

    moved = Bit(0)

    def line(self):
        return self.moved

    @hardware
    def lid_moves(self):
        self.moved = 1

    def take_move(self):
        self.moved = 0


class FxInterrupt(Driver):
    lid = LidSwitch(Line(irql=DIRQL, mode=Latched))
    PhysicalDevice = DEVICE_OBJECT()
    m_Interrupt = PKINTERRUPT(volatile=True)
    m_InterruptCaptured = PKINTERRUPT(volatile=True)
    m_Dpc = KDPC()
    m_BuiltInSpinLock = KSPIN_LOCK()
    LidMoves = Bit(0)

    def LidEvtInterruptIsr(self):
        self.lid.take_move()
        self.LidMoves = 1
        KeInsertQueueDpc(self.m_Dpc)
        return TRUE

    def LidEvtInterruptDpc(self, Dpc, Context):
        self.WdfInterruptSynchronize(self.LidTakeMoves)

    def LidTakeMoves(self, Context):
        self.LidMoves = 0
        return TRUE

    def WdfInterruptSynchronize(self, Callback):
        interrupt = self.m_Interrupt
        if not interrupt:
            interrupt = self.m_InterruptCaptured
        return KeSynchronizeExecution(interrupt, Callback)

    def FxInterruptThunk(self, Interrupt, ServiceContext):
        self.m_InterruptCaptured = Interrupt
        return self.LidEvtInterruptIsr()

    def FxInterruptConnect(self):
        KeInitializeDpc(self.m_Dpc, self.LidEvtInterruptDpc)
        KeInitializeSpinLock(self.m_BuiltInSpinLock)
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP
        parameters.FullySpecified.PhysicalDeviceObject = self.PhysicalDevice
        parameters.FullySpecified.InterruptObject = self.m_Interrupt
        parameters.FullySpecified.ServiceRoutine = self.FxInterruptThunk
        parameters.FullySpecified.SpinLock = self.m_BuiltInSpinLock
        parameters.FullySpecified.FloatingSave = FALSE
        parameters.FullySpecified.Irql = DIRQL
        parameters.FullySpecified.SynchronizeIrql = DIRQL
        parameters.FullySpecified.Group = 0
        parameters.FullySpecified.InterruptMode = Latched
        parameters.FullySpecified.ShareVector = FALSE
        return IoConnectInterruptEx(parameters)

    def FxInterruptDisconnect(self):
        KeFlushQueuedDpcs()
        self.m_InterruptCaptured = NULL
        interruptObject = self.m_Interrupt
        self.m_Interrupt = NULL
        parameters = IO_DISCONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP
        parameters.ConnectionContext.InterruptObject = interruptObject
        IoDisconnectInterruptEx(parameters)


scenario = Scenario(
    start=FxInterrupt.FxInterruptConnect,
    concurrently=[FxInterrupt.FxInterruptDisconnect],
    processors=[1, 2],
    properties=["synchronize-on-dead-interrupt", "data-race"],
    expect={
        1: Holds(states=1565),
        2: Violated("synchronize-on-dead-interrupt", steps=21, states=4642),
    },
)
