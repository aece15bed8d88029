"""Another look at proofs: their questions, answered by a solver that knows nothing of them."""

from typing import Any

from dirql.explorer.symbolic import solver


def answers(text: str) -> list[str]:
    """What the solver says to each question of an SMT-LIB text."""
    z3: Any = solver.z3
    context = z3.Context()
    said: str = z3.Z3_eval_smtlib2_string(context.ref(), text)
    return said.split()
