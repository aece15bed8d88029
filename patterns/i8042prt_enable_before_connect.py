"""ReactOS i8042prt: the controller may interrupt before there is a service routine.

StartProcedure detects keyboard and mouse, writes the controller's command byte so that it raises
interrupts (EnableInterrupts), and connects the service routine afterwards, which for the mouse can
be much later, when its own start request arrives.

Bug (ReactOS i8042prt, B6): the line is latched, and an edge that nobody is connected to is gone. A
byte that arrives in the window fills the output buffer; the controller raises no second edge until
somebody reads it, and nobody will. The keyboard is dead, with a connected service routine.
Source: reactos/reactos: drivers/input/i8042prt/pnp.c (StartProcedure, EnableInterrupts,
i8042ConnectKeyboardInterrupt).

The first scenario asks everything and stops at the cause: a device that may interrupt with nobody
connected. The second asks for the consequence only. In its trace look at the key that is pressed
before the connect call arms the vector.
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
        self.EnableInterrupts()
        return self.i8042ConnectKeyboardInterrupt()

    def EnableInterrupts(self):
        self.keyboard.read_data()
        self.keyboard.interrupts_enabled = 1

    def i8042ConnectKeyboardInterrupt(self):
        status = IoConnectInterrupt(self.Interrupt, self.i8042KbdInterruptService)
        if not NT_SUCCESS(status):
            self.keyboard.interrupts_enabled = 0
        return status

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
        expect={
            1: Violated("device-unmasked-before-connect", steps=3, states=9),
            2: Violated("device-unmasked-before-connect", steps=3, states=9),
        },
    ),
    Scenario(
        name="consequence",
        start=I8042prt.StartProcedure,
        processors=[1, 2],
        properties=["unserviced-cause"],
        expect={
            1: Violated("unserviced-cause", steps=5, states=31),
            2: Violated("unserviced-cause", steps=5, states=43),
        },
    ),
]
