"""A driver initialises its fast mutex before it enables its device interface.

The twin of mutex_initialised_too_late.py: what Create needs is ready when the interface is enabled,
and so when an application can open the card.

Source: ExInitializeFastMutex, remarks; IoSetDeviceInterfaceState.
"""

from dirql.model.wdk import *


class Acquisition(Driver):
    OpenMutex = FAST_MUTEX()
    InterfaceEnabled = Bit(0, volatile=True)
    Handles = Int(0, 1)

    def StartDevice(self):
        ExInitializeFastMutex(self.OpenMutex)
        self.InterfaceEnabled = 1  # IoSetDeviceInterfaceState(&InterfaceName, TRUE)
        return STATUS_SUCCESS

    def Create(self):
        if not self.InterfaceEnabled:
            return STATUS_DEVICE_NOT_READY
        ExAcquireFastMutex(self.OpenMutex)
        status = STATUS_INVALID_DEVICE_REQUEST
        if not self.Handles:
            self.Handles = 1
            status = STATUS_SUCCESS
        ExReleaseFastMutex(self.OpenMutex)
        return status


scenario = Scenario(
    concurrently=[Acquisition.StartDevice, Acquisition.Create, Acquisition.Create],
    processors=[1, 2],
    expect={
        1: Holds(states=44),
        2: Holds(states=44),
    },
)
