"""KMDF, as it is: the thunk remembers the interrupt object that it was called with.

The twin of kmdf_edge_during_connect.py. For an edge-triggered line the thunk stores its argument
Interrupt in m_InterruptCaptured and calls the driver, whatever m_Interrupt holds. Whoever needs the
object, as WdfInterruptSynchronize in the driver's DPC, takes m_Interrupt, or else the captured
pointer.

It is enough while connecting, because an interrupt object exists as long as service routines are
called for it, and one of the two pointers is stored before a DPC can ask. Disconnecting needs more:
kmdf_captured_after_disconnect.py.

Source: Windows-Driver-Frameworks, src/framework/shared/irphandlers/pnp/km/interruptobjectkm.cpp.
"""

from dirql.model.wdk import *

DIRQL = 6


class LidSwitch(Device):
    """A switch on a pin: an edge for each move, and no register to ask afterwards."""

    moved = Bit(0)
    delivered = Bit(0)

    def line(self):
        return self.moved

    def waiting(self):
        return self.delivered

    @hardware
    def lid_moves(self):
        self.moved = 1

    def interrupt_delivered(self):
        self.delivered = 1

    def take_move(self):
        self.moved = 0
        self.delivered = 0


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
        self.lid.interrupt_delivered()
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


scenario = Scenario(
    start=FxInterrupt.FxInterruptConnect,
    processors=[1, 2],
    properties=["unserviced-cause", "synchronize-on-dead-interrupt", "data-race"],
    expect={1: Holds(states=546), 2: Holds(states=17638)},
)
