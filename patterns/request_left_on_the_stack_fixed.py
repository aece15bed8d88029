"""A fingerprint sensor's request on the stack of a thread that takes it back in time.

The twin of request_left_on_the_stack.py: whatever ended the wait, the driver forgets the request
under the interrupt lock, so no service routine can hold it afterwards.

Source: "Using the Kernel Stack"; KeSynchronizeExecution.
"""

from dirql.model.wdk import *


class Scan(Structure):
    Lines = Int(0, 1)


class Sensor(Device):
    scanning = Bit(0)
    done = Bit(0)

    def line(self):
        return self.done

    @hardware
    def scan_ends(self):
        if self.scanning:
            self.scanning = 0
            self.done = 1

    def acknowledge(self):
        done = self.done
        self.done = 0
        return done


class Fingerprint(Driver):
    sensor = Sensor(Line(irql=5))
    Interrupt = PKINTERRUPT()
    ScanDpc = KDPC()
    ScanDone = KEVENT(SynchronizationEvent, FALSE)
    CurrentScan = Reference(Scan)

    def StartDevice(self):
        KeInitializeDpc(self.ScanDpc, self.ScanDpcRoutine)
        return IoConnectInterrupt(self.Interrupt, self.SensorIsr)

    def BeginScan(self, Context):
        self.CurrentScan = Context
        self.sensor.scanning = 1
        return TRUE

    def EndScan(self, Context):
        self.CurrentScan = NULL
        return TRUE

    def SensorIsr(self, Interrupt, ServiceContext):
        if not self.sensor.acknowledge():
            return FALSE
        scan = self.CurrentScan
        if scan:
            scan.Lines = 1
        KeInsertQueueDpc(self.ScanDpc)
        return TRUE

    def ScanDpcRoutine(self, Dpc, DeferredContext):
        KeSetEvent(self.ScanDone, IO_NO_INCREMENT, FALSE)

    def ReadImage(self):
        scan = Scan()
        timeout = LARGE_INTEGER()
        timeout.QuadPart = -10_000_000
        KeSynchronizeExecution(self.Interrupt, self.BeginScan, scan)
        status = KeWaitForSingleObject(self.ScanDone, Executive, KernelMode, FALSE, timeout)
        KeSynchronizeExecution(self.Interrupt, self.EndScan)
        if status == STATUS_TIMEOUT:
            return STATUS_CANCELLED
        return STATUS_SUCCESS


scenario = Scenario(
    start=Fingerprint.StartDevice,
    concurrently=[Fingerprint.ReadImage],
    processors=[1, 2],
    expect={1: Holds(states=367), 2: Holds(states=1258)},
)
