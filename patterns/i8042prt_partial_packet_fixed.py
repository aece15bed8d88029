"""ReactOS i8042prt, fixed: a packet is assembled aside and enters the buffer when it is complete.

The twin of i8042prt_partial_packet.py. The first byte goes into a packet of the service routine's
own; with the last byte the whole packet is written to MouseBuffer[MouseInBuffer] and counted, all
in one run of the service routine. That is enough, because the index is read and used within one
critical section of the interrupt lock: the DPC can move packets only before or after it.
Source of the driver: reactos/reactos: drivers/input/i8042prt/mouse.c (i8042MouHandle,
i8042MouDpcRoutine).
"""

from enum import IntEnum

from dirql.model.wdk import *

PACKETS = 2


class Receiving(IntEnum):
    MouseIdle = 0
    XMovement = 1


class Mouse(Device):
    """Sends two bytes for each movement; both carry the number of the packet.

    Nothing comes before it is enabled: a spurious call meanwhile finds nothing.
    """

    interrupts_enabled = Bit(0)
    output_buffer_full = Bit(0)
    second_byte = Bit(0)
    packet = Int(0, PACKETS)

    def line(self):
        return self.output_buffer_full and self.interrupts_enabled

    @hardware
    def movement(self):
        if not self.interrupts_enabled or self.output_buffer_full:
            return
        if not self.second_byte and self.packet < PACKETS:
            self.packet += 1
            self.second_byte = 1
            self.output_buffer_full = 1

    @hardware
    def next_byte(self):
        if not self.output_buffer_full and self.second_byte:
            self.second_byte = 0
            self.output_buffer_full = 1

    def read_data(self):
        self.output_buffer_full = 0
        return self.packet


class I8042prt(Driver):
    mouse = Mouse(Line(irql=8, mode=Latched))
    Interrupt = PKINTERRUPT()
    SpinLock = KSPIN_LOCK()
    DpcMouse = KDPC()
    MouseState = Enum(Receiving.MouseIdle)
    Buttons = Array(Int(0, PACKETS), PACKETS)
    LastX = Array(Int(0, PACKETS), PACKETS)
    MouseInBuffer = Int(0, PACKETS)
    PartialButtons = Int(0, PACKETS)

    def StartProcedure(self):
        KeInitializeDpc(self.DpcMouse, self.i8042MouDpcRoutine)
        status = IoConnectInterrupt(
            self.Interrupt,
            self.i8042MouInterruptService,
            SpinLock=self.SpinLock,
            ProcessorEnableMask=1,
        )
        if not NT_SUCCESS(status):
            return status
        self.mouse.interrupts_enabled = 1
        return STATUS_SUCCESS

    def i8042MouInterruptService(self, Interrupt, Context):
        if not self.mouse.output_buffer_full:
            return FALSE
        self.i8042MouHandle(self.mouse.read_data())
        return TRUE

    def i8042MouHandle(self, Output):
        if self.MouseState == Receiving.MouseIdle:
            self.PartialButtons = Output
            self.MouseState = Receiving.XMovement
        else:
            index = self.MouseInBuffer
            self.Buttons[index] = self.PartialButtons
            self.LastX[index] = Output
            self.MouseState = Receiving.MouseIdle
            self.MouseInBuffer += 1
            KeInsertQueueDpc(self.DpcMouse)

    def i8042MouDpcRoutine(self, Dpc, DeferredContext):
        OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
        MouseInBufferCopy = self.MouseInBuffer
        KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)
        self.ClassService(MouseInBufferCopy)
        OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
        left = self.MouseInBuffer - MouseInBufferCopy
        for i in range(left):
            self.Buttons[i] = self.Buttons[MouseInBufferCopy + i]
            self.LastX[i] = self.LastX[MouseInBufferCopy + i]
        self.MouseInBuffer = left
        KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)

    def ClassService(self, count):
        """The class driver takes all packets that it is offered."""
        for i in range(count):
            assert self.Buttons[i] == self.LastX[i], "both bytes are of the same packet"


scenario = Scenario(
    start=I8042prt.StartProcedure,
    processors=[1, 2],
    expect={1: Holds(states=1044), 2: Holds(states=1044)},
)
