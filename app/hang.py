"""What hangs, and why: where a context ends up that can never go on, and who is in its way.

A trace of a progress condition ends at the first state of no return, which is the shortest way to
be lost and rarely the state in which anything stands still. From there the nearest standstill is
searched: a set of states that is never left. The trace is told on to there, marked as the way into
it. In it each context either stands for ever or goes round for ever, and one can say who waits for
whom.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import networkx as nx

from dirql.explorer.evaluate import Evaluator, State
from dirql.explorer.judgement import hopeless
from dirql.explorer.recording import Recorder
from dirql.explorer.successors import Successors
from dirql.explorer.trace import Trace
from dirql.model.domain import Value
from dirql.model.kernel.dispatch import FIRES_AGAIN
from dirql.model.kernel.levels import DISPATCH_LEVEL
from dirql.model.machine import Machine
from dirql.model.system import Point, System
from dirql.properties import alone

from .report import count
from .trace_words import readable

STUCK = "stuck-context"
MOST_STATES = 20_000
"""States to look at behind the end of a trace; beyond that nothing is said."""

NONE = "none"

STORM = ": the line stays asserted, no service routine quiets the device"

NUMBER = re.compile(r" #\d+$")
"""What tells program points of one name apart."""


@dataclass(frozen=True, slots=True)
class Standstill:
    """What comes of a violation that has no way back.

    Attributes:
        told: what hangs, in a few sentences; empty where there is nothing to say.
        way: the transitions that lead to the nearest standstill.
    """

    told: str = ""
    way: tuple[int, ...] = ()


def standstill(system: System, machine: Machine, trace: Trace) -> Standstill:
    """What comes of `trace`; nothing unless it ends where there is no way back."""
    violation = trace.violation
    if all(hopeless(item) != violation for item in machine.progress):
        return Standstill()
    scene = _search(system, alone(machine, violation.property), _last_state(trace))
    if scene is None:
        return Standstill()
    if violation.property != STUCK:
        return Standstill(way=scene.way)
    told = readable("; ".join(scene.chain(violation.contexts[0])))
    later = f", {count(len(scene.way), 'step')} later at the nearest" if scene.way else ""
    return Standstill(f"What hangs{later}: {told}.", scene.way)


def going_on(machine: Machine, trace: Trace, way: Sequence[int]) -> Trace:
    """`trace` with the steps of `way` behind its violation."""
    evaluator = Evaluator(machine)
    states = [_last_state(trace)]
    for index in way:
        states.append(evaluator.after(machine.transitions[index])(states[-1]))
    return replace(trace, onward=Recorder(machine, evaluator).steps(states, way))


def _last_state(trace: Trace) -> State:
    values = dict(trace.initial)
    for step in trace.steps:
        values |= {name: after for name, _, after in step.changes}
    return tuple(values.values())


def _search(system: System, machine: Machine, start: State) -> "_Scene | None":
    """The nearest set of states that is never left, or nothing if it is too far away."""
    evaluator = Evaluator(machine)
    successors = Successors(machine, evaluator)
    graph: nx.DiGraph[State] = nx.DiGraph()
    graph.add_node(start)
    ways: dict[State, tuple[int, ...]] = {start: ()}
    pending = deque([start])
    while pending:
        state = pending.popleft()
        for action in successors.enabled(state):
            if action.transition.lucky or action.broken(state) >= 0:
                continue
            after = action.after(state)
            graph.add_edge(state, after)
            if after not in ways:
                ways[after] = (*ways[state], action.index)
                pending.append(after)
        if len(ways) > MOST_STATES:
            return None
    sets = nx.strongly_connected_components(graph)
    final = (
        found for found in sets if all(after in found for one in found for after in graph[one])
    )
    nearest = min(final, key=lambda found: min(len(ways[state]) for state in found))
    first = min(nearest, key=lambda state: len(ways[state]))
    return _Scene(system, machine, evaluator, successors, nearest, first, ways[first])


@dataclass(frozen=True, slots=True)
class _Scene:
    """A standstill: the states it consists of, the nearest of them, and the way there."""

    system: System
    machine: Machine
    evaluator: Evaluator
    successors: Successors
    states: set[State]
    first: State
    way: tuple[int, ...]

    def chain(self, context: str) -> Iterator[str]:
        """One clause for each context, from the one that is stuck to the one that is to blame."""
        seen: list[str] = []
        while context:
            if context in seen:
                yield f"so {context} waits for itself"
                return
            seen.append(context)
            clause, context = self._clause(context)
            yield clause

    def _clause(self, name: str) -> tuple[str, str]:
        """What the context does for ever, and who keeps it from going on."""
        points = self._points(name)
        if len(points) > 1 or self._moves(name):
            busy = [point for point in points if not point.end] or points
            ours = [point for point in busy if point.source.line] or busy
            places = [
                self._place(point) for point in sorted(ours, key=lambda item: item.source.line)
            ]
            told = f"{name} goes round for ever ({', '.join(dict.fromkeys(places))})"
            return told + (STORM if self._fires_again(name) else ""), ""
        where = f"{name} stands for ever" + (f" at {self._place(points[0])}" if points else "")
        point = points[0] if points else None
        if point is not None and point.waits_for:
            owner = self._owner(point.waits_for)
            if owner not in (NONE, name):
                return f"{where}, spinning for {point.waits_for}, which {owner} owns", owner
        if self._ready(name):
            return self._held_up(name, where)
        if point is not None and point.waits_on:
            return f"{where}, waiting for {point.waits_on}, which nothing will signal", ""
        return f"{where}, waiting in {self._call(name, point)}, for what will not happen", ""

    def _fires_again(self, name: str) -> bool:
        """Whether it is a level line that is still asserted whenever its dispatch ends."""
        return any(
            action.transition.context == name and action.transition.name.endswith(FIRES_AGAIN)
            for state in self.states
            for action in self.successors.enabled(state)
        )

    def _points(self, name: str) -> list[Point]:
        """The program points where it stands in the standstill."""
        counter = next(item.counter for item in self.machine.contexts if item.name == name)
        slot = self.evaluator.slots[counter] if counter else -1
        labels = {state[slot] for state in self.states} if counter else set[Value]()
        return [
            point for point in self.system.points if point.context == name and point.label in labels
        ]

    def _place(self, point: Point) -> str:
        source = point.source
        label = NUMBER.sub("", point.label)
        return f"{source.routine}:{source.line}" if source.line else label

    def _owner(self, lock: str) -> str:
        variable = next(item.owner for item in self.system.locks if item.name == lock)
        return str(self.first[self.evaluator.slots[variable]])

    def _ready(self, name: str) -> bool:
        """Whether only the scheduling keeps it from its next step."""
        return any(
            action.stands(self.first)
            for action in self.successors.actions
            if action.transition.context == name
        )

    def _moves(self, name: str) -> bool:
        """Whether it takes steps in the standstill."""
        return any(
            action.transition.context == name
            and not action.transition.lucky
            and action.broken(state) < 0
            for state in self.states
            for action in self.successors.enabled(state)
        )

    def _held_up(self, name: str, where: str) -> tuple[str, str]:
        """It could go on, but for what runs above it."""
        level, processor = self._level(name), self._processor(name)
        above = {
            place: other
            for level_of_other, place, other in self._occupants()
            if other != name and (processor in (NONE, place)) and level_of_other >= level
        }
        if not above:
            return f"{where}, and is never run again", ""
        places = ", ".join(f"{place} is occupied by {other}" for place, other in above.items())
        who = next(iter(above.values()))
        return f"{where}, because {places}", who

    def _occupants(self) -> list[tuple[int, str, str]]:
        """(level, processor, context) of whatever stands raised, from the lowest level up."""
        found = (
            (self._level(item.name), self._processor(item.name), item.name)
            for item in self.machine.contexts
            if item.counter
        )
        return sorted(item for item in found if item[0] >= DISPATCH_LEVEL and item[1] != NONE)

    def _level(self, name: str) -> int:
        irql = next(item.irql for item in self.machine.contexts if item.name == name)
        return int(self.evaluator.value(irql)(self.first))

    def _processor(self, name: str) -> str:
        place = next(item.processor for item in self.machine.contexts if item.name == name)
        return str(self.evaluator.value(place)(self.first))

    def _call(self, name: str, point: Point | None) -> str:
        """The kernel routine in which it waits."""
        for action in self.successors.actions:
            step = action.transition
            if step.context == name and point is not None and step.source == point.source:
                return step.name
        return "the kernel"
