"""What the driver's author claims: assertions and invariants of the pattern itself."""

from dirql.model.machine import Invariant, Source
from dirql.model.system import System

from .property import Conditions


def assertion_failed(_system: System) -> Conditions:
    """An `assert` of the pattern is false where it stands.

    What it checks:
        At every `assert` statement of the driver, that its condition holds when it is reached.

    Why it matters:
        It is the author's own statement of what the code relies on: "the queue is not empty
        here", "the device is in D0".

    Example:
        def NICDpc(self, Dpc, DeferredContext):
            assert self.pending > 0, "a DPC without work"

    Fixed:
        def NICDpc(self, Dpc, DeferredContext):
            if self.pending == 0:                      # a coalesced interrupt was served already
                return

    References:
        7.2.3, R55; the pattern's own source; no bug check of its own (NT_ASSERT on checked builds).
    """
    return ()


def claim_broken(system: System) -> Conditions:
    """An `@invariant` of the pattern is false in some reachable state.

    What it checks:
        In every reachable state, including those in the middle of every routine, that each
        routine marked `@invariant` is true.

    Why it matters:
        It is the author's own statement of what protects the data. To speak only of states outside
        a critical section, let the invariant mention the flag or the lock that marks it.

    Example:
        @invariant
        def one_owner(self):
            return not (self.owned_by_dpc and self.owned_by_thread)

        def NICDpc(self, Dpc, DeferredContext):
            if not self.owned_by_thread:
                self.owned_by_dpc = 1                  # the thread may own it by now

    Fixed:
        def NICDpc(self, Dpc, DeferredContext):
            KeAcquireSpinLockAtDpcLevel(self.lock)     # around both the test and the change
            if not self.owned_by_thread:
                self.owned_by_dpc = 1
            KeReleaseSpinLockFromDpcLevel(self.lock)

    References:
        6.1.8, R37; the pattern's own source; no bug check of its own.
    """
    return tuple(
        Invariant("claim-broken", claim.holds, f"{claim.name} is false{_place(claim.source)}")
        for claim in system.claims
    )


def _place(source: Source) -> str:
    return f" (claimed in line {source.line})" if source.line else ""
