"""A serial card: a helper takes the fast mutex that its caller owns already.

The settings of the port are guarded by a fast mutex. SetBaudRate is a request of its own, and takes
it. SetDefaults resets all settings under the mutex, and calls SetBaudRate for one of them.

Bug: a fast mutex does not know its owner. The second acquisition waits for the first to end, which
waits for the second. (A kernel mutex would count; that is what the author remembered.)

Source: "Fast Mutexes and Guarded Mutexes": they cannot be acquired recursively; ExAcquireFastMutex.

In the trace one thread alone is enough.
"""

from dirql.model.wdk import *


class Uart(Device):
    """The settings as the card has them."""

    divisor = Bit(0)
    parity = Bit(0)


class Serial(Driver):
    uart = Uart()
    SettingsMutex = FAST_MUTEX()

    def SetBaudRate(self):
        ExAcquireFastMutex(self.SettingsMutex)
        self.ProgramBaudRate()
        ExReleaseFastMutex(self.SettingsMutex)
        return STATUS_SUCCESS

    def ProgramBaudRate(self):
        self.uart.divisor = 1

    def SetDefaults(self):
        ExAcquireFastMutex(self.SettingsMutex)
        self.uart.parity = 0
        self.SetBaudRate()
        ExReleaseFastMutex(self.SettingsMutex)
        return STATUS_SUCCESS


scenario = Scenario(
    concurrently=[Serial.SetDefaults, Serial.SetBaudRate],
    processors=[1, 2],
    expect={
        1: Violated("recursive-lock-acquire", steps=3, states=6),
        2: Violated("recursive-lock-acquire", steps=3, states=6),
    },
)
