"""A sensor driver: an error path gives the remove lock back, and so does the common end.

Every request acquires the remove lock first. Calibrate gives up when the sensor is busy; the error
path has its own release, from the time before the routine got one exit for all.

Bug: after goto Exit the lock is released once more. The count is one too low: a removal that runs
beside it, or beside any request later, waits for one acquisition less than there are.

Source: IoReleaseRemoveLock, remarks: each acquisition is released once; bug check 0xC4 (0xD5).

In the trace the sensor is busy.
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
            IoReleaseRemoveLock(self.RemoveLock)
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
    expect={
        1: Violated("release-of-unowned-lock", steps=7, states=47),
        2: Violated("release-of-unowned-lock", steps=7, states=47),
    },
)
