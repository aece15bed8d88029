"""A driver enables its device interface, and initialises its fast mutex one line later.

StartDevice of a data acquisition card enables the interface by which applications find the card,
and then prepares what Create needs: a fast mutex that sees to it that one handle is open at a time.

Bug: as soon as the interface is enabled, an application can open the card. Its Create takes a mutex
that is not initialised yet: the count in it is zero, so Create waits for an owner that there never
was, or ExInitializeFastMutex makes the mutex free while Create owns it, and another Create gets in.
Source: ExInitializeFastMutex, remarks: a fast mutex must be initialised before any other routine is
called with it; IoSetDeviceInterfaceState: the interface can be opened once the call was made.

In the trace look at the two lines of StartDevice, and at Create between them.
"""

from dirql.model.wdk import *


class Acquisition(Driver):
    OpenMutex = FAST_MUTEX()
    InterfaceEnabled = Bit(0, volatile=True)
    Handles = Int(0, 1)

    def StartDevice(self):
        self.InterfaceEnabled = 1  # IoSetDeviceInterfaceState(&InterfaceName, TRUE)
        ExInitializeFastMutex(self.OpenMutex)
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
        1: Violated("uninitialized-object", steps=3, states=18),
        2: Violated("uninitialized-object", steps=3, states=18),
    },
)
