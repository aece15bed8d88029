"""A card with two interrupts: the urgent one's service routine synchronises with the other one's.

The card reports data by one interrupt and errors by another of higher IRQL. At an error the service
routine for errors marks the data as bad. The mark belongs to the service routine for data, so it
is changed under the lock of that interrupt: KeSynchronizeExecution.

Bug: KeSynchronizeExecution raises to the SynchronizeIrql of its interrupt object, and here the
caller is above that already. Were it to go on, it would wait for the lock that a service routine
interrupted on the same processor holds.

Source: KeSynchronizeExecution, requirements, IRQL: at or below the SynchronizeIrql of the interrupt
object.

In the trace compare the IRQL of the call with that of the data interrupt.
"""

from dirql.model.wdk import *


class DataPath(Device):
    """Has data to be fetched."""

    enabled = Bit(0)
    data = Bit(0)

    def line(self):
        return self.data and self.enabled

    @hardware
    def data_arrives(self):
        self.data = 1

    def fetch(self):
        had_data = self.data
        self.data = 0
        return had_data


class ErrorPath(Device):
    """Reports an error."""

    enabled = Bit(0)
    error = Bit(0)

    def line(self):
        return self.error and self.enabled

    @hardware
    def error_occurs(self):
        self.error = 1

    def acknowledge(self):
        had_error = self.error
        self.error = 0
        return had_error


class Card(Driver):
    data_path = DataPath(Line(irql=5, vector=0x55, mode=LevelSensitive))
    error_path = ErrorPath(Line(irql=9, vector=0x59, mode=LevelSensitive))
    DataInterrupt = PKINTERRUPT()
    ErrorInterrupt = PKINTERRUPT()
    DataIsBad = Bit(0)

    def Start(self):
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(
            self.DataInterrupt, self.DataIsr, Vector=0x55, ProcessorEnableMask=1
        )
        if not NT_SUCCESS(status):
            return status
        status = IoConnectInterrupt(
            self.ErrorInterrupt, self.ErrorIsr, Vector=0x59, ProcessorEnableMask=1
        )
        if not NT_SUCCESS(status):
            IoDisconnectInterrupt(self.DataInterrupt)
            return status
        self.data_path.enabled = 1
        self.error_path.enabled = 1
        return STATUS_SUCCESS

    def DataIsr(self, Interrupt, ServiceContext):
        if not self.data_path.fetch():
            return FALSE
        self.DataIsBad = 0
        return TRUE

    def ErrorIsr(self, Interrupt, ServiceContext):
        if not self.error_path.acknowledge():
            return FALSE
        KeSynchronizeExecution(self.DataInterrupt, self.MarkBad)
        return TRUE

    def MarkBad(self, SynchronizeContext):
        self.DataIsBad = 1
        return TRUE


scenario = Scenario(
    start=Card.Start,
    processors=[1, 2],
    expect={
        1: Violated("irql-too-high", steps=9, states=442),
        2: Violated("irql-too-high", steps=9, states=455),
    },
)
