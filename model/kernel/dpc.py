"""Deferred procedure calls: objects, queues, runs (rules 7.1 and 7.2)."""

from dataclasses import replace

from ..algebra import conjunction, disjunction, equal, if_then_else, negation
from ..domain import Enumeration, Value
from ..expr import FALSE, Constant, Expression, Read
from ..machine import Check
from .c_types import CCHAR, LONG, PVOID
from .callbacks import DPC, DPC_FOR_ISR
from .constants import HIGH_IMPORTANCE, LOW_IMPORTANCE
from .dpc_queues import ever_queued, first_on, joins, leaves, made_urgent, queued_on, urgent
from .dpc_sources import CALLS, forgotten, one_source
from .levels import DISPATCH_LEVEL, level_name
from .rule import (
    HERE,
    WRONG_IRQL,
    Enter,
    KernelCall,
    KernelRoutine,
    Micro,
    Outcome,
    Record,
    RuleError,
    Step,
)
from .signature import Parameter
from .world import NONE, World

_DPC_TYPES = ("KDPC", "DEVICE_OBJECT")


def running_on(processor: str) -> Read:
    """Stands for "a DPC is in progress on the processor"; the compiler replaces it."""
    return Read(f"running DPC@{processor}")


def dpcs(world: World) -> tuple[str, ...]:
    """Every DPC object that the driver initialises, in a fixed order."""
    return tuple(sorted({str(item[0]) for item in world.facts.all("dpc routine")}))


def dpc_passed(call: KernelCall, world: World, parameter: str) -> str:
    """The DPC object passed; a device object stands for the one built into it (7.2.1)."""
    name = call.text(parameter)
    found = world.objects.get(name)
    if found is None or found.type not in _DPC_TYPES:
        raise RuleError(f"{call.routine}: {parameter} must be a KDPC or DEVICE_OBJECT, not {name}")
    return name


def _initialize(
    call: KernelCall, world: World, parameter: str, context: Value
) -> tuple[Micro, ...]:
    """Remember which routine the DPC runs; it must not be queued."""
    dpc = dpc_passed(call, world, parameter)
    routine = call.text("DeferredRoutine")
    world.facts.add("dpc routine", dpc, routine, context)
    chosen = routine_of(world, dpc)
    updates: tuple[tuple[str, Expression], ...] = (
        (chosen.variable, Constant(_entry(routine, context))),
    )
    if world.facts.has("dpc targeted", dpc):
        updates += ((target_of(world, dpc).variable, NONE),)
    updates += made_urgent(world, dpc, value=False)
    updates += forgotten(world, dpc)
    idle = Check(
        "free-while-queued",
        equal(queued_on(world, dpc), NONE),
        f"{call.routine} initialises {dpc}, which is queued",
        "0xC7 TIMER_OR_DPC_INVALID",
    )
    return (Step(call.routine, "7.1.12", (Outcome(updates=updates),), (idle,)),)


def _entry(routine: str, context: Value) -> str:
    """A label for a routine together with its DeferredContext."""
    return routine if context == "NULL" else f"{routine}({context})"


def routine_of(world: World, dpc: str) -> Read:
    """Which routine the DPC was initialised with: `none`, or one of those found."""
    labels = tuple(_entry(str(item[1]), item[2]) for item in _routines(world, dpc))
    return world.variable(
        f"routine of {dpc}", Enumeration(f"routine of {dpc}", ("none", *labels)), ("none",)
    )


def _routines(world: World, dpc: str) -> list[tuple[Value, ...]]:
    """(DPC, routine, context) for every routine the DPC can be initialised with."""
    return [item for item in world.facts.all("dpc routine") if item[0] == dpc]


def initialized(call: KernelCall, world: World, dpc: str) -> Check:
    """The DPC object has been given its routine (7.1.12)."""
    return Check(
        "uninitialized-object",
        negation(equal(routine_of(world, dpc), NONE)),
        f"{call.routine} uses {dpc}, which has not been initialised",
        "0xC7 TIMER_OR_DPC_INVALID",
    )


def ke_initialize_dpc(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Prepare a DPC object.

    Windows: resident storage, before first use (7.1.12).
    Model: the routine is a value of the object; queuing an object without one is a violation, and
        so is initialising one that is queued. A target or high importance set before is
        forgotten. Threaded DPCs (7.1.11) are not modelled.
    """
    context = call.arguments["DeferredContext"]
    if not isinstance(context, Constant):
        raise RuleError(f"{call.routine}: DeferredContext must be known where the call is made")
    return _initialize(call, world, "Dpc", context.value)


def io_initialize_dpc_request(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Prepare the DPC object built into a device object.

    Windows: any IRQL; the DPC belongs to the device object (7.2.1).
    Model: as KeInitializeDpc, with the device object as DeferredContext.
    """
    return _initialize(call, world, "DeviceObject", call.text("DeviceObject"))


def _arguments(world: World, dpc: str, position: int) -> list[Value]:
    """The values that queuing calls pass as system argument 1 or 2."""
    return [item[2] for item in world.facts.all("dpc argument") if item[:2] == (dpc, position)]


def argument_of(world: World, dpc: str, position: int) -> Read | None:
    """The stored system argument, or `None` when every call passes the same one."""
    values = _arguments(world, dpc, position)
    if len(values) < 2:
        return None
    labels = tuple(str(item) for item in values)
    name = f"{dpc} argument {position}"
    return world.variable(name, Enumeration(name, labels), (labels[0],))


def insert(call: KernelCall, world: World, dpc: str, arguments: tuple[Expression, ...]) -> Step:
    """Queue the DPC unless it is queued already.

    The queue is that of the calling processor, or of the target (7.1.6). It joins at the tail, of
    high importance at the head (7.1.8).
    """
    ever_queued(world, dpc)
    queued = queued_on(world, dpc)
    target = here_or_target(world, dpc)
    updates: list[tuple[str, Expression]] = [
        (queued.variable, target),
        *joins(world, dpc, target, urgent(world, dpc)),
    ]
    same: list[Expression] = []
    for position, value in enumerate(arguments, 1):
        if not isinstance(value, Constant):
            raise RuleError(f"{call.routine}: system arguments must be known where they are passed")
        world.facts.add("dpc argument", dpc, position, value.value)
        stored = argument_of(world, dpc, position)
        if stored is not None:
            updates.append((stored.variable, Constant(str(value.value))))
            same.append(equal(stored, Constant(str(value.value))))
    free = equal(queued, NONE)
    checks: list[Check] = [initialized(call, world, dpc)]
    if call.ignored and same:
        checks.append(
            Check(
                "dpc-argument-lost",
                disjunction(free, conjunction(*same)),
                f"{call.routine} finds {dpc} already queued: the new arguments are dropped, and "
                "the FALSE it returns is ignored",
            )
        )
    return Step(
        call.routine,
        "7.1.2",
        (
            Outcome((free,), tuple(updates), result=Constant(1), handled=True),
            Outcome(
                (negation(free),),
                result=Constant(0),
                handled=True,
                name=f"{call.routine}: already queued",
            ),
        ),
        tuple(checks),
    )


def ke_insert_queue_dpc(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Queue a DPC.

    Windows: at any IRQL; TRUE if it was not queued, else FALSE, the new arguments are dropped, and
        it runs once (7.1.2, 7.1.3, 7.1.4). Not with the DPC of a timer (7.4.5, R59).
    Model: one step. Called below DISPATCH_LEVEL the DPC runs before anything else below it on that
        processor, but the caller may go on, on another one (weaker than 7.1.9).
    """
    arguments = (call.arguments["SystemArgument1"], call.arguments["SystemArgument2"])
    dpc = dpc_passed(call, world, "Dpc")
    step = insert(call, world, dpc, arguments)
    checks, remembered = one_source(call, world, dpc, CALLS)
    return (replace(step, checks=(*step.checks, *checks)), Record(remembered))


def io_request_dpc(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Queue the device object's DPC from its service routine.

    Windows: the caller is at DIRQL (7.2.2, 10.42); no result, so a dropped request is invisible.
    Model: KeInsertQueueDpc with that check, which a free build does not make: it queues.
    """
    arguments = (call.arguments["Irp"], call.arguments["Context"])
    step = insert(call, world, dpc_passed(call, world, "DeviceObject"), arguments)
    checks = step.checks
    if call.irql <= DISPATCH_LEVEL:
        detail = f"{call.routine} is called at {level_name(call.irql)}, below DIRQL"
        checks += (Check("dpc-requested-outside-isr", FALSE, detail, WRONG_IRQL),)
    return (Step(step.name, "7.2.2", step.outcomes, checks),)


def target_of(world: World, dpc: str) -> Read:
    """The processor set by KeSetTargetProcessorDpc, or `none`."""
    return world.variable(f"{dpc} target", world.processor_domain, ("none",))


def here_or_target(world: World, dpc: str) -> Expression:
    """The processor whose queue the DPC joins: its target or the one that runs this (7.1.6)."""
    if not world.facts.has("dpc targeted", dpc):
        return HERE
    chosen = target_of(world, dpc)
    return if_then_else(equal(chosen, NONE), HERE, chosen)


def ke_set_target_processor_dpc(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Choose the processor whose queue will hold the DPC.

    Windows: before queuing; no effect on a DPC that is queued (7.1.6).
    Model: one step. A processor number beyond those of the run means the last one. A targeted DPC
        may be delayed for any time (7.1.8, 10.52).
    """
    dpc = dpc_passed(call, world, "Dpc")
    world.facts.add("dpc targeted", dpc)
    number = min(call.number("Number"), len(world.processors) - 1)
    update = ((target_of(world, dpc).variable, Constant(world.processors[number])),)
    return (Step(call.routine, "7.1.6", (Outcome(updates=update),)),)


def ke_set_importance_dpc(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Choose how urgent the DPC is.

    Windows: high goes to the head of the queue, all others to its tail; low may wait for the queue
        to fill up (7.1.8, 10.52).
    Model: one step; what is queued already stays where it is. A DPC that is ever made low never
        holds a thread back.
    """
    dpc = dpc_passed(call, world, "Dpc")
    importance = call.number("Importance")
    if importance == LOW_IMPORTANCE:
        world.facts.add("dpc low importance", dpc)
    if importance == HIGH_IMPORTANCE:
        world.facts.add("dpc high importance", dpc)
    updates = made_urgent(world, dpc, value=importance == HIGH_IMPORTANCE)
    return (Step(call.routine, "7.1.8", (Outcome(updates=updates),)),)


def no_arguments(world: World, dpc: str) -> tuple[tuple[str, Expression], ...]:
    """The updates that store what a timer passes: no system arguments."""
    stored = (argument_of(world, dpc, position) for position in (1, 2))
    return tuple((item.variable, Constant("NULL")) for item in stored if item is not None)


def awaited(world: World, context: str, what: str) -> Read:
    """Whether a KeFlushQueuedDpcs in progress in `context` still waits for a DPC or a processor."""
    return world.flag(f"{context} flushes {what}", owner=context)


def _decoded(world: World, dpc: str, position: int) -> list[tuple[tuple[Expression, ...], Value]]:
    """(guard, value) for every value the stored argument can have."""
    values = _arguments(world, dpc, position) or ["NULL"]
    stored = argument_of(world, dpc, position)
    if stored is None:
        return [((), values[0])]
    return [((equal(stored, Constant(str(value))),), value) for value in values]


def start(world: World, processor: str) -> Step:
    """A processor takes a DPC out of its queue and calls the routine.

    Windows: when the IRQL would fall below DISPATCH_LEVEL, at DISPATCH_LEVEL (7.1.7), the first in
        the queue (7.1.8); the object is out of the queue before its routine starts, so it can be
        queued again meanwhile (7.1.5).
    Model: the first in the queue; with the knob `dpc_order` any of it (10.65). The end of a run is
        part of its last step.
    """
    outcomes: list[Outcome] = []
    here: tuple[Expression, ...]
    flushing = [str(item[0]) for item in world.facts.all("flushes")]
    done = Record(
        tuple((awaited(world, context, f"DPC@{processor}").variable, FALSE) for context in flushing)
    )
    for dpc in dpcs(world):
        queued = queued_on(world, dpc)
        if world.knobs["dpc_any_cpu"] == "yes":
            here = (negation(equal(queued, NONE)), first_on(world, dpc, queued))
        else:
            own = Constant(processor)
            here = (equal(queued, own), first_on(world, dpc, own))
        updates: list[tuple[str, Expression]] = [(queued.variable, NONE), *leaves(world, dpc)]
        for context in flushing:
            flag = awaited(world, context, dpc)
            updates += [
                (flag.variable, FALSE),
                (awaited(world, context, f"DPC@{processor}").variable, flag),
            ]
        forgotten = [
            (stored.variable, Constant(str(_arguments(world, dpc, position)[0])))
            for position in (1, 2)
            if (stored := argument_of(world, dpc, position)) is not None
        ]
        for _, routine, deferred_context in _routines(world, dpc):
            entry = _entry(str(routine), deferred_context)
            chosen = equal(routine_of(world, dpc), Constant(entry))
            for guard1, first in _decoded(world, dpc, 1):
                for guard2, second in _decoded(world, dpc, 2):
                    arguments = (
                        Constant(dpc),
                        Constant(deferred_context),
                        Constant(first),
                        Constant(second),
                    )
                    outcomes.append(
                        Outcome(
                            (*here, chosen, *guard1, *guard2),
                            (*updates, *forgotten),
                            then=(Enter(str(routine), arguments, DPC), done),
                            name=f"{dpc} starts",
                        )
                    )
    return Step("DPC starts", "7.1.5", tuple(outcomes), irql=DISPATCH_LEVEL)


def due_at_once(world: World, processor: str) -> Expression:
    """Whether the processor must run a DPC before anything below DISPATCH_LEVEL.

    Windows: a DPC in the processor's own queue runs before its IRQL falls below DISPATCH_LEVEL
        (7.1.7); one that another processor targeted at it may be delayed (7.1.8, 10.52).
    Model: targeted DPCs and those of low importance never hold a thread back.
    """
    if world.knobs["dpc_any_cpu"] == "yes":
        return FALSE
    return disjunction(
        *(
            equal(queued_on(world, dpc), Constant(processor))
            for dpc in dpcs(world)
            if not world.facts.has("dpc targeted", dpc)
            and not world.facts.has("dpc low importance", dpc)
        )
    )


_DPC = Parameter("Dpc")


def _handed_on(name: str) -> Parameter:
    """What the DPC's routine is given."""
    return Parameter(name, type=PVOID, default="NULL", known=True)


_PREPARE = (
    _DPC,
    Parameter("DeferredRoutine", calls=DPC),
    Parameter("DeferredContext", type=PVOID, default="NULL"),
)
_PREPARE_FOR_ISR = (Parameter("DeviceObject"), Parameter("DeferredRoutine", calls=DPC_FOR_ISR))
_INSERT = (_DPC, _handed_on("SystemArgument1"), _handed_on("SystemArgument2"))
_REQUEST = (Parameter("DeviceObject"), _handed_on("Irp"), _handed_on("Context"))
_TARGET = (_DPC, Parameter("Number", type=CCHAR))
_IMPORTANCE = (_DPC, Parameter("Importance", type=LONG))

ROUTINES = (
    KernelRoutine("KeInitializeDpc", _PREPARE, ke_initialize_dpc, "7.1.12"),
    KernelRoutine("IoInitializeDpcRequest", _PREPARE_FOR_ISR, io_initialize_dpc_request, "7.2.1"),
    KernelRoutine("KeInsertQueueDpc", _INSERT, ke_insert_queue_dpc, "7.1.2"),
    KernelRoutine("IoRequestDpc", _REQUEST, io_request_dpc, "7.2.2"),
    KernelRoutine("KeSetTargetProcessorDpc", _TARGET, ke_set_target_processor_dpc, "7.1.6"),
    KernelRoutine("KeSetImportanceDpc", _IMPORTANCE, ke_set_importance_dpc, "7.1.8"),
)
