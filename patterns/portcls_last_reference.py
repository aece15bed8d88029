"""ReactOS portcls: Release decrements the counter, and then looks at it again.

An interrupt sync object of the audio port class driver is shared by the port driver and the
miniport. Each calls Release when it is done; the one that drops the last reference deletes the
object.

Bug: Release throws away what InterlockedDecrement returns and reads m_Ref once more. Two callers
decrement, and then both read zero: both delete the object. Or one reads after the other has
deleted. The decrement was atomic; what was learnt from it was not.

Source: reactos/reactos: drivers/wdm/audio/backpln/portcls/interrupt.cpp (CInterruptSync::Release),
and the same in other classes of portcls.

The first scenario asks for the double deletion, the second for whatever comes first, which is the
read of m_Ref in an object that is gone. In the traces look at the two decrements: both come before
either read. The object's own interrupt is left out.
"""

from dirql.model.wdk import *


class CInterruptSync(Structure):
    m_Ref = Int(0, 2, initial=2, volatile=True)


class PortCls(Driver):
    sync = CInterruptSync()

    def Release(self):
        InterlockedDecrement(self.sync.m_Ref)
        if not self.sync.m_Ref:
            ExFreePool(self.sync)
            return 0
        return 1


scenarios = [
    Scenario(
        name="deleted-twice",
        concurrently=[PortCls.Release, PortCls.Release],
        processors=[1, 2],
        properties=["double-free"],
        expect={
            1: Violated("double-free", steps=6, states=18),
            2: Violated("double-free", steps=6, states=18),
        },
    ),
    Scenario(
        name="read-after-delete",
        concurrently=[PortCls.Release, PortCls.Release],
        processors=[1, 2],
        expect={
            1: Violated("use-after-free", steps=5, states=18),
            2: Violated("use-after-free", steps=5, states=18),
        },
    ),
]
