"""Many machines as one: a variable says which of them runs, and nothing leads to another.

Compiling is what takes long in comparing the native engine with the reference, and most of what is
compiled is the same for all machines. So variants of a random machine are compiled together. What
the one machine reaches is what each of them does, side by side.
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from dirql.model.domain import Range, values
from dirql.model.expr import And, Compare, Constant, Expression, Not, Or, Read
from dirql.model.machine import Machine, Transition, Variable

WHICH = "which machine"


def variants(machine: Machine, chance: Random, count: int) -> list[Machine]:
    """Machines over the variables of `machine`: some steps are left out, some do something else."""
    domains = {item.name: item.domain for item in machine.variables}

    def other(step: Transition) -> Transition:
        if not step.updates or chance.random() < 0.5:
            return step
        place = chance.randrange(len(step.updates))
        name = step.updates[place][0]
        update = name, Constant(chance.choice(tuple(values(domains[name]))))
        return replace(step, updates=(*step.updates[:place], update, *step.updates[place + 1 :]))

    def variant() -> Machine:
        kept = [item for item in machine.transitions if chance.random() < 0.8]
        steps = tuple(map(other, kept or machine.transitions))
        invariants = tuple(item for item in machine.invariants if chance.random() < 0.5)
        progress = tuple(item for item in machine.progress if chance.random() < 0.5)
        return replace(machine, transitions=steps, invariants=invariants, progress=progress)

    return [variant() for _ in range(count)]


def _runs(number: int) -> Expression:
    return Compare("==", Read(WHICH), Constant(number))


def together(machines: Sequence[Machine]) -> Machine:
    """One machine that is, from the start, one of `machines`; their variables are the same.

    Races are not asked.
    """
    first = machines[0]
    numbers = tuple(range(len(machines)))
    which = Variable(WHICH, Range(0, max(len(machines) - 1, 1)), numbers)
    transitions = tuple(
        replace(step, guard=(_runs(number), *step.guard))
        for number, machine in enumerate(machines)
        for step in machine.transitions
    )
    invariants = tuple(
        replace(item, condition=Or((Not(_runs(number)), item.condition)))
        for number, machine in enumerate(machines)
        for item in machine.invariants
    )
    progress = tuple(
        replace(item, live=And((_runs(number), item.live)))
        for number, machine in enumerate(machines)
        for item in machine.progress
    )
    return replace(
        first,
        variables=(which, *first.variables),
        transitions=transitions,
        invariants=invariants,
        progress=progress,
        races=(),
    )
