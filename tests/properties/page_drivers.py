"""A whole driver around the code on the page of each property.

A page shows what matters. What it leaves out stands here: the fields, the routines it calls, and
the scenario. Routines and fields of the page replace those of the frame that have their name;
statements of the page stand where the frame says `PAGE`; a `...` among them becomes `rest`.
"""

import ast
from dataclasses import dataclass
from textwrap import dedent, indent

MODULE = """
from dirql.model.wdk import *

D0, D3 = 0, 1
HALT, RESET = 1, 2


class Request(Structure):
    status = Int(0, 1)


{device}


class Nic(Driver):
{members}


scenario = Scenario({scenario}, processors=[1, 2])
"""

DEVICE = """
class E100(Device):
    cause = Bit(0)
    masked = Bit(1)

    def line(self):
        return self.cause and not self.masked

    @hardware
    def packet_arrives(self):
        self.cause = 1

    @hardware
    def pulse_ends(self):
        self.cause = 0
"""
"""On a latched line an interrupt comes again and again, whatever the service routine does."""

LEVEL = """
class E100(Device):
    cause = Bit(0)
    masked = Bit(1)

    def line(self):
        return self.cause and not self.masked

    @hardware
    def packet_arrives(self):
        self.cause = 1
"""

TWO_CAUSES = """
class E100(Device):
    received = Bit(0)
    sent = Bit(0)
    asks = Bit(0)
    masked = Bit(1)

    def line(self):
        return self.asks and not self.masked

    def waiting(self):
        return self.received or self.sent

    @hardware
    def receives(self):
        self.received = 1
        self.asks = 1

    @hardware
    def sends(self):
        self.sent = 1
        self.asks = 1

    def acknowledge(self):
        self.asks = 0
        return self.received + 2 * self.sent
"""

NO_LINE = "nic = E100()"
SHARED_LINE = "nic = E100(Line(irql=7, mode=Latched, shared=True))"
LEVEL_LINE = "nic = E100(Line(irql=7))"

MEMBERS = """
nic = E100(Line(irql=7, mode=Latched))
Interrupt = PKINTERRUPT()
dpc = KDPC()
lock = KSPIN_LOCK()

def Start(self):
    KeInitializeSpinLock(self.lock)
    KeInitializeDpc(self.dpc, self.NICDpc, NULL)
    self.Prepare()
    status = IoConnectInterrupt(self.Interrupt, self.NICIsr)
    if not NT_SUCCESS(status):
        return status
    self.nic.masked = 0
    return STATUS_SUCCESS

def Prepare(self):
    pass

def NICIsr(self, Interrupt, ServiceContext):
    KeInsertQueueDpc(self.dpc, NULL, NULL)
    return TRUE

def NICDpc(self, Dpc, DeferredContext):
    pass
"""


@dataclass(frozen=True)
class Frame:
    """What a page leaves out.

    Attributes:
        members: fields and routines of the driver, besides the usual ones.
        scenario: the arguments of the scenario.
        rest: what `...` stands for.
        device: the device class.
        service_routine: the name the page gives it.
    """

    members: str = ""
    scenario: str = "start=Nic.Start"
    rest: str = "pass"
    device: str = DEVICE
    service_routine: str = "NICIsr"

    def driver(self, *pages: str) -> str:
        """The driver with the code of the pages, the last one first in importance."""
        usual = MEMBERS.replace("NICIsr", self.service_routine)
        members: dict[str, ast.stmt] = {}
        for text in (usual, self.members):
            members |= {_name(node): node for node in ast.parse(dedent(text)).body}
        body: list[ast.stmt] = []
        for page in pages:
            nodes = [_Filled(self.rest).visit(node) for node in ast.parse(dedent(page)).body]
            if all(_is_member(node) for node in nodes):
                members |= {_name(node): node for node in nodes}
            else:
                body = nodes
        placed = [_Placed(body).visit(node) for node in members.values()]
        placed.sort(key=lambda node: isinstance(node, ast.FunctionDef))
        text = "\n\n".join(ast.unparse(ast.fix_missing_locations(node)) for node in placed)
        return MODULE.format(
            device=self.device, members=indent(text, "    "), scenario=self.scenario
        )


def _is_member(node: ast.stmt) -> bool:
    """A routine, or a field: an assignment to a name whose value is a declaration."""
    return isinstance(node, ast.FunctionDef) or (
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "Int"
    )


def _name(node: ast.stmt) -> str:
    match node:
        case ast.FunctionDef(name=name) | ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case _:
            raise ValueError(ast.unparse(node))


def _is_dots(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


class _Filled(ast.NodeTransformer):
    """`...` as an argument is left out, as a statement replaced."""

    def __init__(self, rest: str) -> None:
        self.rest = rest

    def visit_Call(self, node: ast.Call) -> ast.Call:
        node.args = [item for item in node.args if not _is_dots(item)]
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        if _is_dots(node.value):
            return ast.parse(dedent(self.rest)).body
        return self.generic_visit(node)


class _Placed(ast.NodeTransformer):
    """The statement `PAGE` becomes the code of the page."""

    def __init__(self, body: list[ast.stmt]) -> None:
        self.body = body

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        if isinstance(node.value, ast.Name) and node.value.id == "PAGE":
            return self.body
        return node


IOCTL = "def Ioctl(self):\n    PAGE\n"
WITH_IOCTL = "start=Nic.Start, concurrently=[Nic.Ioctl]"
REMOVED = 'start=Nic.Start, finally_=Nic.Remove, knobs={"connect_may_fail": "no"}'
EVENT = "done = KEVENT(NotificationEvent, FALSE)\n"
TWO_LOCKS = "outer = KSPIN_LOCK()\ninner = KSPIN_LOCK()\n"
COUNTED = """
pending = Int(0, 3)
def NICIsr(self, Interrupt, ServiceContext):
    if self.pending < 3:
        self.pending += 1
    KeInsertQueueDpc(self.dpc, NULL, NULL)
    return TRUE
def Poll(self):
    KeInsertQueueDpc(self.dpc, NULL, NULL)
"""
WITH_POLL = "start=Nic.Start, concurrently=[Nic.Poll]"
MASKING = """
stopped = Bit(0)
def NICIsr(self, Interrupt, ServiceContext):
    if self.nic.masked or not self.nic.cause:
        return FALSE
    self.nic.masked = 1
    self.nic.cause = 0
    KeInsertQueueDpc(self.dpc, NULL, NULL)
    return TRUE
def NICDpc(self, Dpc, DeferredContext):
    KeSynchronizeExecution(self.Interrupt, self.Unmask, NULL)
"""
WITH_POWER_DOWN = "start=Nic.Start, concurrently=[Nic.PowerDown]"
DEVICE_DPC = """
device = DEVICE_OBJECT()
def Prepare(self):
    IoInitializeDpcRequest(self.device, self.DpcForIsr)
def DpcForIsr(self, Dpc, DeviceObject, Irp, Context):
    pass
"""

FRAMES: dict[str, Frame] = {
    "irql-too-high": Frame(
        EVENT + DEVICE_DPC.replace("pass", "KeSetEvent(self.done, 0, FALSE)"),
    ),
    "irql-too-low": Frame("pending = Int(0, 1)", WITH_IOCTL),
    "synchronize-on-dead-interrupt": Frame(
        MASKING
        + "def Stop(self, SynchronizeContext):\n    self.stopped = 1\n    self.nic.masked = 1\n"
        + "def Unmask(self, SynchronizeContext):\n"
        + "    if not self.stopped:\n        self.nic.masked = 0\n",
        WITH_POWER_DOWN,
    ),
    "connect-overwrites-live-interrupt": Frame(
        SHARED_LINE + "\ngate = KEVENT(SynchronizationEvent, TRUE)\n"
        "def Prepare(self):\n    KeInitializeDpc(self.dpc, self.NICDpc, NULL)\n",
        "start=Nic.Prepare, concurrently=[Nic.Open, Nic.Open]",
    ),
    "disconnect-of-dead-interrupt": Frame(
        "def Open(self):\n"
        "    status = choose(STATUS_SUCCESS, STATUS_UNSUCCESSFUL)\n"
        "    PAGE\n"
        "    return status\n"
        "def Remove(self):\n"
        "    if self.Interrupt:\n"
        "        IoDisconnectInterrupt(self.Interrupt)\n"
        "        self.Interrupt = NULL\n",
        "start=Nic.Start, concurrently=[Nic.Open], finally_=Nic.Remove",
    ),
    "null-out-pointer": Frame(
        "pdo = DEVICE_OBJECT()\n"
        "def Start(self):\n    KeInitializeDpc(self.dpc, self.NICDpc, NULL)\n    PAGE\n"
    ),
    "recursive-lock-acquire": Frame("def Mask(self, Context):\n    self.nic.masked = 1\n"),
    "release-of-unowned-lock": Frame("idle = Int(0, 1, initial={0, 1})\n" + IOCTL, WITH_IOCTL),
    "release-out-of-order": Frame(TWO_LOCKS + IOCTL, WITH_IOCTL),
    "mixed-lock-routines": Frame(IOCTL, WITH_IOCTL),
    "mixed-lock-kinds": Frame(IOCTL, WITH_IOCTL),
    "lock-held-at-return": Frame("ready = Int(0, 1, initial={0, 1})\n" + IOCTL, WITH_IOCTL),
    "irql-not-restored": Frame("busy = Int(0, 1, initial={0, 1})\n", WITH_IOCTL),
    "irql-raised-downwards": Frame("done = Int(0, 3, wrapping=True)\n"),
    "irql-lowered-wrongly": Frame(TWO_LOCKS + IOCTL, WITH_IOCTL),
    "irql-lowered-below-lock": Frame(IOCTL, WITH_IOCTL),
    "wait-at-dispatch-level": Frame(
        EVENT + "item = IO_WORKITEM()\n"
        "def NICIsr(self, Interrupt, ServiceContext):\n"
        "    if not InterlockedExchange(self.asked, 1):\n"
        "        KeInsertQueueDpc(self.dpc, NULL, NULL)\n"
        "    return TRUE\n"
        "asked = Int(0, 1)\n"
        "def Worker(self, DeviceObject, Context):\n"
        "    KeWaitForSingleObject(self.done, Executive, KernelMode, FALSE, NULL)\n"
    ),
    "uninitialized-object": Frame(
        "def Start(self):\n    PAGE\n", device=DEVICE.replace("Bit(1)", "Bit(0)")
    ),
    "unclaimed-level-interrupt": Frame(
        LEVEL_LINE + "\npower_state = Int(0, 1, volatile=True)\n"
        "def Mask(self, Context):\n    self.nic.masked = 1\n",
        WITH_POWER_DOWN,
        "if not self.nic.cause:\n    return FALSE\nself.nic.cause = 0\nreturn TRUE\n",
        device=LEVEL,
    ),
    "handled-but-unclaimed": Frame(SHARED_LINE, service_routine="SerialIsr"),
    "dpc-requested-outside-isr": Frame(
        "Self = DEVICE_OBJECT()\n"
        "def Prepare(self):\n"
        "    IoInitializeDpcRequest(self.Self, self.NICDpc)\n",
        WITH_IOCTL,
    ),
    "dpc-argument-lost": Frame(
        "complete_dpc = KDPC()\nwait_irp = Reference(Request)\nirp = Request()\n"
        "completed = Int(0, 3, saturating=True)\n"
        "def Prepare(self):\n"
        "    self.wait_irp = self.irp\n"
        "    KeInitializeDpc(self.complete_dpc, self.NICDpc, NULL)\n",
        service_routine="SerialIsr",
    ),
    "work-item-queued-twice": Frame(
        "item = IO_WORKITEM()\nitem_queued = Int(0, 1)\n"
        "def Worker(self, DeviceObject, Context):\n    pass\n"
    ),
    "free-while-queued": Frame(
        DEVICE_DPC + "def NICIsr(self, Interrupt, ServiceContext):\n"
        "    IoRequestDpc(self.device)\n    return TRUE\n",
        "start=Nic.Start, concurrently=[Nic.Remove]",
    ),
    "use-after-free": Frame(
        NO_LINE + "\nrequest = Request()\n"
        "def Start(self):\n"
        "    KeInitializeDpc(self.dpc, self.NICDpc, NULL)\n"
        "    KeInsertQueueDpc(self.dpc, NULL, NULL)\n"
        "def NICDpc(self, Dpc, DeferredContext):\n    self.request.status = 1\n",
        "start=Nic.Start, concurrently=[Nic.Close]",
    ),
    "use-after-unmap": Frame(
        "def Prepare(self):\n    MmMapIoSpace(self.nic)\n"
        "def NICDpc(self, Dpc, DeferredContext):\n    status = self.nic.cause\n",
        "start=Nic.Start, concurrently=[Nic.Remove]",
    ),
    "null-dereference": Frame(
        "request = Request()\ncurrent = Reference(Request)\n"
        "def Prepare(self):\n    self.current = self.request\n"
        "def Cancel(self):\n    InterlockedExchangePointer(self.current, NULL)\n",
        "start=Nic.Start, concurrently=[At(DISPATCH_LEVEL, Nic.Cancel)]",
    ),
    "double-free": Frame(
        NO_LINE + "\nrequest = Request()\nrefs = Int(0, 2, initial=2)\n",
        "concurrently=[Nic.Release, Nic.Release]",
    ),
    "index-out-of-range": Frame(
        "buffer = Array(Int(0, 1), 4)\ncount = Int(0, 7)\n", service_routine="KeyboardIsr"
    ),
    "value-out-of-range": Frame(COUNTED, WITH_POLL),
    "assertion-failed": Frame(COUNTED, WITH_POLL),
    "isr-after-disconnect": Frame(
        LEVEL_LINE + "\nfirst = KDPC()\nsecond = KDPC()\nidle_dpcs = Array(Reference(KDPC), 2)\n"
        "idle = KEVENT(SynchronizationEvent, FALSE)\n"
        "def Prepare(self):\n"
        "    MmMapIoSpace(self.nic)\n"
        "    KeInitializeDpc(self.first, self.Idle)\n"
        "    KeSetTargetProcessorDpc(self.first, 0)\n"
        "    KeInitializeDpc(self.second, self.Idle)\n"
        "    KeSetTargetProcessorDpc(self.second, 1)\n"
        "    self.idle_dpcs[0] = self.first\n"
        "    self.idle_dpcs[1] = self.second\n"
        "def Idle(self, Dpc, DeferredContext):\n    KeSetEvent(self.idle)\n"
        "def NICIsr(self, Interrupt, ServiceContext):\n"
        "    served = self.nic.cause\n"
        "    self.nic.cause = 0\n"
        "    return served\n"
        "def Remove(self):\n    PAGE\n",
        'start=Nic.Start, concurrently=[Nic.Remove], knobs={"disconnect_waits_for_isr": "no"}',
        device=LEVEL,
    ),
    "device-unmasked-before-connect": Frame(
        "def NICIsr(self, Interrupt, ServiceContext):\n    return TRUE\n",
        "start=Nic.StartDevice",
    ),
    "device-unmasked-at-disconnect": Frame(
        LEVEL_LINE
        + MASKING
        + "def Mask(self, SynchronizeContext):\n    self.nic.masked = 1\n"
        + "def Unmask(self, SynchronizeContext):\n    self.nic.masked = 0\n",
        WITH_POWER_DOWN,
        device=LEVEL,
    ),
    "preemption-deadlock": Frame("count = Int(0, 3, wrapping=True)\n", WITH_IOCTL),
    "lock-cycle": Frame(
        "send_lock = KSPIN_LOCK()\ndevice_lock = KSPIN_LOCK()\n",
        "start=Nic.Start, concurrently=[Nic.Send, Nic.Reset]",
    ),
    "claim-broken": Frame(
        "owned_by_dpc = Bit(0)\nowned_by_thread = Bit(0)\n"
        "def Ioctl(self):\n"
        "    KeAcquireSpinLock(self.lock, OldIrql)\n"
        "    if not self.owned_by_dpc:\n"
        "        self.owned_by_thread = 1\n"
        "        self.owned_by_thread = 0\n"
        "    KeReleaseSpinLock(self.lock, OldIrql)\n",
        WITH_IOCTL,
    ),
    "unserviced-cause": Frame(
        LEVEL_LINE + "\nstatus = Int(0, 3, volatile=True)\n"
        "def NICIsr(self, Interrupt, ServiceContext):\n"
        "    if not self.nic.asks:\n        return FALSE\n"
        "    InterlockedOr(self.status, self.nic.acknowledge())\n"
        "    KeInsertQueueDpc(self.dpc, NULL, NULL)\n"
        "    return TRUE\n"
        "def Serve(self, causes):\n"
        "    if causes & 1:\n        self.nic.received = 0\n"
        "    if causes & 2:\n        self.nic.sent = 0\n",
        'start=Nic.Start, knobs={"connect_may_fail": "no"}',
        device=TWO_CAUSES,
    ),
    "interrupt-left-connected": Frame(scenario=REMOVED),
    "queue-left-pending": Frame(
        "watchdog = KTIMER()\nwatchdog_dpc = KDPC()\n"
        "def Prepare(self):\n"
        "    KeInitializeTimer(self.watchdog)\n"
        "    KeInitializeDpc(self.watchdog_dpc, self.NICDpc, NULL)\n"
        "    KeSetTimer(self.watchdog, 10, self.watchdog_dpc)\n",
        REMOVED,
    ),
    "stuck-context": Frame(
        NO_LINE + "\nflags = Int(0, 3, initial=2)\n"
        "timer = KTIMER()\ntimer_dpc = KDPC()\n"
        "timer_gone = KEVENT(NotificationEvent, FALSE)\n"
        "def Start(self):\n"
        "    KeInitializeTimer(self.timer)\n"
        "    KeInitializeDpc(self.timer_dpc, self.TimerDpc, NULL)\n"
        "    KeSetTimer(self.timer, 1, self.timer_dpc)\n",
        "start=Nic.Start, concurrently=[Nic.Remove]",
    ),
    "data-race": Frame(
        "pending = Int(0, 1)\ndef ClearPending(self, Context):\n    self.pending = 0\n",
        WITH_IOCTL,
    ),
    "torn-read-modify-write": Frame(
        "flags = Int(0, 3, initial=2)\n", "start=Nic.Start, concurrently=[Nic.Halt]"
    ),
}
