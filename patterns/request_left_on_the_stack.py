"""A fingerprint sensor's request lies on the stack of a thread that does not wait long enough.

ReadImage fills in a request on its own stack, hands it to the service routine under the interrupt
lock and starts the sensor. The service routine stores the number of lines that it read in the
request. The thread waits for the end of the scan, but no longer than a second, and returns.

Bug: after a timeout the request is still known to the driver. The sensor that answers late
interrupts, and the service routine writes into a stack that belongs to other calls by then: a
return address or a saved register is overwritten, and the thread crashes somewhere else.
Source: "Using the Kernel Stack": what a driver keeps beyond a call is allocated from pool;
KeWaitForSingleObject, Timeout.

In the trace look at the wait that times out, and at what the service routine writes after that.
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
        if status == STATUS_TIMEOUT:
            return STATUS_CANCELLED
        KeSynchronizeExecution(self.Interrupt, self.EndScan)
        return STATUS_SUCCESS


scenario = Scenario(
    start=Fingerprint.StartDevice,
    concurrently=[Fingerprint.ReadImage],
    processors=[1, 2],
    expect={
        1: Violated("use-after-free", steps=20, states=130),
        2: Violated("use-after-free", steps=20, states=323),
    },
)
