"""Connecting and disconnecting: which interrupt object is alive, when the device may speak."""

from dirql.model.algebra import conjunction, disjunction, member, negation
from dirql.model.expr import Expression, Read
from dirql.model.kernel.world import (
    CONNECTED,
    DISCONNECTED,
    DISCONNECTING,
    INACTIVE,
    NEVER_CONNECTED,
)
from dirql.model.machine import Invariant
from dirql.model.system import LineFacts, System

from .property import AtRest, Conditions

SERVED = (CONNECTED, DISCONNECTING)
"""States of an interrupt object in which its service routine is called."""

SILENCED = (INACTIVE, DISCONNECTED)
"""States in which it is not called any more."""

REGISTERED = (CONNECTED, INACTIVE)
"""States in which the system keeps the service routine's address, and nobody is taking it out."""


def synchronize_on_dead_interrupt(_system: System) -> Conditions:
    """The interrupt lock is taken through an interrupt object that is NULL or disconnected.

    What it checks:
        At KeSynchronizeExecution, KeAcquireInterruptSpinLock and its release, that the pointer
        names an interrupt object that is connected at that moment.

    Why it matters:
        The object is freed by disconnect. A DPC that was queued before, and ends in
        KeSynchronizeExecution, then reads NULL or freed pool and spins on whatever lies there.

    Example:
        def PowerDown(self):
            IoDisconnectInterrupt(self.Interrupt)
            self.Interrupt = NULL                      # a queued NICDpc still runs

        def NICDpc(self, Dpc, DeferredContext):
            KeSynchronizeExecution(self.Interrupt, self.Unmask, NULL)

    Fixed:
        def PowerDown(self):
            KeSynchronizeExecution(self.Interrupt, self.Stop, NULL)    # mask, and say so
            KeFlushQueuedDpcs()
            IoDisconnectInterrupt(self.Interrupt)
            self.Interrupt = NULL

    References:
        3.1.10, 3.1.11, 6.1.1, 10.2, 10.3, R36, R78, R79; KeSynchronizeExecution,
        KeAcquireInterruptSpinLock, IoDisconnectInterrupt; 0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL.
    """
    return ()


def connect_overwrites_live_interrupt(_system: System) -> Conditions:
    """A connect is given the only pointer to an interrupt object that is still connected.

    What it checks:
        At IoConnectInterrupt and IoConnectInterruptEx, and again when the new object is stored,
        that the variable that receives the object does not hold one that is connected and that no
        other pointer holds. A call that fails counts: it may set the variable to NULL.

    Why it matters:
        The old registration can never be disconnected any more: its service routine keeps being
        called after the driver has freed what it uses. On a line that is not shared the second
        call fails, every time: the driver cannot be started again.

    Example:
        def Open(self):
            if not self.Interrupt:                     # two threads pass here together
                IoConnectInterrupt(self.Interrupt, self.NICIsr, ...)

    Fixed:
        def Open(self):
            # A synchronization event keeps PASSIVE_LEVEL; a spin lock or fast mutex would not.
            KeWaitForSingleObject(self.gate, Executive, KernelMode, FALSE, NULL)
            if not self.Interrupt:
                IoConnectInterrupt(self.Interrupt, self.NICIsr, ...)
            KeSetEvent(self.gate, 0, FALSE)

    References:
        2.1.1, 2.2.1, 2.2.6, 3.1.12, 6.5.2, 10.67, R76; IoConnectInterrupt, IoConnectInterruptEx;
        0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL once the driver is gone.
    """
    return ()


def disconnect_of_dead_interrupt(_system: System) -> Conditions:
    """A disconnect is given NULL, or an interrupt object that is not connected.

    What it checks:
        At IoDisconnectInterrupt and IoDisconnectInterruptEx, and where the interrupt is reported
        active or inactive, that the object is connected and that the form is the one it was
        connected with.

    Why it matters:
        The object was freed by the first disconnect. The second unlinks and frees pool that may
        belong to somebody else by now.

    Example:
        if not NT_SUCCESS(status):
            IoDisconnectInterrupt(self.Interrupt)      # and Remove does it again
            return status

    Fixed:
        if not NT_SUCCESS(status):
            IoDisconnectInterrupt(self.Interrupt)
            self.Interrupt = NULL                      # Remove tests it
            return status

    References:
        3.1.3, 3.1.4, 3.1.11, 3.1.12, 3.2.5, 10.33, R76, R78, R86; IoDisconnectInterrupt,
        IoDisconnectInterruptEx, IoReportInterruptInactive;
        0xCA PNP_DETECTED_FATAL_ERROR (P1 = 9) for the wrong form.
    """
    return ()


def null_out_pointer(_system: System) -> Conditions:
    """A kernel routine is told to store its result through a NULL pointer.

    What it checks:
        At IoConnectInterruptEx, that the member that receives the interrupt object
        (FullySpecified.InterruptObject, LineBased.InterruptObject) was filled in.

    Why it matters:
        The parameter structure is zeroed first, so a forgotten member is NULL, and the kernel
        writes through it after it has connected the interrupt.

    Example:
        params = IO_CONNECT_INTERRUPT_PARAMETERS()
        params.Version = CONNECT_LINE_BASED
        params.LineBased.PhysicalDeviceObject = self.pdo
        params.LineBased.ServiceRoutine = self.NICIsr
        status = IoConnectInterruptEx(params)          # InterruptObject is NULL

    Fixed:
        params = IO_CONNECT_INTERRUPT_PARAMETERS()
        params.Version = CONNECT_LINE_BASED
        params.LineBased.PhysicalDeviceObject = self.pdo
        params.LineBased.InterruptObject = self.Interrupt
        params.LineBased.ServiceRoutine = self.NICIsr
        status = IoConnectInterruptEx(params)

    References:
        2.4.5, 10.5, R10; IoConnectInterruptEx, IO_CONNECT_INTERRUPT_PARAMETERS;
        0x7E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED.
    """
    return ()


def isr_after_disconnect(_system: System) -> Conditions:
    """A service routine runs, or still runs, for an interrupt object that is disconnected.

    What it checks:
        While a service routine is in progress, that its interrupt object has not been freed by a
        disconnect that returned. Which disconnects can return early is the knob
        `disconnect_waits_for_isr`.

    Why it matters:
        The disconnecting thread goes on to free what the service routine is using on another
        processor.

    Example:
        IoDisconnectInterrupt(self.Interrupt)          # does not wait for an ISR under way
        MmUnmapIoSpace(self.nic)

    Fixed:
        self.nic.masked = 1                            # no new ISR; now wait for one under way:
        for number in range(2):                        # a DPC starts where no ISR is running
            KeInsertQueueDpc(self.idle_dpcs[number])   # KeSetTargetProcessorDpc: one a processor
            KeWaitForSingleObject(self.idle)           # set by that DPC
        IoDisconnectInterrupt(self.Interrupt)
        MmUnmapIoSpace(self.nic)

    References:
        3.1.8, 3.1.9, 3.2.7, 10.29, R74; IoDisconnectInterrupt, IoReportInterruptInactive;
        0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL.
    """
    return ()


def device_unmasked_before_connect(system: System) -> Conditions:
    """The device asserts its line while no interrupt object of the driver was ever connected.

    What it checks:
        In every state in which no interrupt object of a line was ever connected, that the
        driver's own device does not assert the line.

    Why it matters:
        Nobody recognises the interrupt. A level line that is shared fires without end and takes
        its neighbours down; an edge is lost, and the device waits for ever to be noticed.

    Example:
        def StartDevice(self):
            self.nic.masked = 0
            IoConnectInterrupt(self.Interrupt, self.NICIsr, ...)

    Fixed:
        def StartDevice(self):
            self.nic.masked = 1                        # whatever the firmware left
            status = IoConnectInterrupt(self.Interrupt, self.NICIsr, ...)
            if not NT_SUCCESS(status):
                return status                          # still masked
            self.nic.masked = 0
            return STATUS_SUCCESS

    References:
        2.1.13, 2.2.2, 3.2.4, 4.5.3, R3, R75; IoConnectInterrupt, IoConnectInterruptEx;
        0xF2 HARDWARE_INTERRUPT_STORM.
    """
    return tuple(
        Invariant(
            "device-unmasked-before-connect",
            negation(conjunction(line.asserted, *_states(system, line, NEVER_CONNECTED))),
            f"{line.device} asserts its line before any interrupt object is connected to it",
            _storm(line),
        )
        for line in system.lines
    )


def device_unmasked_at_disconnect(system: System) -> Conditions:
    """The device asserts its line after the driver disconnected its interrupt, or made it inactive.

    What it checks:
        In every state in which some interrupt object of a line was disconnected or reported
        inactive, and none is connected (any more, or yet again), that the own device does not
        assert the line.

    Why it matters:
        On a shared level line nobody acknowledges the interrupt and the line fires without end.
        It is the usual end of a DPC that unmasks the device after the stop path masked it.

    Example:
        def PowerDown(self):
            KeSynchronizeExecution(self.Interrupt, self.Mask, NULL)
            IoDisconnectInterrupt(self.Interrupt)      # NICDpc unmasks in between

    Fixed:
        def Mask(self, SynchronizeContext):
            self.stopped = 1
            self.nic.masked = 1

        def Unmask(self, SynchronizeContext):          # called by the DPC
            if not self.stopped:
                self.nic.masked = 0

        def PowerDown(self):
            KeSynchronizeExecution(self.Interrupt, self.Mask, NULL)
            KeFlushQueuedDpcs()                        # the last DPC still needs the lock
            IoDisconnectInterrupt(self.Interrupt)

    References:
        3.1.6, 3.2.4, 3.4.1, 3.4.7, 4.5.3, R74, R75, R80; IoDisconnectInterrupt,
        IoDisconnectInterruptEx, IoReportInterruptInactive;
        0xF2 HARDWARE_INTERRUPT_STORM.
    """
    return tuple(
        Invariant(
            "device-unmasked-at-disconnect",
            negation(
                conjunction(
                    line.asserted,
                    *(negation(served) for served in _states(system, line, SERVED)),
                    disjunction(*_states(system, line, SILENCED)),
                )
            ),
            f"{line.device} asserts its line when no interrupt object of it is served any more",
            _storm(line),
        )
        for line in system.lines
    )


def interrupt_left_connected(system: System) -> Conditions:
    """The driver is gone and one of its interrupt objects is still connected.

    What it checks:
        When `finally_` has run and nothing is owed any more, that no interrupt object is
        connected, active or inactive. The same after a start that failed, in a scenario without
        `finally_`. And, for a driver that never comes to rest because a DPC or a work item is
        queued again and again, that from every such state some continuation disconnects it.

    Why it matters:
        The next interrupt on the line calls a service routine that is no longer in memory.

    Example:
        def Remove(self):
            self.nic.masked = 1                        # and no disconnect

    Fixed:
        def Remove(self):
            self.nic.masked = 1
            IoDisconnectInterrupt(self.Interrupt)
            self.Interrupt = NULL

    References:
        3.1.7, 3.4.1, 3.4.3, 3.4.4, 3.4.5, R77, R81; IoDisconnectInterrupt;
        0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL.
    """
    gone, since = system.gone
    return tuple(
        AtRest(
            "interrupt-left-connected",
            wrong=conjunction(gone, registered),
            settled=negation(registered),
            detail=f"{item.name} is still connected after {since}",
            restless=f"{item.name} stays connected after {since}, and the driver never rests",
            bug_check="0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL",
        )
        for item in system.interrupts
        for registered in (member(Read(item.state), REGISTERED),)
    )


def _states(system: System, line: LineFacts, labels: tuple[str, ...]) -> tuple[Expression, ...]:
    """For each interrupt object of `line`, that it is in one of the states `labels`."""
    variables = {item.name: item.state for item in system.interrupts}
    return tuple(member(Read(variables[name]), labels) for name in line.objects)


def _storm(line: LineFacts) -> str:
    """The bug check of an unserved line: only a shared level line fires on at its neighbours."""
    return "0xF2 HARDWARE_INTERRUPT_STORM" if line.shared and not line.latched else ""
