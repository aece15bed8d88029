"""Random machines for Hypothesis, and a few made by hand whose spaces can be counted on paper.

Everything the contract offers turns up: all expressions, several contexts with counters, sets of
initial values, parameters, spontaneous and opaque steps, checks, both kinds of invariants,
progress conditions, races with and without index. Every machine drawn is valid, and no step of it
leaves a domain: a value that might not fit is clamped, wrapped, or forbidden by a check.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from dirql.model.domain import PROCESSOR, Boolean, Domain, Enumeration, Range, Value, values
from dirql.model.expr import (
    FALSE,
    TRUE,
    And,
    Arithmetic,
    Compare,
    Constant,
    Expression,
    IfThenElse,
    Member,
    Not,
    Or,
    Read,
    Select,
)
from dirql.model.machine import (
    MODEL_BOUND,
    Access,
    AccessKind,
    Check,
    Context,
    ContextKind,
    Invariant,
    Machine,
    Progress,
    Span,
    Transition,
    Variable,
)

COLOUR = Enumeration("colour", ("blue", "green", "red"))
PLACES = Enumeration(PROCESSOR, ("none", "P0", "P1"))
NUMBERS = (Range(-2, 1), Range(0, 2), Range(0, 3), Range(1, 1))
DOMAINS: tuple[Domain, ...] = (Boolean(), COLOUR, PLACES, *NUMBERS)

RACES = ("data-race", "torn-read-modify-write")


def points(context: str) -> Enumeration:
    """The domain of the program counter of `context`."""
    return Enumeration(f"points of {context}", ("here", "there", "end"))


class Expressions:
    """Strategies for expressions of each sort over given variables."""

    def __init__(self, variables: Sequence[Variable]) -> None:
        self._variables = variables

    def _reads(self, domain: Callable[[Domain], bool]) -> list[Expression]:
        return [Read(item.name) for item in self._variables if domain(item.domain)]

    def of(self, domain: Domain, depth: int = 2) -> st.SearchStrategy[Expression]:
        """Expressions of the sort of `domain`."""
        match domain:
            case Boolean():
                return self.booleans(depth)
            case Range():
                return self.integers(depth)
            case Enumeration():
                return self.labels(domain, depth)

    def _leaves(
        self, constants: st.SearchStrategy[Expression], reads: list[Expression]
    ) -> list[st.SearchStrategy[Expression]]:
        return [st.sampled_from(reads), constants] if reads else [constants]

    def booleans(self, depth: int = 2) -> st.SearchStrategy[Expression]:
        """Conditions, mostly of one comparison."""
        reads = self._reads(lambda domain: isinstance(domain, Boolean))
        leaves = self._leaves(st.sampled_from((TRUE, FALSE)), reads)
        if depth == 0:
            return st.one_of(leaves)
        inner = st.deferred(lambda: self.booleans(depth - 1))
        numbers = st.deferred(lambda: self.integers(depth - 1))
        several = st.lists(inner, max_size=3).map(tuple)
        return st.one_of(
            *leaves,
            self.questions(),
            inner.map(Not),
            several.map(And),
            several.map(Or),
            st.builds(Compare, st.sampled_from(("==", "!=", "<", "<=")), numbers, numbers),
            st.builds(Compare, st.sampled_from(("==", "!=")), inner, inner),
            st.builds(IfThenElse, inner, inner, inner),
            st.builds(Select, numbers, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        )

    def questions(self) -> st.SearchStrategy[Expression]:
        """What guards of real machines ask: the value of one variable."""

        def about(variable: Variable) -> st.SearchStrategy[Expression]:
            read = Read(variable.name)
            allowed = list(values(variable.domain))
            sets = st.sets(st.sampled_from(allowed), max_size=3)
            constant = st.sampled_from(allowed).map(Constant)
            return st.one_of(
                sets.map(lambda chosen: Member(read, ordered(chosen))),
                st.builds(Compare, st.sampled_from(("==", "!=")), st.just(read), constant),
            )

        return st.sampled_from(self._variables).flatmap(about)

    def integers(self, depth: int = 2) -> st.SearchStrategy[Expression]:
        """Numbers, small ones."""
        reads = self._reads(lambda domain: isinstance(domain, Range))
        leaves = self._leaves(st.integers(-3, 5).map(Constant), reads)
        if depth == 0:
            return st.one_of(leaves)
        inner = st.deferred(lambda: self.integers(depth - 1))
        condition = st.deferred(lambda: self.booleans(depth - 1))
        divisor, distance = st.integers(1, 4).map(Constant), st.integers(0, 3).map(Constant)
        plain = st.sampled_from(("+", "-", "*", "&", "|", "^"))
        return st.one_of(
            *leaves,
            st.builds(Arithmetic, plain, inner, inner),
            st.builds(Arithmetic, st.sampled_from(("//", "%")), inner, divisor),
            st.builds(Arithmetic, st.sampled_from(("<<", ">>")), inner, distance),
            st.builds(IfThenElse, condition, inner, inner),
            st.builds(Select, inner, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        )

    def labels(self, domain: Enumeration, depth: int = 2) -> st.SearchStrategy[Expression]:
        """Labels of one enumeration."""
        leaves = self._leaves(
            st.sampled_from(domain.labels).map(Constant), self._reads(lambda d: d == domain)
        )
        if depth == 0:
            return st.one_of(leaves)
        inner = st.deferred(lambda: self.labels(domain, depth - 1))
        condition = st.deferred(lambda: self.booleans(depth - 1))
        index = st.deferred(lambda: self.integers(depth - 1))
        return st.one_of(
            *leaves,
            st.builds(IfThenElse, condition, inner, inner),
            st.builds(Select, index, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        )


def ordered(chosen: set[Value]) -> tuple[Value, ...]:
    """The values of one kind in `chosen`, as `Member` wants them."""
    return tuple(sorted(chosen, key=lambda value: (isinstance(value, str), value)))


def variables() -> st.SearchStrategy[tuple[Variable, ...]]:
    """Two to four data variables with one or several initial values."""

    def named(number: int) -> st.SearchStrategy[Variable]:
        return st.sampled_from(DOMAINS).flatmap(
            lambda domain: st.lists(
                st.sampled_from(list(values(domain))), min_size=1, max_size=2, unique=True
            ).map(lambda initial: Variable(f"v{number}", domain, tuple(initial)))
        )

    return st.integers(2, 4).flatmap(lambda count: st.tuples(*map(named, range(count))))


@st.composite
def contexts(draw: st.DrawFn, data: Sequence[Variable]) -> tuple[Context, ...]:
    """One to three contexts; their counters are called `at a`, `at b`, `at c`."""
    made: list[Context] = []
    kinds = (ContextKind.THREAD, ContextKind.ISR, ContextKind.DPC)
    for name in "abc"[: draw(st.sampled_from((2, 3, 1)))]:
        if draw(one_in(5)):
            made.append(Context(name, ContextKind.HARDWARE, "", Constant("none"), Constant(0)))
            continue
        processor = draw(Expressions(data).labels(PLACES, 1))
        irql = draw(st.sampled_from((Constant(0), Constant(2), Constant(7))))
        made.append(Context(name, draw(st.sampled_from(kinds)), f"at {name}", processor, irql))
    return tuple(made)


@st.composite
def updates(
    draw: st.DrawFn, variable: Variable, expressions: Expressions
) -> tuple[Expression, Check | None]:
    """A value for `variable`, and the check that it fits where that is in doubt."""
    value = draw(expressions.of(variable.domain, draw(st.sampled_from((1, 2, 0)))))
    if not isinstance(variable.domain, Range):
        return value, None
    low, high = Constant(variable.domain.low), Constant(variable.domain.high)
    size = variable.domain.high - variable.domain.low + 1
    fits = And((Compare("<=", low, value), Compare("<=", value, high)))
    match draw(st.sampled_from(("clamp", "wrap", "check", "constant"))):
        case "clamp":
            below = IfThenElse(Compare("<", value, low), low, high)
            return IfThenElse(fits, value, below), None
        case "wrap":
            return Arithmetic("+", low, Arithmetic("%", value, Constant(size))), None
        case "check" if not isinstance(value, Constant):
            name = draw(st.sampled_from(("value-out-of-range", MODEL_BOUND)))
            return value, Check(name, fits, f"{variable.name} overflows")
        case _:
            return draw(st.sampled_from(list(values(variable.domain))).map(Constant)), None


@st.composite
def accesses(draw: st.DrawFn, expressions: Expressions) -> tuple[Access, ...]:
    """Up to two accesses to one location."""
    location = "y" if draw(one_in(4)) else "x"
    made: list[Access] = []
    for kind in draw(st.lists(st.sampled_from(list(AccessKind)), min_size=1, max_size=2)):
        index = draw(st.one_of(st.none(), expressions.integers(1)))
        changes = draw(st.one_of(st.just(TRUE), expressions.booleans(1)))
        made.append(Access(location, kind, index, changes))
    return tuple(made)


@st.composite
def spans(draw: st.DrawFn, machine: Machine, reads: Expressions) -> tuple[Span, ...]:
    """Up to three updates: at some points of their context, or under any condition."""
    domains = {variable.name: variable.domain for variable in machine.variables}
    made: list[Span] = []
    for item in draw(st.lists(st.sampled_from(machine.contexts), max_size=3)):
        between = draw(reads.booleans(1))
        if item.counter and not draw(one_in(3)):
            labels = list(values(domains[item.counter]))
            chosen = draw(st.lists(st.sampled_from(labels), min_size=1, max_size=2, unique=True))
            between = Member(Read(item.counter), tuple(sorted(map(str, chosen))))
        location = "y" if draw(one_in(4)) else "x"
        index = draw(st.one_of(st.none(), reads.integers(1)))
        made.append(Span(item.name, location, between, index, draw(st.booleans()), "writes"))
    return tuple(made)


@st.composite
def transitions(
    draw: st.DrawFn,
    context: Context,
    start: str,
    written: Sequence[Variable],
    reads: Expressions,
    *,
    strict: bool,
) -> Transition:
    """A step of `context` from the point `start`: it changes up to two variables and moves on."""
    guard: list[Expression] = []
    changes: dict[str, Expression] = {}
    checks: list[Check] = []
    if context.counter:
        where = st.sampled_from(points(context.name).labels)
        guard.append(Compare("==", Read(context.counter), Constant(start)))
        if draw(one_in(4)):
            others = draw(st.sets(where, max_size=2))
            guard = [Member(Read(context.counter), ordered({start, *others}))]
        elsewhere = [label for label in points(context.name).labels if label != start]
        changes[context.counter] = Constant(draw(st.sampled_from(elsewhere)))
    if draw(one_in(3)):
        guard.append(draw(st.one_of(reads.questions(), reads.booleans(1))))
    chosen = st.lists(st.sampled_from(written), min_size=1, max_size=2, unique=True)
    for variable in draw(chosen) if written and not draw(one_in(3)) else ():
        changes[variable.name], check = draw(updates(variable, reads))
        checks += [check] if check else []
    if draw(one_in(2 if strict else 12)):
        name = draw(st.sampled_from(("irql-too-high", "null-dereference", MODEL_BOUND)))
        checks.insert(0, Check(name, draw(reads.booleans()), "wrong", "0x0A"))
    return Transition(
        name=f"from {start}",
        context=context.name,
        guard=tuple(draw(st.permutations(guard))),
        updates=tuple(changes.items()),
        checks=tuple(checks),
        scheduling=(draw(reads.questions()),) if draw(one_in(6)) else (),
        accesses=draw(accesses(reads)) if draw(one_in(2)) else (),
        spontaneous=draw(one_in(5)),
        opaque="a status" if draw(one_in(12)) else "",
        lucky=draw(one_in(4)),
    )


def one_in(count: int) -> st.SearchStrategy[bool]:
    """True once in `count` times, and false when Hypothesis makes things simple."""
    return st.integers(1, count).map(lambda number: number == count)


@st.composite
def programs(
    draw: st.DrawFn,
    context: Context,
    written: Sequence[Variable],
    reads: Expressions,
    *,
    strict: bool,
) -> tuple[Transition, ...]:
    """The steps of `context`: one from each point, sometimes a second."""
    starts = list(points(context.name).labels) if context.counter else [""]
    if draw(one_in(3)):
        starts.append(draw(st.sampled_from(starts)))
    return tuple(
        draw(transitions(context, start, written, reads, strict=strict)) for start in starts
    )


@st.composite
def machines(draw: st.DrawFn, *, findings: bool = True) -> Machine:
    """Machines of up to some thousand states; with `findings` also things that must hold."""
    data = draw(variables())
    acting = draw(contexts(data))
    counters = tuple(
        Variable(item.counter, points(item.name), ("here",), item.name)
        for item in acting
        if item.counter
    )
    known = (*counters, *data)
    reads = Expressions(known)
    written = data[1:] if draw(one_in(3)) else data  # so that the first may be a parameter
    strict = draw(one_in(4))  # rules at every other step, so that several break at one distance
    steps = [
        step for item in acting for step in draw(programs(item, written, reads, strict=strict))
    ]
    machine = Machine("random", known, tuple(draw(st.permutations(steps))), acting)
    return draw(conditions(machine, reads)) if findings else machine


@st.composite
def racing_machines(draw: st.DrawFn) -> Machine:
    """Machines in which nothing can be wrong but races, and those are asked."""
    machine = draw(machines(findings=False))
    reads = Expressions(machine.variables)
    steps = tuple(
        replace(step, checks=(), updates=_fitting(machine, step), accesses=draw(accesses(reads)))
        for step in machine.transitions
    )
    asked = draw(st.sampled_from((RACES, RACES[:1], RACES[1:])))
    return replace(machine, transitions=steps, races=asked, spans=draw(spans(machine, reads)))


def _fitting(machine: Machine, step: Transition) -> tuple[tuple[str, Expression], ...]:
    """The updates of `step` that need no check to stay inside their domain."""
    domains = {variable.name: variable.domain for variable in machine.variables}
    checked = {check.detail.split(" ")[0] for check in step.checks}
    return tuple(
        (name, value)
        for name, value in step.updates
        if name not in checked or not isinstance(domains[name], Range)
    )


@st.composite
def conditions(draw: st.DrawFn, machine: Machine, reads: Expressions) -> Machine:
    """`machine` with invariants, progress conditions and races, few enough for some to hold."""
    invariants = [
        Invariant(
            f"invariant-{number}",
            Or((draw(reads.booleans(1)), draw(reads.questions()), draw(reads.questions()))),
            "it is false",
            quiescent=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 2)))
    ]
    progress = [
        Progress(
            "stuck-context",
            item.name,
            draw(reads.booleans(1)),
            draw(reads.questions()),
            quiescent=draw(st.booleans()),
            owed=draw(st.booleans()),
        )
        for item in machine.contexts
        if draw(one_in(3))
    ]
    races = [name for name in RACES if not draw(one_in(2))]
    return replace(
        machine,
        invariants=tuple(invariants),
        progress=tuple(progress),
        races=tuple(races),
        spans=draw(spans(machine, reads)),
    )


class Clock:
    """Stands in for the module `time`: goes on by itself with each look, whatever the computer."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 1000.0, step

    def monotonic(self) -> float:
        """The time."""
        self.now += self.step
        return self.now
