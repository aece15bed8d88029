"""virtio-win viosock, fixed: a socket is referenced under the lock under which it was found.

The twin of viosock_reference_after_lookup.py: two lines have changed places. As long as a socket is
in the list, the list holds a reference to it, and it is taken out under the lock. So what is found
under the lock has a reference, and gets the second one before the first can be dropped.

Source: virtio-win/kvm-guest-drivers-windows: commit 8972f838 and pull request 1565.
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
        if pSocket:
            self.WdfObjectReference(pSocket)
        KeReleaseSpinLock(self.SocketLock, OldIrql)
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
    expect={1: Holds(states=53), 2: Holds(states=123)},
)
