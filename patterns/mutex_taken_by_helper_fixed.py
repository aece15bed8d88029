"""A serial card, fixed: what needs the mutex, and what takes it, are two routines.

The twin of mutex_taken_by_helper.py. The helper expects its caller to own the mutex; the request
takes it and calls the helper.

Source: "Fast Mutexes and Guarded Mutexes"; ExAcquireFastMutex.
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
        self.ProgramBaudRate()
        ExReleaseFastMutex(self.SettingsMutex)
        return STATUS_SUCCESS


scenario = Scenario(
    concurrently=[Serial.SetDefaults, Serial.SetBaudRate],
    processors=[1, 2],
    expect={1: Holds(states=14), 2: Holds(states=14)},
)
