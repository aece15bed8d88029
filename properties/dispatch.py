"""Who serves an interrupt: claims on a line, and causes nobody will notice."""

from dirql.model.algebra import conjunction, negation
from dirql.model.expr import FALSE
from dirql.model.system import System

from .property import AtRest, Conditions


def unclaimed_level_interrupt(_system: System) -> Conditions:
    """The driver's own device asserts a level-sensitive line, and no service routine claims it.

    What it checks:
        At the end of a walk over the service routines of a level line, that one of them claimed
        the interrupt if the driver's own device asserts the line.

    Why it matters:
        The line is still asserted when the processor acknowledges it, so the same vector fires
        again at once: an interrupt storm. On one processor nothing below DIRQL ever runs again,
        not even the thread that was about to mask the device.

    Example:
        def NICIsr(self, Interrupt, ServiceContext):
            if self.power_state > D0:
                return FALSE
            ...

        def PowerDown(self):
            self.power_state = D3                      # the device is not masked yet
            KeSynchronizeExecution(self.Interrupt, self.Mask, NULL)

    Fixed:
        def PowerDown(self):
            KeSynchronizeExecution(self.Interrupt, self.Mask, NULL)
            self.power_state = D3                      # only now

    References:
        4.1.4, 4.2.5, 4.3.3, 4.5.2, 4.5.3, 10.21, 10.58, R22; KSERVICE_ROUTINE,
        "Debugging an interrupt storm"; 0xF2 HARDWARE_INTERRUPT_STORM.
    """
    return ()


def handled_but_unclaimed(_system: System) -> Conditions:
    """A service routine did something for its device and returned FALSE.

    What it checks:
        When a service routine on a shared line returns FALSE, that it did not serve its device: it
        did not make the device withdraw its request, nor queue work while the device asked for
        service from the acceptance of the interrupt on. Work queued for a neighbour's interrupt
        is no claim. On a level line the other routines are called in vain, on a latched one the
        edge of a neighbour can be lost.
        On a line of one's own Windows ignores the answer (4.1.5): nothing is checked there, but
        that the device has withdrawn (unclaimed-level-interrupt).

    Why it matters:
        The system counts the interrupt as nobody's. Storm detection and the walk over a shared
        line both rely on the answer.

    Example:
        def SerialIsr(self, Interrupt, ServiceContext):
            KeInsertQueueDpc(self.dpc, NULL, NULL)
            return STATUS_SUCCESS                      # zero: FALSE

    Fixed:
        def SerialIsr(self, Interrupt, ServiceContext):
            KeInsertQueueDpc(self.dpc, NULL, NULL)
            return TRUE

    References:
        4.1.4, 4.1.5, 4.2.3, 4.2.7, 4.2.9, R22; KSERVICE_ROUTINE;
        0xF2 HARDWARE_INTERRUPT_STORM on systems that count unclaimed interrupts.
    """
    return ()


def unserviced_cause(system: System) -> Conditions:
    """Everything has come to rest and a device still holds work that nobody will notice.

    What it checks:
        In every state in which nothing but spontaneous hardware events can happen, that no
        device waits for the driver (its `waiting` routine is false). And, for a driver that never
        comes to rest because a thread polls, that from every state in which a device waits some
        continuation without another event serves it. An armed timer counts as notice until it has
        expired while the device waited and nothing came of it. A start that failed leaves no
        driver: nothing is asked after one.

    Why it matters:
        This is the lost interrupt: an edge that came while nobody listened, a cause bit cleared
        together with its neighbour, a mask that is never lifted. Nothing crashes; the transfer
        hangs until a watchdog or the user gives up.

    Example:
        def NICDpc(self, Dpc, DeferredContext):
            causes = self.status                       # the ISR adds a bit here
            self.status = 0                            # and it is gone
            self.Serve(causes)

    Fixed:
        def NICDpc(self, Dpc, DeferredContext):
            causes = InterlockedExchange(self.status, 0)
            self.Serve(causes)

    References:
        4.3.1, 4.3.4, 4.3.5, 7.2.3, 7.2.4, 7.2.5, R22, R25, R31, R32, R55; KINTERRUPT_MODE,
        "Registering and queuing a DpcForIsr routine"; no bug check: the device hangs.
    """
    noticed = dict(system.noticed)
    return tuple(
        AtRest(
            "unserviced-cause",
            wrong=conjunction(
                waiting, negation(system.failed), negation(noticed.get(device, FALSE))
            ),
            settled=negation(waiting),
            detail=f"{device} holds work that the driver will never notice",
            restless=f"{device} holds work that the driver, never at rest, will not notice",
            owed=True,
        )
        for device, waiting in system.waiting
    )
