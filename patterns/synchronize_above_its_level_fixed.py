"""A card with two interrupts, fixed: one lock and one SynchronizeIrql for both.

The twin of synchronize_above_its_level.py. Both connect calls pass the same spin lock, and as
SynchronizeIrql the higher of the two levels. So neither service routine interrupts the other, on
whatever processor, and each touches what they share as it is.

Source: IO_CONNECT_INTERRUPT_PARAMETERS, SynchronizeIrql; "Synchronizing Access to Device Data".
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
    CardLock = KSPIN_LOCK()
    DataIsBad = Bit(0)

    def Start(self):
        KeInitializeSpinLock(self.CardLock)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(
            self.DataInterrupt,
            self.DataIsr,
            SpinLock=self.CardLock,
            Vector=0x55,
            SynchronizeIrql=9,
            ProcessorEnableMask=1,
        )
        if not NT_SUCCESS(status):
            return status
        status = IoConnectInterrupt(
            self.ErrorInterrupt,
            self.ErrorIsr,
            SpinLock=self.CardLock,
            Vector=0x59,
            SynchronizeIrql=9,
            ProcessorEnableMask=1,
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
        self.DataIsBad = 1
        return TRUE


scenario = Scenario(
    start=Card.Start,
    processors=[1, 2],
    expect={1: Holds(states=1212), 2: Holds(states=1248)},
)
