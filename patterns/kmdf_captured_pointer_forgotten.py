"""KMDF, as published: the captured pointer is forgotten before the DPCs that may use it have ended.

WdfInterruptSynchronize takes m_Interrupt, or, if that is NULL, the pointer that the thunk captured
for an edge during the connect call. Disconnecting first keeps the thunk from capturing again, then
sets m_InterruptCaptured to NULL, and then waits for DPCs.

Bug: a DPC can be between its two reads. It found m_Interrupt NULL, because the connect call had not
stored it yet; by the time it reads the captured pointer, the connect call has returned, and
disconnecting has begun and has set that pointer to NULL. The DPC synchronises with NULL. The
reasoning in the source is sound for the thunk, and does not mention the DPC.

Source: Windows-Driver-Frameworks, src/framework/shared/irphandlers/pnp/interruptobject.cpp
(Disconnect) and the framework's fxinterrupt.hpp (GetInterruptPtr).

Nobody looked for this one; it was found when the repair of kmdf_edge_during_connect.py was checked
on the way down too. It needs a DPC that is held up for as long as the rest of the connect call
takes, and a device that is stopped at once: not likely, and not excluded by anything. In the trace
look at the two reads of the DPC and at what the thread does between them, on another processor; on
one processor it cannot.
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
    m_Disconnecting = Bit(0)
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
        if self.m_Disconnecting:
            return FALSE
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

    def FxInterruptMarkDisconnecting(self, SyncContext):
        self.m_Disconnecting = TRUE
        return TRUE

    def FxInterruptDisconnect(self):
        KeSynchronizeExecution(self.m_Interrupt, self.FxInterruptMarkDisconnecting)
        self.m_InterruptCaptured = NULL
        KeFlushQueuedDpcs()
        interruptObject = self.m_Interrupt
        self.m_Interrupt = NULL
        parameters = IO_DISCONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP
        parameters.ConnectionContext.InterruptObject = interruptObject
        IoDisconnectInterruptEx(parameters)
        self.m_Disconnecting = FALSE


scenario = Scenario(
    start=FxInterrupt.FxInterruptConnect,
    concurrently=[FxInterrupt.FxInterruptDisconnect],
    processors=[1, 2],
    properties=["synchronize-on-dead-interrupt", "data-race"],
    expect={
        1: Holds(states=946),
        2: Violated("synchronize-on-dead-interrupt", steps=24, states=4320),
    },
)
