"""One context's program points and the transitions between them."""

from dataclasses import dataclass, field

from ..algebra import interval, is_false, is_true
from ..domain import Range, describe
from ..expr import Constant, Expression, Read, Select
from ..kernel.levels import DISPATCH_LEVEL
from ..kernel.rule import Step
from ..kernel.world import World
from ..machine import MODEL_BOUND, Check, ContextKind, Source, Variable
from ..routine import Routine
from .errors import TOO_WIDE, CompileError
from .execution import Executor
from .flow import RESULT, Flow, Given, Marks
from .liveness import Liveness
from .location import Frame, KernelFrame, Location, RoutineFrame
from .path import KernelActivation, Path, RoutineActivation
from .places import is_name

_LARGEST_LOCAL = 4_096
"""Values of a computed local beyond which the author is asked to declare its range."""

_MOST_KNOWN_VALUES = 1_000
"""Known values of a local beyond which it is data rather than part of the program point."""

RESTING = Location((), 0, pinned=False)


@dataclass(frozen=True, slots=True)
class Move:
    """A transition of one context before scheduling is added: from point to point along a path."""

    origin: str
    start: Location
    path: Path
    target: str
    end: Location


@dataclass(slots=True)
class ContextProgram:
    """A context: what it is, where it can be, and how it moves.

    Attributes:
        name: as in traces.
        kind: thread, DPC slot, dispatch slot or worker.
        home: the processor of a slot; empty for threads and workers, which float.
        line: the line of a dispatch slot.
        entry: the label where it starts; slots rest there between runs.
        rest: the label where it ends.
        points: label to location, in order of discovery.
    """

    name: str
    kind: ContextKind
    home: str = ""
    line: str = ""
    entry: str = "idle"
    rest: str = "idle"
    initial: str = "idle"
    entry_irql: int = 0
    points: dict[str, Location] = field(default_factory=dict[str, Location])
    moves: list[Move] = field(default_factory=list[Move])

    @property
    def counter(self) -> str:
        """The program counter variable."""
        return f"at {self.name}"

    @property
    def floats(self) -> bool:
        """Whether any processor may run it."""
        return not self.home


class Explorer:
    """Explores the program of one context from its entry."""

    def __init__(
        self,
        program: ContextProgram,
        executor: Executor,
        routines: dict[str, Routine],
        liveness: dict[str, Liveness],
    ) -> None:
        """Prepare to explore `program`."""
        self._program = program
        self._executor = executor
        self._world: World = executor.world
        self._routines = routines
        self._liveness = liveness
        self._labels: dict[Location, str] = {}
        self._used: dict[str, int] = {}
        self._values: dict[str, set[bool | int]] = {}

    def explore(self, entry: Location, first: Step | None = None) -> None:
        """Find all points and moves. `first` is the step a resting slot can take, if it is one."""
        program = self._program
        program.points[program.rest] = RESTING
        self._labels[RESTING] = program.rest
        if first is not None:
            start = Path(
                [KernelActivation("", (first,), None, Source())],
                irql=0,
                pinned=False,
                held=(),
                handled="",
            )
            work = self._moves(program.entry, RESTING, start)
        else:
            program.points[program.entry] = entry
            self._labels[entry] = program.entry
            work = [entry]
        while work:
            location = work.pop()
            work += self._moves(self._labels[location], location, self._thaw(location))

    def _moves(self, label: str, location: Location, start: Path) -> list[Location]:
        """Add the moves from one point; the points found new."""
        self._executor.calls.label = f"{self._program.name} {label}"
        found: list[Location] = []
        if location.pinned and location.irql < DISPATCH_LEVEL:
            start.name, start.rule, start.pinned = "IRQL falls", "1.4.5", False
            paths = [start]
        else:
            paths = list(self._executor.run(start))
        for path in paths:
            end = location if path.failed else self._freeze(path)
            if not path.failed:
                self._forget(location, end, path)
            if end not in self._labels:
                self._labels[end] = self._name(end)
                self._program.points[self._labels[end]] = end
                found.append(end)
            self._program.moves.append(Move(label, location, path, self._labels[end], end))
        return found

    # Between paths and locations.

    def _thaw(self, location: Location) -> Path:
        """A path that starts at `location`."""
        stack: list[RoutineActivation | KernelActivation] = []
        for frame in location.frames:
            if isinstance(frame, KernelFrame):
                known = None if frame.result is None else Constant(frame.result)
                result = Read(frame.stored) if frame.stored else known
                given: Marks = frozenset((Given(len(stack), RESULT),))
                stack.append(
                    KernelActivation(frame.routine, frame.micros, result, frame.source, given)
                )
                continue
            values: dict[str, Expression] = {name: Constant(value) for name, value in frame.known}
            values.update({name: Read(self._local(frame.routine, name)) for name in frame.stored})
            stack.append(
                RoutineActivation(
                    self._routines[frame.routine],
                    frame.node,
                    values,
                    frame.role,
                    frame.entry_irql,
                    frame.entry_held,
                    frame.serves,
                    Flow.resumed(len(stack), values),
                )
            )
        return Path(
            stack,
            location.irql,
            location.pinned,
            location.held,
            location.handled,
            location.raised,
        )

    def _freeze(self, path: Path) -> Location:
        """The location that a path has reached; locals that depend on data go to variables."""
        if not path.stack:
            return RESTING
        frames: list[Frame] = []
        for position, item in enumerate(path.stack):
            above = path.stack[position + 1] if position + 1 < len(path.stack) else None
            frames.append(self._frame(path, item, above))
        pinned = path.pinned or path.irql >= DISPATCH_LEVEL
        return Location(tuple(frames), path.irql, pinned, path.held, path.handled, path.raised)

    def _frame(
        self,
        path: Path,
        item: RoutineActivation | KernelActivation,
        above: RoutineActivation | KernelActivation | None,
    ) -> Frame:
        """One frame of a location."""
        if isinstance(item, KernelActivation):
            if item.result is None or isinstance(item.result, Constant):
                result = None if item.result is None else item.result.value
                return KernelFrame(item.routine, item.micros, result, item.source)
            variable = f"{self._program.name}.{item.routine}.answer"
            self._store(path, variable, item.result, None, f"the answer of {item.routine}")
            return KernelFrame(item.routine, item.micros, None, item.source, variable)
        liveness = self._liveness[item.routine.name]
        if path.ends:  # only what it points to may still matter, to others
            live = frozenset(name for name, value in item.locals.items() if is_name(value))
        elif above is None:
            live = liveness.before(item.node)
        else:
            live = liveness.during_call(
                item.node, keeps_arguments=isinstance(above, KernelActivation)
            )
        known: list[tuple[str, str | int | bool]] = []
        stored: list[str] = []
        for name in sorted(live):
            value = item.locals.get(name)
            if value is None:
                continue
            if isinstance(value, Constant) and not self._counts(item, name, value):
                known.append((name, value.value))
                continue
            stored.append(name)
            self._store_local(path, item, name, value)
        return RoutineFrame(
            item.routine.name,
            item.node,
            tuple(known),
            tuple(stored),
            item.role,
            item.entry_irql,
            item.entry_held,
            item.serves,
        )

    def _local(self, routine: str, name: str) -> str:
        """The variable that stores a local of this context."""
        return f"{self._program.name}.{routine}.{name}"

    def _counts(self, item: RoutineActivation, name: str, value: Constant) -> bool:
        """Whether the local has had so many known values that it is treated as data."""
        if isinstance(value.value, str):
            return False
        variable = self._local(item.routine.name, name)
        had = self._values.setdefault(variable, set())
        had.add(value.value)
        facts = self._world.facts
        if len(had) > _MOST_KNOWN_VALUES and not facts.has("counting local", variable):
            facts.add("counting local", variable)
            facts.local_domains[variable] = Range(int(min(had)), int(min(had)))
        return self._world.facts.has("counting local", variable)

    def _store_local(
        self, path: Path, item: RoutineActivation, name: str, value: Expression
    ) -> None:
        """Keep a local that depends on data in a variable."""
        declared = dict(item.routine.domains).get(name)
        bounds = declared if isinstance(declared, Range) else None
        what, word = f"the local {name} of {item.routine.name}", name
        if name.startswith("%"):  # a temporary, which the author has not named
            what, word = f"a value that {item.routine.name} computes here", ""
        self._store(path, self._local(item.routine.name, name), value, bounds, what, word=word)

    def _copied(self, value: Expression, variable: str) -> bool:
        """Whether a field is kept in the variable as it is, and so has the bounds that it needs."""
        parts = value.items if isinstance(value, Select) else (value,)
        known = {*self._world.fields, variable}
        return all(isinstance(part, Read) and part.variable in known for part in parts)

    def _store(
        self,
        path: Path,
        variable: str,
        value: Expression,
        bounds: Range | None,
        what: str,
        *,
        word: str = "",
    ) -> None:
        """Keep `what` in a variable with these bounds, or else wide enough for it."""
        facts = self._world.facts
        if bounds is None:
            found = interval(value, self._executor.places.ranges())
            bounds = facts.widen(variable, found)
            inside = self._executor.places.inside(
                value, Constant(bounds.low), Constant(bounds.high)
            )
            if not is_true(inside):
                detail = f"{what} may leave {describe(bounds)}"
                path.checks.append(Check(MODEL_BOUND, inside, detail))
            if is_false(inside):
                value = Read(variable)
        wide = bounds.high - bounds.low >= _LARGEST_LOCAL
        if wide and (word or not self._copied(value, variable)):
            raise CompileError(
                f"{what} has no bound that can be computed",
                path.source,
                f"declare it where it is first assigned: {word}: Int(0, 7) = ..."
                if word
                else "let the routine answer TRUE or FALSE, or a local declared as n: Int(0, 7)",
                TOO_WIDE,
                word=word,
            )
        if facts.local_domains.get(variable) != bounds:
            facts.local_domains[variable] = bounds
            facts.grew = True
        self._executor.places.ranges()[variable] = bounds
        self._world.variables[variable] = Variable(
            variable, bounds, (bounds.low,), self._program.name
        )
        if value != Read(variable):
            path.updates[variable] = value

    def _forget(self, start: Location, end: Location, path: Path) -> None:
        """Reset the variables of locals that are dead at the end."""
        alive = set(self._stored(end))
        for variable in self._stored(start):
            if variable not in alive:
                initial = self._world.variables[variable].initial[0]
                path.updates[variable] = Constant(initial)

    def _stored(self, location: Location) -> list[str]:
        """The variables of locals stored at a location."""
        named = [
            self._local(frame.routine, name)
            for frame in location.frames
            if isinstance(frame, RoutineFrame)
            for name in frame.stored
        ]
        answers = [
            frame.stored
            for frame in location.frames
            if isinstance(frame, KernelFrame) and frame.stored
        ]
        return [*named, *answers]

    # Labels.

    def _name(self, location: Location) -> str:
        """A label that a reader can find: routine and line, and the kernel step if there is one."""
        base = where(location, self._routines)
        step = location.step
        if step is not None:
            base = f"{base} {step.name}" if base else step.name
        if location.pinned and location.irql < DISPATCH_LEVEL:
            base = f"{base} (IRQL falls)"
        count = self._used[base] = self._used.get(base, 0) + 1
        return base if count == 1 else f"{base} #{count}"


def where(location: Location, routines: dict[str, Routine]) -> str:
    """The innermost driver line of a location, as `routine:line`; empty in the kernel's code."""
    source = source_of(location, routines)
    return f"{source.routine}:{source.line}" if source.line else ""


def source_of(location: Location, routines: dict[str, Routine]) -> Source:
    """The innermost driver line of a location."""
    for frame in reversed(location.frames):
        if isinstance(frame, RoutineFrame):
            return routines[frame.routine].nodes[frame.node].source
        if frame.source.line:
            return frame.source
    return Source()
