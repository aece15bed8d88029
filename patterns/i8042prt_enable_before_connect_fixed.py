"""ReactOS i8042prt, fixed: the service routine is connected before the controller may interrupt.

The twin of i8042prt_enable_before_connect.py. EnableInterrupts runs last. A byte that is in the
output buffer by then is no problem: writing the command byte raises the line, and that edge finds
a service routine. So every byte causes an edge that somebody is connected to.
Source of the driver: reactos/reactos: drivers/input/i8042prt/pnp.c (StartProcedure,
EnableInterrupts, i8042ConnectKeyboardInterrupt).

The two scenarios ask what those of the faulty pattern ask.
"""

from dirql.model.wdk import *


class Keyboard(Device):
    """The output buffer holds one byte; only reading it lets the line fall."""

    interrupts_enabled = Bit(0)
    output_buffer_full = Bit(0)

    def line(self):
        return self.output_buffer_full and self.interrupts_enabled

    def waiting(self):
        return self.output_buffer_full and self.interrupts_enabled

    @hardware
    def key(self):
        self.output_buffer_full = 1

    def read_data(self):
        self.output_buffer_full = 0


class I8042prt(Driver):
    keyboard = Keyboard(Line(irql=8, mode=Latched))
    Interrupt = PKINTERRUPT()

    def StartProcedure(self):
        status = self.i8042ConnectKeyboardInterrupt()
        if not NT_SUCCESS(status):
            return status
        self.EnableInterrupts()
        return STATUS_SUCCESS

    def EnableInterrupts(self):
        self.keyboard.interrupts_enabled = 1

    def i8042ConnectKeyboardInterrupt(self):
        return IoConnectInterrupt(self.Interrupt, self.i8042KbdInterruptService)

    def i8042KbdInterruptService(self, Interrupt, Context):
        if not self.keyboard.output_buffer_full:
            return FALSE
        self.keyboard.read_data()
        return TRUE


scenarios = [
    Scenario(
        name="cause",
        start=I8042prt.StartProcedure,
        processors=[1, 2],
        expect={1: Holds(states=59), 2: Holds(states=159)},
    ),
    Scenario(
        name="consequence",
        start=I8042prt.StartProcedure,
        processors=[1, 2],
        properties=["unserviced-cause"],
        expect={1: Holds(states=59), 2: Holds(states=159)},
    ),
]
