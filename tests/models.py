"""Machines made by hand, whose sizes can be counted on paper."""

from dirql.model.algebra import conjunction, disjunction, equal, negation
from dirql.model.domain import Boolean, Enumeration
from dirql.model.expr import FALSE, TRUE, Constant, Expression, Read
from dirql.model.machine import (
    Context,
    ContextKind,
    Invariant,
    Machine,
    Progress,
    Source,
    Transition,
    Variable,
)


def thread(name: str) -> Context:
    """A floating thread with a counter, at level 0."""
    return Context(name, ContextKind.THREAD, f"at {name}", Constant("none"), Constant(0))


def counter(name: str, *labels: str) -> Variable:
    """The program counter of thread `name`, starting at the first label."""
    return Variable(f"at {name}", Enumeration(f"points of {name}", labels), labels[:1], name)


def at(name: str, label: str) -> Expression:
    """That thread `name` stands at `label`."""
    return equal(Read(f"at {name}"), Constant(label))


def step(
    context: str,
    name: str,
    start: str,
    end: str,
    *guard: Expression,
    **updates: Expression,
) -> Transition:
    """A step of `context` between two of its points; `_` in a keyword stands for a space."""
    changes = tuple((key.replace("_", " "), value) for key, value in updates.items())
    return Transition(
        name,
        context,
        (at(context, start), *guard),
        ((f"at {context}", Constant(end)), *changes),
        source=Source("model.py", 1, context, name),
    )


def mutex() -> Machine:
    """Two threads and a test-and-set lock.

    By hand: nobody inside, or one of two: 3 states, 4 steps, depth 1.
    """
    steps: list[Transition] = []
    for name in "ab":
        steps.append(step(name, "acquire", "out", "in", negation(Read("held")), held=TRUE))
        steps.append(step(name, "release", "in", "out", held=FALSE))
    return Machine(
        "mutex",
        (
            counter("a", "out", "in"),
            counter("b", "out", "in"),
            Variable("held", Boolean(), (False,)),
        ),
        tuple(steps),
        (thread("a"), thread("b")),
        (Invariant("both-inside", negation(conjunction(at("a", "in"), at("b", "in")))),),
    )


def peterson(*, flags: bool = True) -> Machine:
    """Peterson's algorithm; without looking at the flags, both threads get in."""
    variables = [Variable("turn", Enumeration("thread", ("a", "b")), ("a", "b"))]
    steps: list[Transition] = []
    for name, other in (("a", "b"), ("b", "a")):
        variables += [
            counter(name, "idle", "flag", "turn", "wait", "inside"),
            Variable(f"flag {name}", Boolean(), (False,)),
        ]
        mine = equal(Read("turn"), Constant(name))
        free = disjunction(negation(Read(f"flag {other}")), mine) if flags else TRUE
        steps += [
            step(name, "start", "idle", "flag"),
            step(name, "raise flag", "flag", "turn", **{f"flag {name}": TRUE}),
            step(name, "give turn", "turn", "wait", turn=Constant(other)),
            step(name, "enter", "wait", "inside", free),
            step(name, "leave", "inside", "idle", **{f"flag {name}": FALSE}),
        ]
    inside = conjunction(at("a", "inside"), at("b", "inside"))
    return Machine(
        "peterson",
        tuple(variables),
        tuple(steps),
        (thread("a"), thread("b")),
        (Invariant("both-inside", negation(inside), "both threads are inside"),),
        tuple(Progress("stuck-context", name, TRUE, at(name, "inside")) for name in "ab"),
    )


def philosophers(count: int, *, left_handed: bool = True) -> Machine:
    """Dining philosophers: take one fork, then the other, put both down.

    By hand, all left-handed: a state is a circle of *thinks*, *has left*, *eats* in which a right
    neighbour of one who eats thinks, so 6, 14, 34 states for 2, 3, 4 (traces of the powers of
    [[1,1,1],[1,1,1],[1,0,0]]); all having their left fork, `count` steps away, are stuck.
    """
    variables: list[Variable] = []
    steps: list[Transition] = []
    for number in range(count):
        name, forks = f"p{number}", (f"fork{number}", f"fork{(number + 1) % count}")
        first, second = forks if left_handed or number > 0 else forks[::-1]
        variables += [
            counter(name, "thinks", "waits", "eats"),
            Variable(forks[0], Boolean(), (False,)),
        ]
        take_first = (negation(Read(first)), {first: TRUE})
        take_second = (negation(Read(second)), {second: TRUE})
        steps += [
            step(name, "take one fork", "thinks", "waits", take_first[0], **take_first[1]),
            step(name, "take the other", "waits", "eats", take_second[0], **take_second[1]),
            step(name, "put both down", "eats", "thinks", **{first: FALSE, second: FALSE}),
        ]
    names = [f"p{number}" for number in range(count)]
    return Machine(
        f"{count} philosophers",
        tuple(variables),
        tuple(steps),
        tuple(thread(name) for name in names),
        progress=tuple(Progress("stuck-context", name, TRUE, at(name, "eats")) for name in names),
    )


def many_beginnings(bits: int) -> Machine:
    """Bits that begin as anything, and one that is set: 2 to the power of `bits` initial states."""
    names = [f"bit {number}" for number in range(bits)]
    variables = [Variable(name, Boolean(), (False, True)) for name in names]
    done = counter("setter", "sets", "done")
    steps = [step("setter", "set", "sets", "done", **{names[0]: TRUE})]
    return Machine("many beginnings", (*variables, done), tuple(steps), (thread("setter"),))
