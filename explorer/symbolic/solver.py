"""Z3, behind a small typed surface: the only module that imports it.

Z3's Python binding carries no types. Everything that leaves this module does: formulas are opaque
`Term`s that only these functions build and only a `Solver` answers questions about.

Integers are signed bit-vectors, and every machine is finite, so every question is one about
bits. `QF_FD`, Z3's incremental SAT solver for finite domains, answers them. Measured on a model
with 10 contexts, 420 transitions and 50 variables: proofs by induction take the same few seconds
with every choice, most of them spent on making formulas; all behaviours of 10 steps take 13 s, with
`QF_BV` 22 s; the default solver, on bit-vectors or on mathematical integers, does not finish those
of 5 steps within a minute.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from importlib import import_module
from typing import Any, NewType, cast

from ..processes import STOPPERS

z3: Any = import_module("z3")
STOPPERS.append(z3.main_ctx().interrupt)

Term = NewType("Term", object)
"""A formula or a bit-vector. Equal terms are shared inside Z3; `==` on them means nothing here."""


class Answer(Enum):
    """What a solver says: a model exists, none does, or it ran out of time."""

    SATISFIABLE = "satisfiable"
    UNSATISFIABLE = "unsatisfiable"
    UNKNOWN = "unknown"


TRUE = cast("Term", z3.BoolVal(val=True))
FALSE = cast("Term", z3.BoolVal(val=False))


def bit(name: str) -> Term:
    """A boolean constant called `name`, free to take either value."""
    return cast("Term", z3.Bool(name))


def vector(name: str, bits: int) -> Term:
    """A bit-vector constant of `bits` bits called `name`."""
    return cast("Term", z3.BitVec(name, bits))


def width(term: Term) -> int:
    """How many bits a vector has."""
    return int(cast("Any", term).size())


def number(value: int, bits: int) -> Term:
    """`value` in `bits` bits, two's complement."""
    return cast("Term", z3.BitVecVal(value, bits))


def negation(term: Term) -> Term:
    """Not `term`."""
    return cast("Term", z3.Not(term))


def conjunction(terms: Iterable[Term]) -> Term:
    """All of `terms`; true when there is none."""
    return _joined(z3.And, list(terms), TRUE)


def disjunction(terms: Iterable[Term]) -> Term:
    """Some of `terms`; false when there is none."""
    return _joined(z3.Or, list(terms), FALSE)


def _joined(join: Callable[[list[Term]], object], terms: list[Term], neutral: Term) -> Term:
    """`terms` joined; with fewer than two there is no operator, which SMT-LIB does not allow."""
    if len(terms) < 2:
        return terms[0] if terms else neutral
    return cast("Term", join(terms))


def implication(condition: Term, consequence: Term) -> Term:
    """`consequence` wherever `condition` holds."""
    return cast("Term", z3.Implies(condition, consequence))


def equal(left: Term, right: Term) -> Term:
    """`left` equals `right`: two booleans, or two vectors of one width."""
    return cast("Term", cast("Any", left) == cast("Any", right))


def less(left: Term, right: Term) -> Term:
    """`left < right`, signed."""
    return cast("Term", cast("Any", left) < cast("Any", right))


def less_equal(left: Term, right: Term) -> Term:
    """`left <= right`, signed."""
    return cast("Term", cast("Any", left) <= cast("Any", right))


def unsigned_less_equal(left: Term, right: Term) -> Term:
    """`left <= right`, unsigned."""
    return cast("Term", z3.ULE(left, right))


def if_then_else(condition: Term, then: Term, otherwise: Term) -> Term:
    """`then` where `condition` holds, else `otherwise`."""
    return cast("Term", z3.If(condition, then, otherwise))


def resize(term: Term, bits: int) -> Term:
    """The vector in `bits` bits: sign-extended, or its low bits kept."""
    present = width(term)
    if present < bits:
        return cast("Term", z3.SignExt(bits - present, term))
    if present > bits:
        return cast("Term", z3.Extract(bits - 1, 0, term))
    return term


def calculate(operation: str, left: Term, right: Term) -> Term:
    """One operation of `expr.Arithmetic` on two vectors of one width, wide enough for the result.

    Division and remainder round down as in Python; the right operand is positive there. Right
    shifts keep the sign.
    """
    a, b = cast("Any", left), cast("Any", right)
    match operation:
        case "+":
            result = a + b
        case "-":
            result = a - b
        case "*":
            result = a * b
        case "%":
            result = a % b
        case "//":
            result = (a - a % b) / b
        case "&":
            result = a & b
        case "|":
            result = a | b
        case "^":
            result = a ^ b
        case "<<":
            result = a << b
        case ">>":
            result = a >> b
        case _:
            raise ValueError(f"no bit-vector operation for {operation!r}")
    return cast("Term", result)


def substitute(term: Term, pairs: Sequence[tuple[Term, Term]]) -> Term:
    """`term` with each first term replaced by the second, all at once."""
    return cast("Term", z3.substitute(term, *pairs))


def simplify(term: Term) -> Term:
    """A smaller equal term, where Z3 sees one."""
    return cast("Term", z3.simplify(term))


def truth(term: Term) -> bool | None:
    """Whether `term` is the constant true or false; `None` when it is neither."""
    return True if z3.is_true(term) else False if z3.is_false(term) else None


def script(
    alone: Sequence[tuple[str, Term]], shared: Term, together: Sequence[tuple[str, Term]]
) -> str:
    """An SMT-LIB 2 text that asks about each formula by itself.

    Parameters:
        alone: (comment, formula) pairs.
        shared: asserted with each formula of `together`.
        together: (comment, formula) pairs.
    """
    everything = z3.Solver()
    everything.add(shared, *(term for _, term in (*alone, *together)))
    # Z3 breaks long declarations; what goes on with one is indented.
    commands = re.split(r"\n(?=\()", everything.sexpr())
    declared = [text for text in commands if text.startswith("(declare-")]
    text = ["(set-logic QF_BV)", *declared, *_questions(alone)]
    text += [f"(assert {cast('Any', shared).sexpr()})", *_questions(together)]
    return "\n".join(text) + "\n"


def _questions(pairs: Sequence[tuple[str, Term]]) -> Iterable[str]:
    for comment, term in pairs:
        yield f"; {comment}"
        yield f"(push 1)\n(assert {cast('Any', term).sexpr()})\n(check-sat)\n(pop 1)"


class Solver:
    """Assertions that accumulate, and questions under assumptions.

    Attributes:
        core: the names of the assumptions that the last question needed to be unsatisfiable.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self._solver = z3.SolverFor("QF_FD")
        # Z3 would take Ctrl-C for itself: it gives up the question, and nobody learns why.
        self._solver.set("ctrl_c", False)  # noqa: FBT003
        self._model: Any = None
        self.core = frozenset[str]()
        self.limit(seconds)

    def limit(self, seconds: float) -> None:
        """Give up on a question after `seconds` (0: never)."""
        self._solver.set("timeout", max(1, int(seconds * 1000)) if seconds > 0 else 2**32 - 1)

    def add(self, *terms: Term) -> None:
        """Assert `terms` from now on."""
        self._solver.add(*terms)

    def push(self) -> None:
        """Open a scope: what is asserted from here goes away with `pop`."""
        self._solver.push()

    def pop(self) -> None:
        """Close the innermost scope."""
        self._solver.pop()

    def ask(self, *assumptions: Term) -> Answer:
        """Look for values that satisfy all assertions and the `assumptions`."""
        answer = self._solver.check(*assumptions)
        self.core = frozenset[str]()
        if answer == z3.sat:
            self._model = self._solver.model()
            return Answer.SATISFIABLE
        if answer == z3.unsat:
            names = (str(literal.decl().name()) for literal in self._solver.unsat_core())
            self.core = frozenset(names)
            return Answer.UNSATISFIABLE
        return Answer.UNKNOWN

    def boolean(self, term: Term) -> bool:
        """The value of a formula in the last model found."""
        return bool(z3.is_true(self._model.eval(term, model_completion=True)))

    def integer(self, term: Term, *, signed: bool = True) -> int:
        """The value of a vector in the last model found."""
        value = self._model.eval(term, model_completion=True)
        return int(value.as_signed_long() if signed else value.as_long())
