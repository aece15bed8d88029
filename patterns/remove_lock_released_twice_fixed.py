"""A sensor driver, fixed: the remove lock is given back in one place.

The twin of remove_lock_released_twice.py. A request that finds the removal under way does nothing;
any other is over before the registers are unmapped.

Source: IoReleaseRemoveLock, remarks; IoReleaseRemoveLockAndWait, remarks.
"""

from dirql.model.wdk import *


class Sensor(Device):
    """Measures now and then, on its own account."""

    busy = Bit(0)
    calibrated = Bit(0)

    @hardware
    def measurement_begins(self):
        self.busy = 1

    @hardware
    def measurement_ends(self):
        self.busy = 0


class SensorDriver(Driver):
    sensor = Sensor()
    RemoveLock = IO_REMOVE_LOCK()

    def AddDevice(self):
        IoInitializeRemoveLock(self.RemoveLock)
        MmMapIoSpace(self.sensor)
        return STATUS_SUCCESS

    def Calibrate(self):
        status = IoAcquireRemoveLock(self.RemoveLock)
        if not NT_SUCCESS(status):
            return status
        if self.sensor.busy:
            status = STATUS_DEVICE_NOT_READY
        else:
            self.sensor.calibrated = 1
        IoReleaseRemoveLock(self.RemoveLock)
        return status

    def Remove(self):
        IoAcquireRemoveLock(self.RemoveLock)
        IoReleaseRemoveLockAndWait(self.RemoveLock)
        MmUnmapIoSpace(self.sensor)


scenario = Scenario(
    start=SensorDriver.AddDevice,
    concurrently=[SensorDriver.Calibrate, SensorDriver.Remove],
    processors=[1, 2],
    expect={1: Holds(states=58), 2: Holds(states=58)},
)
