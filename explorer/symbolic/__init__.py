"""The Z3 reader: the same machine as formulas. Bounded model checking and inductive proofs."""

from .bounded import BoundedEngine
from .induction import prove
from .proof import Proof

__all__ = ["BoundedEngine", "Proof", "prove"]
