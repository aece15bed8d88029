"""Small machines: random ones with every kind of expression, and Peterson's algorithm."""

from hypothesis import strategies as st

from dirql.model.domain import Boolean, Domain, Enumeration, Range
from dirql.model.expr import (
    FALSE,
    TRUE,
    And,
    Arithmetic,
    Compare,
    Comparison,
    Constant,
    Expression,
    IfThenElse,
    Member,
    Not,
    Operation,
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

POINTS = Enumeration("point", ("rest", "work", "wait"))
NUMBER = Range(-2, 4)
VARIABLES = (
    Variable("pc_a", POINTS, ("rest",), "a"),
    Variable("pc_b", POINTS, ("rest", "wait"), "b"),
    Variable("n", NUMBER, (0,)),
    Variable("m", Range(0, 5), (1, 3)),
    Variable("flag", Boolean(), (False,)),
    Variable("knob", Boolean(), (False, True)),
)
CONTEXTS = (
    Context("a", ContextKind.THREAD, "pc_a", Constant("none"), Constant(0)),
    Context("b", ContextKind.DPC, "pc_b", Constant("P0"), Constant(2)),
    Context("device", ContextKind.HARDWARE, "", Constant("none"), Constant(0)),
)
RACES = ((), ("data-race",), ("torn-read-modify-write",), ("data-race", "torn-read-modify-write"))


INTEGERS: tuple[Expression, ...] = (
    *map(Constant, (-3, 0, 1, 2, 5)),
    Read("n"),
    Read("m"),
)
PLACES: tuple[Expression, ...] = (Read("pc_a"), Read("pc_b"), *map(Constant, POINTS.labels))
BOOLEANS: tuple[Expression, ...] = (Read("flag"), Read("knob"), TRUE, FALSE)
PLAIN: tuple[Operation, ...] = ("+", "-", "*", "&", "|", "^")
DIVISIONS: tuple[Operation, ...] = ("//", "%")
SHIFTS: tuple[Operation, ...] = ("<<", ">>")
ORDERS: tuple[Comparison, ...] = ("==", "!=", "<", "<=")
EQUALITIES: tuple[Comparison, ...] = ("==", "!=")


def clamped(value: Expression, low: int, high: int) -> Expression:
    """`value` where it is within bounds, else the nearer bound."""
    above = IfThenElse(Compare("<", Constant(high), value), Constant(high), value)
    return IfThenElse(Compare("<", value, Constant(low)), Constant(low), above)


@st.composite
def integers(draw: st.DrawFn, depth: int) -> Expression:
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(INTEGERS))
    left = draw(integers(depth - 1))
    match draw(st.sampled_from(("plain", "divide", "shift", "choose", "select"))):
        case "plain":
            return Arithmetic(draw(st.sampled_from(PLAIN)), left, draw(integers(depth - 1)))
        case "divide":
            return Arithmetic(
                draw(st.sampled_from(DIVISIONS)), left, Constant(draw(st.integers(1, 5)))
            )
        case "shift":
            return Arithmetic(
                draw(st.sampled_from(SHIFTS)), left, Constant(draw(st.integers(0, 5)))
            )
        case "choose":
            return IfThenElse(draw(booleans(depth - 1)), left, draw(integers(depth - 1)))
        case _:
            items = draw(st.lists(integers(depth - 1), min_size=1, max_size=3))
            return Select(left, tuple(items))


@st.composite
def points(draw: st.DrawFn, depth: int) -> Expression:
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(PLACES))
    first, second = draw(points(depth - 1)), draw(points(depth - 1))
    if draw(st.booleans()):
        return IfThenElse(draw(booleans(depth - 1)), first, second)
    return Select(draw(integers(depth - 1)), (first, second))


@st.composite
def booleans(draw: st.DrawFn, depth: int) -> Expression:
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from(BOOLEANS))
    match draw(st.sampled_from(("not", "and", "or", "order", "same", "point", "member", "if"))):
        case "not":
            return Not(draw(booleans(depth - 1)))
        case "and":
            return And(tuple(draw(st.lists(booleans(depth - 1), max_size=3))))
        case "or":
            return Or(tuple(draw(st.lists(booleans(depth - 1), max_size=3))))
        case "order":
            operator = draw(st.sampled_from(ORDERS))
            return Compare(operator, draw(integers(depth - 1)), draw(integers(depth - 1)))
        case "same":
            operator = draw(st.sampled_from(EQUALITIES))
            return Compare(operator, draw(booleans(depth - 1)), draw(booleans(depth - 1)))
        case "point":
            operator = draw(st.sampled_from(EQUALITIES))
            place = Read(draw(st.sampled_from(("pc_a", "pc_b"))))
            return Compare(operator, place, draw(points(depth - 1)))
        case "member":
            if draw(st.booleans()):
                chosen = draw(st.sets(st.integers(-3, 6), max_size=4))
                return Member(draw(integers(depth - 1)), tuple(sorted(chosen)))
            labels = draw(st.sets(st.sampled_from(POINTS.labels)))
            return Member(Read(draw(st.sampled_from(("pc_a", "pc_b")))), tuple(sorted(labels)))
        case _:
            parts = [draw(booleans(depth - 1)) for _ in range(3)]
            return IfThenElse(*parts)


def value_of(domain: Domain) -> st.SearchStrategy[Expression]:
    match domain:
        case Boolean():
            return booleans(2)
        case Range(low, high):
            return integers(2).map(lambda value: clamped(value, low, high))
        case Enumeration():
            return points(1)


@st.composite
def rare(draw: st.DrawFn) -> Expression:
    """A condition that fails in few states, seldom in an initial one: it makes violations deep."""
    tests: list[Expression] = [
        Compare("==", Read("pc_a"), Constant(draw(st.sampled_from(POINTS.labels)))),
        Compare("==", Read("n"), Constant(draw(st.sampled_from((-2, -1, 1, 2, 3, 4))))),
        Compare("==", Read("m"), Constant(draw(st.integers(0, 5)))),
        Compare("==", Read("pc_b"), Constant("work")),
        draw(booleans(2)),
    ]
    chosen = draw(st.lists(st.sampled_from(tests), min_size=2, max_size=3, unique=True))
    return Not(And(tuple(chosen)))


@st.composite
def accesses(draw: st.DrawFn) -> tuple[Access, ...]:
    if draw(st.booleans()):
        return ()
    index = draw(st.sampled_from((None, Read("n"), Constant(0))))
    kind = draw(st.sampled_from(AccessKind))
    return (Access("location", kind, index, draw(st.one_of(st.just(TRUE), booleans(1)))),)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    context = draw(st.sampled_from(CONTEXTS))
    between = draw(booleans(1))
    if context.counter and draw(st.booleans()):
        place = draw(st.sampled_from(POINTS.labels))
        between = Compare("==", Read(context.counter), Constant(place))
    index = draw(st.sampled_from((None, Read("n"), Constant(0))))
    return Span(context.name, "location", between, index, draw(st.booleans()), "writes")


@st.composite
def transitions(draw: st.DrawFn, number: int) -> Transition:
    context = draw(st.sampled_from(CONTEXTS))
    written = draw(st.lists(st.sampled_from(VARIABLES[:5]), max_size=3, unique=True))
    updates = [(item.name, draw(value_of(item.domain))) for item in written]
    guard = draw(st.lists(booleans(2), max_size=1))
    if context.counter:
        place, following = draw(st.permutations(POINTS.labels))[:2]
        guard.append(Compare("==", Read(context.counter), Constant(place)))
        updates = [item for item in updates if item[0] != context.counter]
        updates.append((context.counter, Constant(following)))
    checks: list[Check] = []
    for number_of_check in range(draw(st.integers(0, 2))):
        condition = draw(rare())
        name = draw(st.sampled_from(("irql-too-high", "double-free", "irql-too-low", MODEL_BOUND)))
        checks.append(Check(name, condition, f"check {number_of_check}"))
    return Transition(
        name=f"step {number}",
        context=context.name,
        guard=tuple(guard),
        updates=tuple(updates),
        checks=tuple(checks),
        scheduling=tuple(draw(st.lists(booleans(1), max_size=1))),
        accesses=draw(accesses()),
        spontaneous=draw(st.booleans()),
        lucky=draw(st.booleans()),
    )


@st.composite
def invariants(draw: st.DrawFn) -> Invariant:
    condition = draw(rare())
    name = draw(st.sampled_from(("lock-cycle", "claim-broken", "queue-left-pending")))
    return Invariant(name, condition, quiescent=draw(st.booleans()))


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    count = draw(st.integers(2, 9))
    progress = Progress("stuck-context", "a", draw(booleans(2)), draw(booleans(2)))
    return Machine(
        name="random",
        variables=VARIABLES,
        transitions=tuple(draw(transitions(number)) for number in range(count)),
        contexts=CONTEXTS,
        invariants=tuple(draw(st.lists(invariants(), max_size=2))),
        progress=(progress,) if draw(st.booleans()) else (),
        races=draw(st.sampled_from(RACES)),
        spans=tuple(draw(st.lists(spans(), max_size=2))),
    )


PETERSON_POINTS = Enumeration("peterson", ("idle", "flag", "turn", "critical"))


def at(context: str, *places: str) -> Expression:
    return Member(Read(f"pc_{context}"), tuple(sorted(places)))


def _peterson_step(
    context: str, name: str, way: tuple[str, str], guard: Expression, update: tuple[str, Expression]
) -> Transition:
    start, end = way
    moves = (f"pc_{context}", Constant(end))
    return Transition(name, context, (at(context, start), guard), (moves, update))


def peterson(*, swapped: bool = False) -> Machine:
    """Peterson's mutual exclusion; `swapped` gives the turn away in the wrong direction."""
    variables = [Variable("turn", Enumeration("who", ("a", "b")), ("a", "b"))]
    steps: list[Transition] = []
    for me, other in (("a", "b"), ("b", "a")):
        flag, turn = f"flag_{me}", Constant(me if swapped else other)
        variables.append(Variable(f"pc_{me}", PETERSON_POINTS, ("idle",), me))
        variables.append(Variable(flag, Boolean(), (False,)))
        free = Or((Not(Read(f"flag_{other}")), Compare("==", Read("turn"), Constant(me))))
        steps += [
            _peterson_step(me, "raise the flag", ("idle", "flag"), TRUE, (flag, TRUE)),
            _peterson_step(me, "give the turn", ("flag", "turn"), TRUE, ("turn", turn)),
            _peterson_step(me, "enter", ("turn", "critical"), free, (flag, TRUE)),
            _peterson_step(me, "leave", ("critical", "idle"), TRUE, (flag, FALSE)),
        ]
    contexts = tuple(
        Context(name, ContextKind.THREAD, f"pc_{name}", Constant("none"), Constant(0))
        for name in ("a", "b")
    )
    exclusion = Invariant("claim-broken", Not(And((at("a", "critical"), at("b", "critical")))))
    return Machine("peterson", tuple(variables), tuple(steps), contexts, (exclusion,))


def peterson_help() -> tuple[Invariant, ...]:
    """What makes mutual exclusion inductive."""
    found: list[Invariant] = []
    for me, other in (("a", "b"), ("b", "a")):
        raised = Compare("==", Read(f"flag_{me}"), Not(at(me, "idle")))
        found.append(Invariant("help", raised, f"flag of {me}"))
        alone = Or((at(other, "idle", "flag"), Compare("==", Read("turn"), Constant(me))))
        found.append(Invariant("help", Or((Not(at(me, "critical")), alone)), f"turn of {me}"))
    return tuple(found)
