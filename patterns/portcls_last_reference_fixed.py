"""ReactOS portcls, fixed: Release decides by what the decrement returned.

The twin of portcls_last_reference.py. InterlockedDecrement returns the new value, and exactly one
caller is given zero. Nobody touches the object after its own decrement, except the one that deletes
it, and it is the last.

Source of the faulty code: reactos/reactos: drivers/wdm/audio/backpln/portcls/interrupt.cpp.
"""

from dirql.model.wdk import *


class CInterruptSync(Structure):
    m_Ref = Int(0, 2, initial=2, volatile=True)


class PortCls(Driver):
    sync = CInterruptSync()

    def Release(self):
        if InterlockedDecrement(self.sync.m_Ref) == 0:
            ExFreePool(self.sync)
            return 0
        return 1


scenarios = [
    Scenario(
        name="deleted-twice",
        concurrently=[PortCls.Release, PortCls.Release],
        processors=[1, 2],
        properties=["double-free"],
        expect={1: Holds(states=6), 2: Holds(states=6)},
    ),
    Scenario(
        name="read-after-delete",
        concurrently=[PortCls.Release, PortCls.Release],
        processors=[1, 2],
        expect={1: Holds(states=6), 2: Holds(states=6)},
    ),
]
