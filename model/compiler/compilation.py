"""The compiler: a driver and a scenario in, a `System` out.

Rules discover facts while contexts are explored (an interrupt object here, freed memory there), and
facts change what rules emit. So all contexts are explored again until a pass discovers nothing.
"""

from collections.abc import Iterator
from dataclasses import replace

from ..algebra import conjunction, disjunction, not_equal
from ..driver import Line, Object, Program
from ..expr import FALSE, TRUE, Constant, Expression, Read
from ..kernel import ROUTINES, dispatch, dpc, memory, work_items
from ..kernel.callbacks import OTHER, START
from ..kernel.knobs import Knobs, NotedKnobs
from ..kernel.levels import DISPATCH_LEVEL, PASSIVE_LEVEL, level_name
from ..kernel.registration import NO_DEVICE, REFUSES
from ..kernel.rule import Enter, Step
from ..kernel.stack_memory import INTERNAL, instance_of
from ..kernel.world import LOCAL_STRUCTURE, Facts, World
from ..machine import ContextKind, Source
from ..scenario import Scenario, Thread
from ..system import System
from .assembly import Assembly
from .calls import Calls
from .errors import NEVER_CONNECTS, CompileError
from .execution import Executor
from .facts import describe, notes
from .flow import Joins
from .hardware import HARDWARE, DeviceEvent
from .kernel_steps import KernelSteps
from .liveness import Liveness
from .location import WINDOWS, KernelFrame, Location, RoutineFrame
from .naming import names_in
from .path import Path, RoutineActivation
from .phases import Phases
from .places import Places
from .program import ContextProgram, Explorer, source_of
from .spans import with_spans

_MOST_PASSES = 120


def compile_system(
    program: Program, scenario: Scenario, processors: int, knobs: Knobs | None = None
) -> System:
    """Compile `program` as `scenario` uses it, on `processors` processors (1 to 8).

    Raises:
        PatternError: the kernel model cannot give the driver a meaning; the message says where.
    """
    compilation = _Compilation(program, scenario, processors, knobs or Knobs())
    try:
        return compilation.system()
    except CompileError as error:
        raise error.as_pattern_error(compilation.anywhere()) from error


class _Compilation:
    """One driver, scenario, processor count and set of knobs."""

    def __init__(self, program: Program, scenario: Scenario, processors: int, knobs: Knobs) -> None:
        """Analyse what does not change from pass to pass."""
        self._program = program
        self._knobs = NotedKnobs(knobs.settings)
        self._processors = tuple(f"P{number}" for number in range(processors))
        self._routines = {item.name: item for item in program.routines}
        self._liveness = {item.name: Liveness(item) for item in program.routines}
        self._joins: dict[str, Joins] = {}
        self._facts = Facts()
        self._threads = _named_threads(scenario)
        for item in program.objects:
            if any(declared.name == "allocated" for declared in item.fields):
                self._facts.add("freed", item.name)
                self._facts.add("allocated", item.name)

    def system(self) -> System:
        """Explore until nothing new is found, then put everything together."""
        for _ in range(_MOST_PASSES):
            self._facts.grew = False
            world, programs, executor = self._explore()
            events = list(self._events(executor))
            waiting = self._predicates(executor, [d.waiting for d in self._program.devices])
            claims = self._predicates(executor, list(self._program.invariants))
            if not self._facts.grew:
                break
        else:
            raise CompileError(
                "the driver keeps growing: locals and references found no bound",
                self.anywhere(),
                "declare the ranges of counting locals: n: Int(0, 7) = 0",
            )
        self._require_connection(programs)
        names = self._threads
        phases = Phases(
            tuple(name for name, _ in names["start"]),
            tuple(name for name, _ in names["concurrently"]),
            tuple(name for name, _ in names["finally"]),
        )
        assembly = Assembly(world, programs, phases, self._routines)
        machine = assembly.machine(self._program.name, events, waiting)
        machine = with_spans(machine, programs, self._stacks())
        found = describe(machine, world, programs, self._routines, phases, waiting, claims)
        return replace(found, notes=notes(world, programs, frozenset(self._knobs.asked)))

    def _require_connection(self, programs: tuple[ContextProgram, ...]) -> None:
        """A driver whose device has a line must connect a service routine somewhere."""
        lines = [device.line for device in self._program.devices if device.line is not None]
        if not lines or self._facts.registrations:
            self._refuse_one_vector(lines, programs)
            return
        for program in programs:
            for move in program.moves:
                routine, refuses, why = move.path.name.partition(REFUSES)
                if refuses:
                    raise CompileError(
                        f"no service routine is ever connected: {routine} refuses with {why}",
                        move.path.source,
                        "a scenario without an interrupt proves nothing about interrupts; "
                        + _remedy(why),
                        NEVER_CONNECTS,
                    )
        if any(move.path.failed for program in programs for move in program.moves) and any(
            name.startswith("IoConnectInterrupt") for name in self._called()
        ):
            return  # a rule is certainly broken before the connect call, and that is the answer
        raise CompileError(
            f"nothing in this scenario connects an interrupt, though {lines[0].device} has a line",
            self.anywhere(),
            "call IoConnectInterrupt or IoConnectInterruptEx in a routine that the scenario runs "
            f"(it runs {self._listed()}), or give the device no Line",
            NEVER_CONNECTS,
        )

    def _refuse_one_vector(self, lines: list[Line], programs: tuple[ContextProgram, ...]) -> None:
        """A line that is never connected, while two routines ask for that of another device."""
        made = self._facts.registrations
        silent = [line for line in lines if all(item.line != line.device for item in made)]
        for line in lines if silent else ():
            here = [item for item in made if item.line == line.device]
            if line.shared or len({item.routine for item in here}) < 2:
                continue
            points = self._facts.connect_points[here[-1]]
            source = next(
                source_of(location, self._routines)
                for program in programs
                for label, location in program.points.items()
                if f"{program.name} {label}" in points
            )
            raise CompileError(
                f"{silent[0].device} is never connected: {here[0].routine} and {here[-1].routine} "
                f"are both connected to vector {line.vector}, which is that of {line.device} and "
                "not shared",
                source,
                f"pass Vector=self.{silent[0].device}.Vector, which is {silent[0].vector}; of two "
                "connect calls to one unshared vector one fails",
                NEVER_CONNECTS,
                word="Vector",
            )

    def _called(self) -> set[str]:
        """What the routines that the scenario runs call or name, and those in turn."""
        pending = [thread.routine for phase in self._threads.values() for _, thread in phase]
        found = set(pending)
        while pending:
            routine = self._routines.get(pending.pop())
            for name in names_in(routine) - found if routine is not None else ():
                found.add(name)
                pending.append(name)
        return found

    def anywhere(self) -> Source:
        """Where the scenario begins: its first thread's routine."""
        thread = next(iter(thread for phase in self._threads.values() for _, thread in phase))
        return self._routines[thread.routine].source

    def _listed(self) -> str:
        """The routines that the scenario runs in threads."""
        threads = (thread.routine for phase in self._threads.values() for _, thread in phase)
        return ", ".join(dict.fromkeys(threads))

    # One pass.

    def _contexts(self) -> tuple[ContextProgram, ...]:
        """Every context the driver can have."""
        found = [
            ContextProgram(
                name, ContextKind.THREAD, entry="start", rest="done", entry_irql=thread.irql
            )
            for phase in self._threads.values()
            for name, thread in phase
        ]
        for item in self._program.objects:
            if item.type == "IO_WORKITEM":
                found += [
                    ContextProgram(f"{item.name} worker{number}", ContextKind.WORKER)
                    for number in ("", " 2")
                ]
        for processor in self._processors:
            found.append(
                ContextProgram(
                    f"DPC@{processor}", ContextKind.DPC, processor, entry_irql=DISPATCH_LEVEL
                )
            )
            found += [
                ContextProgram(
                    f"{device.object} interrupt@{processor}",
                    ContextKind.ISR,
                    processor,
                    device.object,
                    entry_irql=device.line.irql,
                )
                for device in self._program.devices
                if device.line is not None
            ]
        return tuple(found)

    def _explore(self) -> tuple[World, tuple[ContextProgram, ...], Executor]:
        """Explore every context once with the facts known so far."""
        programs = self._contexts()
        world = World(
            self._processors,
            (*(item.name for item in programs), HARDWARE),
            self._knobs,
            self._facts,
            self._objects(),
            {item.object: item.line for item in self._program.devices if item.line is not None},
        )
        places = Places(world, self._program.devices, self._routines)
        hardware = self._executor(world, places, HARDWARE, ContextKind.HARDWARE)
        for device in self._program.devices:
            world.asserted[device.object] = (
                self._predicate(hardware, device.asserts) if device.asserts else FALSE
            )
        for program in programs:
            executor = self._executor(world, places, program.name, program.kind)
            explorer = Explorer(program, executor, self._routines, self._liveness)
            explorer.explore(self._entry(program), self._first(world, program, programs))
        used = tuple(item for item in programs if item.moves)
        return world, used, hardware

    def _objects(self) -> dict[str, Object]:
        """The objects of the driver, and the structures on the stacks of contexts."""
        found = {item.name: item for item in self._program.objects}
        local = {name: item for name, item in found.items() if item.type == LOCAL_STRUCTURE}
        for structure, context in self._facts.all(LOCAL_STRUCTURE):
            name = instance_of(str(structure), str(context))
            found[name] = replace(local[str(structure)], name=name)
        return {name: item for name, item in found.items() if name not in local}

    def _stacks(self) -> list[tuple[str, str]]:
        """Each context with each structure that it has on its stack."""
        return [
            (str(context), instance_of(str(structure), str(context)))
            for structure, context in self._facts.all(LOCAL_STRUCTURE)
        ]

    def _executor(self, world: World, places: Places, context: str, kind: ContextKind) -> Executor:
        """An executor for one context."""
        kernel = {item.name: item for item in (*ROUTINES, *INTERNAL)}
        calls = Calls(world, places, self._routines, kernel, context, kind)
        steps = KernelSteps(world, places, self._routines, context)
        return Executor(world, places, calls, steps, self._joins)

    def _first(
        self, world: World, program: ContextProgram, programs: tuple[ContextProgram, ...]
    ) -> Step | None:
        """The step with which a resting slot or worker begins."""
        match program.kind:
            case ContextKind.DPC:
                return dpc.start(world, program.home)
            case ContextKind.ISR:
                return dispatch.accept(world, dispatch.Slot(program.line, program.home))
            case ContextKind.WORKER:
                item = program.name.partition(" worker")[0]
                busy: Expression = TRUE
                if program.name.endswith(" 2"):
                    busy = not_equal(Read(f"at {item} worker"), Constant("idle"))
                return work_items.start(world, item, busy, memory.device_released(world))
            case ContextKind.THREAD | ContextKind.HARDWARE:
                del programs
                return None

    def _entry(self, program: ContextProgram) -> Location:
        """Where a thread begins."""
        if program.kind is not ContextKind.THREAD:
            return Location((), 0, pinned=False)
        thread = next(
            thread
            for phase in self._threads.values()
            for name, thread in phase
            if name == program.name
        )
        routine = self._routines[thread.routine]
        role = START if program.name in dict(self._threads["start"]) else OTHER
        if thread.irql == PASSIVE_LEVEL:
            known = tuple(sorted(zip(routine.parameters, thread.arguments, strict=False)))
            frame = RoutineFrame(routine.name, 0, known, (), role, 0, (), "")
            return Location((frame,), 0, pinned=False)
        arguments = tuple(Constant(value) for value in thread.arguments)
        micros = (
            Step(f"Windows calls {routine.name} at {level_name(thread.irql)}", irql=thread.irql),
            Enter(routine.name, arguments, role),
            Step(f"{routine.name} returns to Windows", irql=PASSIVE_LEVEL),
        )
        return Location((KernelFrame(WINDOWS, micros, None, routine.source),), 0, pinned=False)

    # Routines that are looked at rather than run.

    def _atomic(self, executor: Executor, name: str) -> list[Path]:
        """All behaviours of a routine that runs as one step."""
        routine = self._routines[name]
        start = RoutineActivation(routine, 0, {}, None, 0, ())
        path = Path([start], 0, False, (), "", acted=True, atomic_base=0)  # noqa: FBT003
        path.source = routine.source
        return list(executor.run(path))

    def _events(self, executor: Executor) -> Iterator[DeviceEvent]:
        """What the devices can do by themselves; what changes nothing is left out."""
        for device in self._program.devices:
            for name in device.events:
                for path in self._atomic(executor, name):
                    if path.updates or path.checks:
                        yield DeviceEvent(name, path, sure=name in device.sure)

    def _predicate(self, executor: Executor, name: str) -> Expression:
        """The condition that a routine computes, as one expression."""
        value: Expression = FALSE
        for path in self._atomic(executor, name):
            if path.checks:
                raise CompileError(
                    f"{name} must have a value in every state, but {path.checks[0].detail}",
                    path.source,
                    "test for that case first",
                )
            result = path.result if path.result is not None else Constant(0)
            for fork, truth in path.split(result, executor.places.ranges()):
                if truth.value:
                    value = disjunction(value, conjunction(*fork.guard))
        return value

    def _predicates(self, executor: Executor, names: list[str]) -> list[tuple[str, Expression]]:
        """Name and condition of each routine named."""
        return [(name, self._predicate(executor, name)) for name in names if name]


def _named_threads(scenario: Scenario) -> dict[str, list[tuple[str, Thread]]]:
    """The threads of a scenario by phase, each with a name of its own."""
    used: dict[str, int] = {}

    def named(thread: Thread) -> tuple[str, Thread]:
        count = used[thread.routine] = used.get(thread.routine, 0) + 1
        return (thread.routine if count == 1 else f"{thread.routine} {count}"), thread

    return {
        "start": [named(scenario.start)] if scenario.start else [],
        "concurrently": [named(item) for item in scenario.concurrently],
        "finally": [named(scenario.finally_)] if scenario.finally_ else [],
    }


def _remedy(why: str) -> str:
    """What to write where a connect call refuses for the reason `why`."""
    if why.endswith(NO_DEVICE):
        return (
            "give the driver a field Pdo = DEVICE_OBJECT() and set "
            "parameters.LineBased.PhysicalDeviceObject = self.Pdo (or FullySpecified)"
        )
    return "leave the argument out to take it from the device's Line"
