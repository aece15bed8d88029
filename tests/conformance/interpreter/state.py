"""A second meaning of drivers, written from docs/windows-rules.md without looking at the compiler.

It interprets routine graphs as they stand: locals are entries of a mapping, nothing is known before
it runs, no expression is simplified. Contexts, processors, locks, queues and lines are plain data.
What it has in common with the compiler is the routine graphs, and, if asked for, the granularity:
`eager` runs what only touches locals together with the action before it, as the compiler does;
otherwise each instruction is a step of its own.

`kernel.py` and its neighbours have the kernel routines, `dispatch.py` the interrupts, `steps.py`
what a step is, `search.py` who may take one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from dirql.model.domain import Range, Value
from dirql.model.driver import Device, Field, Program
from dirql.model.expr import Constant, Expression
from dirql.model.routine import (
    AddressOf,
    Argument,
    Assert,
    Assign,
    Branch,
    Call,
    Choose,
    Load,
    Place,
    Return,
    Routine,
    Store,
)
from dirql.model.scenario import Scenario

from ...oracle import value_of
from .c_numbers import IN_C, in_field

NONE = "none"
FREED = "freed"
LOCAL_STRUCTURE = "local structure"
PASSIVE, APC, DISPATCH = 0, 1, 2

Locals: TypeAlias = tuple[tuple[str, Value], ...]


class BrokenRuleError(Exception):
    """A step breaks the rule that the message names, and Windows stops."""


@dataclass(frozen=True, slots=True)
class Run:
    """A routine of the driver in progress; `entered` by Windows, at `irql`, with `held` locks."""

    routine: str
    node: int
    values: Locals
    entered: bool = False
    irql: int = 0
    held: tuple[tuple[str, str, int, str], ...] = ()
    serves: str = ""


@dataclass(frozen=True, slots=True)
class InKernel:
    """A kernel routine in progress: which, how far, with what it remembers."""

    routine: str
    stage: str
    memory: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The dispatch of a line in progress, at one entry of its chain."""

    stage: str
    position: int
    claimed: bool


@dataclass(frozen=True, slots=True)
class InDpc:
    """A DPC slot in use."""


Frame: TypeAlias = Run | InKernel | Dispatch | InDpc


@dataclass(frozen=True, slots=True)
class Context:
    """A thread, DPC slot or dispatch slot: `status` is waiting, running or done."""

    status: str
    frames: tuple[Frame, ...] = ()
    irql: int = 0
    held: tuple[tuple[str, str, int, str], ...] = ()
    handled: str = ""
    raised: tuple[int, ...] = ()


Names: TypeAlias = tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class State:
    """Everything, as pairs: `memory` is what the driver sees, `kernel` what Windows keeps."""

    memory: Names
    kernel: tuple[tuple[str, Value | frozenset[str] | tuple[Value, ...]], ...]
    contexts: tuple[tuple[str, Context], ...]
    stacks: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(slots=True)
class Draft:
    """A state that is being changed."""

    memory: dict[str, Value]
    kernel: dict[str, Value | frozenset[str] | tuple[Value, ...]]
    contexts: dict[str, Context]
    stacks: dict[str, tuple[str, ...]]

    def frozen(self) -> State:
        """The state."""
        nothing = (NONE, False, frozenset[str](), ())
        kept = [item for item in self.kernel.items() if item[1] not in nothing]
        return State(
            tuple(self.memory.items()),
            tuple(sorted(kept, key=lambda item: item[0])),
            tuple(self.contexts.items()),
            tuple(self.stacks.items()),
        )

    def copy(self) -> "Draft":
        """An independent copy."""
        return Draft(dict(self.memory), dict(self.kernel), dict(self.contexts), dict(self.stacks))

    def text(self, name: str, default: str = NONE) -> str:
        """A label that the kernel keeps."""
        return str(self.kernel.get(name, default))

    def flag(self, name: str) -> bool:
        """A truth value that the kernel keeps."""
        return bool(self.kernel.get(name, False))


def thaw(state: State) -> Draft:
    """A draft that begins as `state`."""
    return Draft(dict(state.memory), dict(state.kernel), dict(state.contexts), dict(state.stacks))


@dataclass(slots=True)
class World:
    """What does not change: the program, the scenario, the processors.

    `survived` collects the rules that were broken by steps behind which a free build goes on.
    """

    program: Program
    scenario: Scenario
    processors: tuple[str, ...]
    eager: bool
    routines: dict[str, Routine] = field(default_factory=dict[str, Routine])
    fields: dict[str, Field] = field(default_factory=dict[str, Field])
    patient: frozenset[str] = frozenset()
    known_lines: dict[object, bool] = field(default_factory=dict[object, bool])
    survived: set[str] = field(default_factory=set[str])

    def knob(self, name: str) -> str:
        """The value of a knob in the scenario, or its default (10.A)."""
        defaults = {
            "isr_before_connect_returns": "yes",
            "out_pointer_before_arm": "either",
            "connect_may_fail": "yes",
            "disconnect_waits_for_isr": "yes",
            "chain_order": "own_first",
            "latched_chain": "repeat_until_clean",
            "spurious_calls": "either",
        }
        return dict(self.scenario.knobs).get(name, defaults[name])

    def __post_init__(self) -> None:
        """Make the tables."""
        self.routines = {item.name: item for item in self.program.routines}
        self.patient = frozenset(
            name
            for routine in self.program.routines
            for node in routine.nodes
            if isinstance(call := node.instruction, Call)
            for name in _made_patient(call)
        )
        self.fields = {
            f"{item.name}.{declared.name}": declared
            for item in self.program.objects
            for declared in item.fields
        }

    @property
    def local_structures(self) -> list[str]:
        """The structures on the stacks of routines: `routine.local`."""
        return [item.name for item in self.program.objects if item.type == LOCAL_STRUCTURE]

    def on_stack(self, owner: str) -> str:
        """Which local structure the object called `owner` is, in some context; empty for none."""
        return next((item for item in self.local_structures if owner.endswith(f".{item}")), "")

    def declared(self, owner: str, name: str) -> Field:
        """The declaration of a field of an object."""
        return self.fields[f"{self.on_stack(owner) or owner}.{name}"]

    @property
    def lines(self) -> list[Device]:
        """The devices that are wired to a line."""
        return [item for item in self.program.devices if item.line is not None]

    def is_device(self, routine: str) -> bool:
        """Whether it is a routine of a device, which is one step."""
        return routine.partition(".")[0] in {item.object for item in self.program.devices}


def _made_patient(call: Call) -> list[str]:
    """The DPC that the call lets wait in its queue, if it does: targeted, or made low (7.1.8)."""
    if not call.arguments or isinstance(call.arguments[0], AddressOf):
        return []
    low = call.routine == Constant("KeSetImportanceDpc") and call.arguments[1] == Constant(0)
    targeted = call.routine == Constant("KeSetTargetProcessorDpc")
    return [str(value_of(call.arguments[0], {}))] if low or targeted else []


# Values.


def evaluate(expression: Expression, run: Run) -> Value:
    """The value of an expression over the locals of `run`."""
    return value_of(expression, dict(run.values), IN_C)


def assigned(run: Run, name: str, value: Value, following: int) -> Run:
    """`run` with a local set, at another node."""
    values = tuple(sorted({**dict(run.values), name: value}.items()))
    return replace(run, values=values, node=following)


def find(world: World, place: Place, run: Run) -> tuple[str, Field]:
    """The name of a location in memory, with its declaration."""
    owner = str(evaluate(place.object, run))
    if owner in ("NULL", "0"):
        raise BrokenRuleError("null-dereference")
    name = f"{owner}.{place.field}"
    declared = world.declared(owner, place.field)
    if place.index is None:
        return name, declared
    index = int(evaluate(place.index, run))
    if not 0 <= index < declared.count:
        raise BrokenRuleError("index-out-of-range")
    return f"{name}[{index}]", declared


def fitted(declared: Field, value: Value) -> Value:
    """`value` as the field stores it."""
    bounds = declared.domain
    if not isinstance(bounds, Range):
        return "NULL" if value == 0 else value
    number = in_field(int(value), bounds)
    if bounds.low <= number <= bounds.high:
        return number
    if declared.wrapping:
        return (number - bounds.low) % (bounds.high - bounds.low + 1) + bounds.low
    if declared.saturating:
        return max(bounds.low, min(number, bounds.high))
    raise BrokenRuleError("value-out-of-range")


# Devices.


def whole(
    world: World, memory: dict[str, Value], run: Run
) -> Iterator[tuple[dict[str, Value], Value]]:
    """Every way in which a routine of a device runs to its end, in one step."""
    work: list[tuple[dict[str, Value], tuple[Run, ...]]] = [(dict(memory), (run,))]
    while work:
        memory, stack = work.pop()
        top = stack[-1]
        node = world.routines[top.routine].nodes[top.node]
        instruction = node.instruction
        if isinstance(instruction, Return):
            value = evaluate(instruction.value, top)
            if len(stack) == 1:
                yield memory, value
                continue
            caller = stack[-2]
            call = world.routines[caller.routine].nodes[caller.node]
            work.append(
                (memory, (*stack[:-2], returned(call.instruction, caller, value, call.following)))
            )
        elif isinstance(instruction, Call):
            name = str(evaluate(instruction.routine, top))
            given = [argument_of(world, item, top) for item in instruction.arguments]
            inner = called(world, name, given)
            work.append((memory, (*stack, inner)))
        elif isinstance(instruction, Load | Store):
            changed, after = touch(world, memory, top, instruction, node.following)
            work.append((changed, (*stack[:-1], after)))
        else:
            work += [
                (dict(memory), (*stack[:-1], item))
                for item in local(top, instruction, node.following)
            ]


def returned(instruction: object, caller: Run, value: Value, following: int) -> Run:
    """The caller after the call has answered `value`."""
    assert isinstance(instruction, Call)
    if instruction.target is None:
        return replace(caller, node=following)
    return assigned(caller, instruction.target, value, following)


def called(world: World, routine: str, arguments: list[Value]) -> Run:
    """A routine at its beginning; arguments that are not given are NULL."""
    names = world.routines[routine].parameters
    given: dict[str, Value] = dict.fromkeys(names, "NULL")
    given.update(zip(names, arguments, strict=False))
    return Run(routine, 0, tuple(sorted(given.items())))


def touch(
    world: World, memory: dict[str, Value], run: Run, instruction: Load | Store, following: int
) -> tuple[dict[str, Value], Run]:
    """Memory and routine after a load or a store."""
    name, declared = find(world, instruction.place, run)
    owner = name.rpartition(".")[0]
    if memory.get(f"{FREED} {owner if world.on_stack(owner) else name.partition('.')[0]}"):
        raise BrokenRuleError("use-after-free")
    if isinstance(instruction, Load):
        return memory, assigned(run, instruction.target, memory[name], following)
    value = fitted(declared, evaluate(instruction.value, run))
    return {**memory, name: value}, replace(run, node=following)


def local(run: Run, instruction: object, following: int) -> list[Run]:
    """The routine after an instruction that touches only locals: every way it can go."""
    match instruction:
        case Assign(target, value):
            return [assigned(run, target, evaluate(value, run), following)]
        case Branch(condition, then, otherwise):
            return [replace(run, node=then if evaluate(condition, run) else otherwise)]
        case Choose(target, values, _):
            return [assigned(run, target, evaluate(item, run), following) for item in values]
        case Assert(condition, _):
            if not evaluate(condition, run):
                raise BrokenRuleError("assertion-failed")
            return [replace(run, node=following)]
        case _:
            raise AssertionError(instruction)


def asserted(world: World, memory: dict[str, Value], device: Device) -> bool:
    """Whether the device asserts its line."""
    prefix = f"{device.object}."
    key = (device.object, *(item for item in memory.items() if item[0].startswith(prefix)))
    if key not in world.known_lines:
        ((_, value),) = whole(world, memory, called(world, device.asserts, []))
        world.known_lines[key] = value not in (0, "NULL")
    return world.known_lines[key]


def argument_of(world: World, item: Argument, run: Run) -> Value:
    """The value of an argument: an address is `&` and a name."""
    if isinstance(item, AddressOf):
        return f"&{find(world, item.place, run)[0]}"
    return evaluate(item, run)
