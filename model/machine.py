"""The contract in the middle: variables, transitions, machine.

What comes before a `Machine` (driver language, kernel rules, properties) only builds one; what
comes after (engines, proofs, traces) only reads one. Names, order, values are part of the contract.

Meaning. A state gives every variable a value of its domain; the initial states are all
combinations of the variables' initial values. A transition is *enabled* in a state when every atom
of `guard` and of `scheduling` is true. Taking it when the condition of one of its checks is false
is a violation, and the behaviour ends there: Windows would have stopped, is beyond saving, or goes
on with the updates (`grade.py`), and then another machine, without the check, says what follows.
Otherwise all updates are computed in the state before the step and stored together.
"""

from dataclasses import dataclass, field
from enum import Enum

from .access import Access as Access  # noqa: PLC0414 - part of this contract
from .access import AccessKind as AccessKind  # noqa: PLC0414
from .access import Span as Span  # noqa: PLC0414
from .domain import Domain, Value
from .expr import Expression
from .source import Choice as Choice  # noqa: PLC0414
from .source import Source as Source  # noqa: PLC0414

SHARED = "shared"
"""The owner of a variable that belongs to no single context or processor."""

MODEL_BOUND = "model-bound"
"""The pseudo-property of a limit of the model: breaking it means `Unknown`, never `Violated`."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A named value of the state.

    `initial` lists every initial value; more than one means that all are explored. A variable
    that no transition updates is a *parameter*. `owner` is the name of the context or processor
    it belongs to, or `SHARED`.
    """

    name: str
    domain: Domain
    initial: tuple[Value, ...]
    owner: str = SHARED


@dataclass(frozen=True, slots=True)
class Check:
    """A rule on a step: taking the step while `condition` is false violates `property`.

    `detail` is one sentence saying what is wrong here; `bug_check` is what Windows would raise,
    for example `0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL`, or empty.
    """

    property: str
    condition: Expression
    detail: str = ""
    bug_check: str = ""


@dataclass(frozen=True, slots=True)
class Transition:
    """One atomic step of one context.

    Attributes:
        name: what happens: the routine's exact WDK name where it is one, else a sentence.
        context: the `Context` that moves.
        guard: atoms, all of which must hold.
        scheduling: guard atoms that only say "nothing above me runs on my processor" or "some
            processor is below DISPATCH_LEVEL". Kept apart because reductions may look through them.
        updates: (variable, value) pairs over the state before the step; a variable at most once.
        checks: rules of this step.
        accesses: memory touched: one plain location, or any number of registers of a device.
        source: the driver's line, or the empty source for steps of hardware and kernel.
        spontaneous: may happen but is not owed: device events, expiry, the last call. A state in
            which only spontaneous transitions are enabled is *quiescent*.
        rule: the numbers of the Windows rules this step follows, for example `6.1.1`.
        opaque: non-empty when the step takes one way of a branch on an unknown value; names it.
        choices: where it is `opaque`, all decisions on its way in their order. Steps of a context
            that are enabled together and differ in a choice are its alternatives.
        lucky: may happen, but nobody may rely on it; progress is judged without such steps.
    """

    name: str
    context: str
    guard: tuple[Expression, ...]
    updates: tuple[tuple[str, Expression], ...]
    checks: tuple[Check, ...] = ()
    scheduling: tuple[Expression, ...] = ()
    accesses: tuple[Access, ...] = ()
    source: Source = field(default_factory=Source)
    spontaneous: bool = False
    rule: str = ""
    opaque: str = ""
    lucky: bool = False
    choices: tuple[Choice, ...] = ()


class ContextKind(Enum):
    """What can execute."""

    THREAD = "thread"
    DPC = "DPC"
    ISR = "ISR"
    WORKER = "worker"
    HARDWARE = "hardware"


@dataclass(frozen=True, slots=True)
class Context:
    """Something that executes: a thread, the DPC slot of a processor, a vector on a processor.

    `processor` gives the label of the processor it occupies (`none` while it floats or rests) and
    `irql` its level, both as expressions over program counters and placement variables; hardware
    occupies none, at level 0. `counter` is its program counter variable, empty for hardware.
    """

    name: str
    kind: ContextKind
    counter: str
    processor: Expression
    irql: Expression


@dataclass(frozen=True, slots=True)
class Invariant:
    """`condition` holds in every reachable state, or, if `quiescent`, in every quiescent one."""

    property: str
    condition: Expression
    detail: str = ""
    bug_check: str = ""
    quiescent: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """From each reachable `live` state a goal state is reachable without `lucky` steps.

    A goal state is one where `goal` holds, and, if `quiescent`, every quiescent state as well. If
    `owed`, it is to be reached without spontaneous steps, too.
    """

    property: str
    context: str
    live: Expression
    goal: Expression
    detail: str = ""
    bug_check: str = ""
    quiescent: bool = False
    owed: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """A finite transition system with what must hold of it. Validated when it is made.

    `races` lists which of `data-race` (see `Access`) and `torn-read-modify-write` (see `Span`) are
    asked.

    Raises:
        MachineError: a name, sort, domain or initial value is wrong; the message says which.
    """

    name: str
    variables: tuple[Variable, ...]
    transitions: tuple[Transition, ...]
    contexts: tuple[Context, ...] = ()
    invariants: tuple[Invariant, ...] = ()
    progress: tuple[Progress, ...] = ()
    races: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a machine that no reader could give a meaning to."""
        from .validation import validate

        validate(self)
