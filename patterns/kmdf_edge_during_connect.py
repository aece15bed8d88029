"""KMDF, as it was: an edge that arrives while the interrupt is being connected is thrown away.

FxInterruptThunk is the framework's own service routine; it calls the driver's EvtInterruptIsr. As
long as m_Interrupt is NULL it takes every call for a spurious one and returns FALSE, for the lock
routines that the driver will use need that pointer.

Bug: IoConnectInterruptEx arms the interrupt before it stores the pointer. A level line insists, and
is heard a moment later. An edge is forgotten once the service routine has been called, and for a
button or a lid switch on a GPIO pin the edge is all there is: its driver goes on believing that the
lid is open.

Source: Windows-Driver-Frameworks, src/framework/shared/irphandlers/pnp/km/interruptobjectkm.cpp
(_InterruptThunk): the comment beside the repair describes this loss; and "Handling active both
interrupts" in the Windows driver documentation (KMDF 1.13 and before).

The switch cannot be told to be quiet, so it is asked only about an edge for which the system has
called the service routine; an edge before the connect call is another story
(pending_cause_at_start.py). In the trace look at the thunk's read of m_Interrupt, between the two
halves of IoConnectInterruptEx.
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
        return KeSynchronizeExecution(self.m_Interrupt, Callback)

    def FxInterruptThunk(self, Interrupt, ServiceContext):
        self.lid.interrupt_delivered()
        if not self.m_Interrupt:
            return FALSE
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
    expect={
        1: Violated("unserviced-cause", steps=10, states=63),
        2: Violated("unserviced-cause", steps=10, states=140),
    },
)
