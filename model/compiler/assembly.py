"""From the programs of all contexts to one machine."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..algebra import (
    atoms,
    conjunction,
    disjunction,
    equal,
    if_then_else,
    less_equal,
    member,
    negation,
    not_equal,
    substitute,
    variables_of,
)
from ..domain import Enumeration
from ..expr import FALSE, TRUE, Constant, Expression, Read
from ..kernel import dispatch, work_items
from ..kernel.levels import DISPATCH_LEVEL
from ..kernel.rule import HERE
from ..kernel.world import CONNECTED, INACTIVE, NONE, World
from ..machine import Context, ContextKind, Machine, Transition, Variable
from ..routine import Routine
from .hardware import HARDWARE, DeviceEvent, changes, spontaneous
from .notice import Waiting, with_notice
from .path import Path
from .phases import Phases, start_failed
from .program import ContextProgram, Move, source_of
from .scheduling import Scheduling, placement


class Assembly:
    """Adds scheduling, the order of threads, hardware and lines; then builds a machine."""

    def __init__(
        self,
        world: World,
        programs: tuple[ContextProgram, ...],
        phases: Phases,
        routines: dict[str, Routine],
    ) -> None:
        """Assemble `programs`; `phases` orders the threads among them."""
        self._world = world
        self._programs = programs
        self._phases = phases
        self._routines = routines
        self._scheduling = Scheduling(world, programs)
        self._placeholders = self._meanings()

    def _meanings(self) -> dict[str, Expression]:
        """What the placeholders of kernel rules stand for."""
        found: dict[str, Expression] = {}
        slots = [item for item in self._programs if item.line]
        for item in self._world.interrupts():
            found[f"running {item.name}"] = disjunction(
                *(
                    member(
                        Read(slot.counter),
                        [
                            label
                            for label, point in slot.points.items()
                            if point.serves == item.name
                        ],
                    )
                    for slot in slots
                )
            )
        mortal = [str(name) for (name,) in self._world.facts.all("allocated again")]
        for name in (*(item.name for item in self._world.interrupts()), *mortal):
            found[f"remembered {name}"] = self._remembered(name)
        for processor in self._world.processors:  # a driver without DPCs may wait for them as well
            found[f"running DPC@{processor}"] = FALSE
            for line in self._world.lines:  # nothing is dispatched where the affinity forbids it
                found[f"running {line} interrupt@{processor}"] = FALSE
        for program in self._programs:
            if program.kind in (ContextKind.DPC, ContextKind.ISR):
                busy = negation(equal(Read(program.counter), Constant(program.rest)))
                found[f"running {program.name}"] = busy
        return found

    def _remembered(self, name: str) -> Expression:
        """Some context stands where one of its locals holds the object called `name`."""
        return disjunction(
            *(
                member(
                    Read(program.counter),
                    [label for label, point in program.points.items() if point.remembers(name)],
                )
                for program in self._programs
            )
        )

    # Contexts.

    def _transitions(self, program: ContextProgram) -> Iterator[Transition]:
        """The transitions of one context."""
        for move in program.moves:
            here = self._processors(program, move)
            for processor in here:
                yield self._transition(program, move, processor)

    def _processors(self, program: ContextProgram, move: Move) -> Iterable[str]:
        """The processors to tell apart for a move of a floating context; else one nameless one."""
        if not program.floats or move.start.pinned:
            return ("",)
        expressions = (*move.path.guard, *move.path.updates.values())
        needs_one = move.end.pinned or any(
            HERE.variable in variables_of(item) for item in expressions
        )
        return self._world.processors if needs_one else ("",)

    def _transition(self, program: ContextProgram, move: Move, processor: str) -> Transition:
        """One transition; `processor` is where a floating context takes the step, if it matters."""
        path = move.path
        here: Expression = Constant(processor or program.home)
        if program.floats and not processor:
            here = placement(program)
        meanings = {**self._placeholders, HERE.variable: here}
        wired = self._world.lines.get(program.line)
        if wired is not None and dispatch.follows_own_device(self._world, wired):
            slot = dispatch.Slot(program.line, program.home)
            asked = dispatch.ASKED_ALL_ALONG.format(wired.device)
            meanings[asked] = dispatch.still_asserted(self._world, slot)
        updates = {name: substitute(value, meanings) for name, value in path.updates.items()}
        updates[program.counter] = Constant(move.target)
        if program.floats and move.end.pinned != move.start.pinned:
            updates[placement(program).variable] = Constant(processor) if processor else NONE
        if move.end.pinned and processor:
            updates[placement(program).variable] = Constant(processor)
        if not path.stack and not path.failed and program.kind is ContextKind.THREAD:
            updates.update(self._after_thread(program, path))
        guard = [substitute(item, meanings) for item in path.guard]
        at = equal(Read(program.counter), Constant(move.origin))
        return Transition(
            path.name or "runs",
            program.name,
            atoms(conjunction(at, *guard)),
            changes(updates),
            tuple(
                replace(item, condition=substitute(item.condition, meanings))
                for item in path.checks
            ),
            self._atoms(program, move, processor),
            tuple(path.accesses),
            path.source if path.source.line else source_of(move.start, self._routines),
            path.spontaneous or self._begins_last(program, move),
            rule=path.rule,
            opaque=path.opaque,
            lucky=path.lucky,
            choices=path.decided(processor),
        )

    def _begins_last(self, program: ContextProgram, move: Move) -> bool:
        """Whether the move begins the last routine: somebody calls it some day, nobody owes it."""
        return program.name in self._phases.last and move.origin == program.entry

    def _atoms(self, program: ContextProgram, move: Move, processor: str) -> tuple[Expression, ...]:
        """The scheduling atoms of a move."""
        start = move.start
        if program.floats:
            if processor:
                found: tuple[Expression, ...] = (self._scheduling.idle(processor),)
            elif not start.pinned:
                found = (self._scheduling.some_processor(),)
            elif start.irql < DISPATCH_LEVEL:
                found = self._scheduling.drained(program)
            else:
                found = self._scheduling.on_top(program, start)
        elif not start.frames:
            found = self._scheduling.acceptance(program, program.entry_irql)
        else:
            found = self._scheduling.on_top(program, start)
        return atoms(conjunction(*found))

    def _after_thread(self, program: ContextProgram, path: Path) -> dict[str, Expression]:
        """Whom the end of a thread lets start.

        The first thread lets the concurrent ones start if it returned a success status (NTSTATUS
        not negative); the last thread starts when all of them have ended, or none was started.
        """
        phases = self._phases
        if program.name in phases.start:
            good = less_equal(Constant(0), path.result or Constant(0))
            success = good if phases.concurrently else FALSE
            return {
                **self._started(phases.concurrently, success),
                **self._started(phases.last, negation(success)),
                **self._failed(program.name, good),
            }
        if program.name in phases.concurrently:
            ended = conjunction(
                *(
                    equal(Read(f"at {name}"), Constant("done"))
                    for name in phases.concurrently
                    if name != program.name
                )
            )
            return self._started(phases.last, ended)
        return {}

    def _failed(self, name: str, good: Expression) -> dict[str, Expression]:
        """Remember that the start failed, where nothing else shows it."""
        if self._phases.concurrently or good == TRUE:
            return {}
        return {self._world.flag(start_failed(name)).variable: negation(good)}

    def _started(self, names: tuple[str, ...], condition: Expression) -> dict[str, Expression]:
        """The threads `names` start if `condition` holds."""
        return {
            f"at {name}": if_then_else(condition, Constant("start"), Constant("not started"))
            for name in names
        }

    # Hardware.

    def _hardware(self, events: Iterable[DeviceEvent]) -> Iterator[Transition]:
        yield from spontaneous(self._world, events, self._scheduling)
        yield from self._third_workers()

    def _third_workers(self) -> Iterator[Transition]:
        """The limit of the model on system threads that serve one work item (7.5.3)."""
        workers = {item.name: item for item in self._programs if item.kind is ContextKind.WORKER}
        for name, first in workers.items():
            second = workers.get(f"{name} 2")
            if second is not None:
                busy = conjunction(
                    *(not_equal(Read(one.counter), Constant(one.rest)) for one in (first, second))
                )
                item = name.removesuffix(" worker")
                due, bound = work_items.no_third_worker(self._world, item, busy)
                yield Transition(
                    f"{item} starts on a third thread", HARDWARE, atoms(due), (), (bound,),
                    rule="7.5.3",
                )  # fmt: skip

    # Lines.

    def _with_lines(self, transition: Transition) -> Transition:
        """`transition` with what its writes to device registers do to the lines."""
        updates = dict(transition.updates)
        added: dict[str, Expression] = {}
        for line in self._world.lines.values():
            before = self._world.asserted[line.device]
            if not variables_of(before) & updates.keys():
                continue
            after = substitute(before, updates)
            if line.latched:
                added.update(self._edge(line.device, before, after))
            if dispatch.follows_own_device(self._world, line):
                added.update(self._quiet(line.device, after, updates))
        if not added:
            return transition
        return replace(transition, updates=transition.updates + changes(added))

    def _edge(self, name: str, before: Expression, after: Expression) -> dict[str, Expression]:
        """A rising edge of a latched line is remembered if anything is connected (10.36, 10.57)."""
        states = (
            (CONNECTED, INACTIVE)
            if self._world.knobs["edge_while_inactive"] == "keep"
            else (CONNECTED,)
        )
        line = self._world.lines[name]
        listening = disjunction(
            Constant(value=line.shared),
            *(
                member(self._world.interrupt_state(item.name), states)
                for item in self._world.interrupts()
                if item.registration.line == name
            ),
        )
        pending = dispatch.edge_pending(self._world, name)
        rises = conjunction(negation(before), after, listening)
        return {pending.variable: disjunction(pending, rises)}

    def _quiet(
        self, name: str, after: Expression, updates: dict[str, Expression]
    ) -> dict[str, Expression]:
        """A level line that goes quiet was not asserted all through the dispatch in progress."""
        found: dict[str, Expression] = {}
        for processor in self._world.processors:
            flag = dispatch.still_asserted(self._world, dispatch.Slot(name, processor))
            if flag.variable not in updates:
                found[flag.variable] = conjunction(flag, after)
        return found

    # The machine.

    def machine(self, name: str, events: Iterable[DeviceEvent], waiting: Waiting) -> Machine:
        """The machine without properties; `waiting` says which devices hold work."""
        moves = [item for program in self._programs for item in self._transitions(program)]
        transitions = tuple(self._with_lines(item) for item in (*moves, *self._hardware(events)))
        transitions = tuple(with_notice(self._world, item, waiting) for item in transitions)
        contexts = tuple(self.context(item) for item in self._programs)
        rest = Context(HARDWARE, ContextKind.HARDWARE, "", NONE, Constant(0))
        return Machine(name, self._variables(), transitions, (*contexts, rest))

    def _variables(self) -> tuple[Variable, ...]:
        """Program counters, placements, then everything the rules and places declared."""
        found: list[Variable] = []
        phases = self._phases
        for program in self._programs:
            labels = tuple(program.points)
            at_once = program.name in (phases.start or phases.concurrently or phases.last)
            initial = program.rest
            if program.kind is ContextKind.THREAD:
                labels = ("not started", *labels)
                initial = program.entry if at_once else "not started"
            domain = Enumeration(f"points of {program.name}", labels)
            found.append(Variable(program.counter, domain, (initial,), program.name))
            if program.floats:
                found.append(
                    Variable(
                        placement(program).variable,
                        self._world.processor_domain,
                        ("none",),
                        program.name,
                    )
                )
        return (*found, *self._world.variables.values())

    def context(self, program: ContextProgram) -> Context:
        """What the machine says of a context."""
        counter = Read(program.counter)
        levels = sorted({point.irql for point in program.points.values()})
        irql: Expression = Constant(levels[0])
        for level in levels[1:]:
            there = [label for label, point in program.points.items() if point.irql == level]
            irql = if_then_else(member(counter, there), Constant(level), irql)
        processor: Expression = (
            placement(program)
            if program.floats
            else if_then_else(equal(counter, Constant(program.rest)), NONE, Constant(program.home))
        )
        return Context(program.name, program.kind, program.counter, processor, irql)
