"""virtio-win viosock: a socket is looked up under the list's lock and referenced outside it.

An accept names the listening socket by its handle. VIOSockGetSocketFromHandle finds the socket in
the list of the driver, under the lock of that list, gives the lock back and takes a reference.
Closing a socket takes it out of the list, under the same lock, and drops the list's own reference.

Bug: between the two halves of the look-up the socket can be closed. Its last reference is dropped
and its memory freed; the look-up then increments a counter in it. A pointer from a list is good for
as long as the lock is held, or a reference, and here there is a moment with neither.

Source: virtio-win/kvm-guest-drivers-windows: commit 8972f838 and pull request 1565, "viosock: Fix
socket lifetime races".

In the trace look at the release of SocketLock and at the increment. Both are threads, so one
processor is enough.
"""

from dirql.model.wdk import *


class Socket(Structure):
    References = Int(0, 2, initial=1)
    Accepting = Bit(0)


class VioSock(Driver):
    SocketLock = KSPIN_LOCK()
    listener = Socket()
    SocketList = Reference(Socket)

    def VIOSockCreate(self):
        self.SocketList = self.listener

    def VIOSockGetSocketFromHandle(self):
        KeAcquireSpinLock(self.SocketLock, OldIrql)
        pSocket = self.SocketList
        KeReleaseSpinLock(self.SocketLock, OldIrql)
        if pSocket:
            self.WdfObjectReference(pSocket)
        return pSocket

    def VIOSockAccept(self):
        pListenSocket = self.VIOSockGetSocketFromHandle()
        if pListenSocket:
            pListenSocket.Accepting = 1
            self.WdfObjectDereference(pListenSocket)

    def VIOSockCleanup(self):
        KeAcquireSpinLock(self.SocketLock, OldIrql)
        pSocket = self.SocketList
        self.SocketList = NULL
        KeReleaseSpinLock(self.SocketLock, OldIrql)
        self.WdfObjectDereference(pSocket)

    def WdfObjectReference(self, pSocket):
        InterlockedIncrement(pSocket.References)

    def WdfObjectDereference(self, pSocket):
        if InterlockedDecrement(pSocket.References) == 0:
            ExFreePool(pSocket)


scenario = Scenario(
    start=VioSock.VIOSockCreate,
    concurrently=[VioSock.VIOSockAccept, VioSock.VIOSockCleanup],
    processors=[1, 2],
    expect={
        1: Violated("use-after-free", steps=15, states=61),
        2: Violated("use-after-free", steps=15, states=135),
    },
)
