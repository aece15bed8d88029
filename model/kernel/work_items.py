"""System work items (rules 7.5)."""

from ..algebra import conjunction, equal, negation
from ..domain import Enumeration, Range, Value
from ..expr import FALSE, Arithmetic, Constant, Expression, Read
from ..machine import MODEL_BOUND, Check
from .c_types import LONG, PVOID
from .callbacks import WORKER, WORKER_EX, Callback
from .levels import DISPATCH_LEVEL
from .locks import embedded
from .rule import Enter, KernelCall, KernelRoutine, Micro, Outcome, RuleError, Step
from .signature import Parameter
from .world import DRIVER, World

IDLE, QUEUED = "idle", "queued"


def work_items(world: World) -> tuple[str, ...]:
    """Every work item object of the driver, in a fixed order."""
    return tuple(name for name, item in sorted(world.objects.items()) if item.type == "IO_WORKITEM")


def state_of(world: World, item: str) -> Read:
    """Whether the work item is queued."""
    return world.variable(f"{item} is", Enumeration("work item state", (IDLE, QUEUED)), (IDLE,))


def _entries(world: World, item: str) -> list[tuple[str, str, Value]]:
    """(label, routine, context) of every call that queues the work item."""
    return [
        (f"{found[1]}({found[2]})", str(found[1]), found[2])
        for found in world.facts.all("work item routine")
        if found[0] == item
    ]


def _entry_of(world: World, item: str) -> Read | None:
    """Which routine and context the item was queued with; `None` where there is only one."""
    labels = tuple(label for label, _, _ in _entries(world, item))
    if len(labels) < 2:
        return None
    name = f"routine of {item}"
    return world.variable(name, Enumeration(name, labels), (labels[0],))


def device_kept(world: World) -> Read | None:
    """How many work items keep the device object; `None` if the driver never deletes it.

    Windows: a queued work item holds a reference to the device object until its routine has
        returned (7.5.5).
    Model: each item is queued once and runs twice at most.
    """
    if not world.can_die(DRIVER) or not work_items(world):
        return None
    most = 3 * len(work_items(world))
    return world.variable("work items that keep the device", Range(0, most), (0,))


def _work_item(call: KernelCall, world: World) -> str:
    """The work item passed."""
    return embedded(call, world, "IoWorkItem", "IO_WORKITEM")


def io_queue_work_item(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Queue a work item; a system thread will call the routine at PASSIVE_LEVEL.

    Windows: at or below DISPATCH_LEVEL (7.5.1, R63); queuing a queued item corrupts system data
        (7.5.2, R61).
    Model: one step; queuing it twice is a violation. The queue's type is not looked at. Until
        the routine has returned, the driver's device object is kept (7.5.5).
    """
    item = _work_item(call, world)
    context = call.arguments["Context"]
    if not isinstance(context, Constant):
        raise RuleError(f"{call.routine}: Context must be known where the call is made")
    routine = call.text("WorkerRoutine")
    world.facts.add("work item routine", item, routine, context.value)
    state = state_of(world, item)
    idle = equal(state, Constant(IDLE))
    updates: list[tuple[str, Expression]] = [(state.variable, Constant(QUEUED))]
    kept = device_kept(world)
    if kept is not None:
        updates.append((kept.variable, Arithmetic("+", kept, Constant(1))))
    entry = _entry_of(world, item)
    if entry is not None:
        updates.append((entry.variable, Constant(f"{routine}({context.value})")))
    twice = Check(
        "work-item-queued-twice",
        idle,
        f"{call.routine} queues {item}, which is queued already",
        "0xE4 WORKER_INVALID",
    )
    return (
        Step(
            call.routine,
            "7.5.1",
            (Outcome(updates=tuple(updates), handled=True),),
            (*call.at_most(DISPATCH_LEVEL), twice),
        ),
    )


def io_free_work_item(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Free a work item.

    Windows: only while it is not queued (7.5.4, R60); its routine may do so itself (7.5.3).
    Model: freeing a queued one is a violation, and so is any later use.
    """
    item = _work_item(call, world)
    world.facts.add("freed", item)
    check = Check(
        "free-while-queued",
        equal(state_of(world, item), Constant(IDLE)),
        f"{call.routine} frees {item} while it is queued",
        "0xE4 WORKER_INVALID",
    )
    alive = world.alive(item)
    updates = ((alive.variable, Constant(value=False)),) if isinstance(alive, Read) else ()
    checks = (*call.at_most(DISPATCH_LEVEL), check)
    return (Step(call.routine, "7.5.4", (Outcome(updates=updates),), checks),)


def _device_object(world: World) -> Constant:
    """What a worker routine gets as its device object: the driver's, if it has one."""
    found = [name for name, item in world.objects.items() if item.type == "DEVICE_OBJECT"]
    return Constant(found[0] if found else "NULL")


def start(world: World, item: str, others_busy: Expression, afterwards: tuple[Micro, ...]) -> Step:
    """A system thread takes the item out of its queue and calls the routine.

    Windows: dequeued before the routine runs, so it can be queued again meanwhile (7.5.3).
    Model: two threads serve each item; the second only while the first is busy. Where a third
        would be needed, the model ends (`no_third_worker`). The routine gets the driver's (first)
        device object, the context, and the item for the Ex form. `afterwards` is what the system
        does when the routine has returned.
    """
    device = _device_object(world)
    state = state_of(world, item)
    queued = conjunction(equal(state, Constant(QUEUED)), others_busy)
    entry = _entry_of(world, item)
    outcomes: list[Outcome] = []
    for label, routine, context in _entries(world, item):
        chosen = (equal(entry, Constant(label)),) if entry is not None else ()
        arguments = (device, Constant(context), Constant(item))
        outcomes.append(
            Outcome(
                (queued, *chosen),
                ((state.variable, Constant(IDLE)),),
                then=(Enter(routine, arguments, WORKER_EX), *afterwards),
                name=f"{item} starts",
            )
        )
    return Step(f"{item} starts", "7.5.3", tuple(outcomes))


def no_third_worker(world: World, item: str, all_busy: Expression) -> tuple[Expression, Check]:
    """When a third system thread would start the item, and the limit of the model that it meets.

    Windows: an item that was queued again starts on another thread, however many are busy (7.5.3).
    """
    due = conjunction(equal(state_of(world, item), Constant(QUEUED)), all_busy)
    detail = (
        f"{item} is queued while both system threads that serve it are still busy; let the "
        "scenario or the device ask less often"
    )
    return due, Check(MODEL_BOUND, FALSE, detail)


def pending(world: World, item: str) -> Expression:
    """Whether the item is queued."""
    return negation(equal(state_of(world, item), Constant(IDLE)))


def _queue(role: Callback) -> tuple[Parameter, ...]:
    """The parameters of a routine that queues a work item, which is called as `role`."""
    return (
        Parameter("IoWorkItem"),
        Parameter("WorkerRoutine", calls=role),
        Parameter("QueueType", type=LONG, default=1),
        Parameter("Context", type=PVOID, default="NULL", known=True),
    )


_ITEM = (Parameter("IoWorkItem"),)

ROUTINES = (
    KernelRoutine("IoQueueWorkItem", _queue(WORKER), io_queue_work_item, "7.5.1"),
    KernelRoutine("IoQueueWorkItemEx", _queue(WORKER_EX), io_queue_work_item, "7.5.1"),
    KernelRoutine("IoFreeWorkItem", _ITEM, io_free_work_item, "7.5.4"),
    KernelRoutine("IoUninitializeWorkItem", _ITEM, io_free_work_item, "7.5.4"),
)
