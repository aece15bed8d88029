"""A Hypothesis strategy for small drivers, as source text.

They vary in what matters: one or two devices, level or edge, shared or not; service routines, a
DPC, one to three threads; spin locks, KeSynchronizeExecution, branches, loops. Many are faulty.
Every one of them loads.
"""

from dataclasses import dataclass
from textwrap import indent

from hypothesis import strategies as st

HEADER = '"""A random driver."""\nfrom dirql.model.wdk import *\n'
REGISTERS = ("cause", "masked")


@dataclass(frozen=True)
class Where:
    """What the statements of a routine may use."""

    devices: tuple[str, ...]
    registers: bool = True
    calls: bool = True
    passive: bool = False
    loops: bool = True


def _device(name: str) -> str:
    return f"""
class {name}(Device):
    cause = Bit(0)
    masked = Bit(1)

    def line(self):
        return self.cause and not self.masked

    @hardware
    def event(self):
        self.cause = 1

    def take(self):
        c = self.cause
        self.cause = 0
        return c
"""


@st.composite
def conditions(draw: st.DrawFn, where: Where, depth: int = 1) -> str:
    """A condition over the driver's fields and, if allowed, its devices' registers."""
    kinds = ["field", "compare", "pointer"] + (["register"] if where.registers else [])
    if depth:
        kinds += ["not", "and", "or"]
    match draw(st.sampled_from(kinds)):
        case "field":
            return draw(st.sampled_from(["self.ready", "self.count", "self.stopping"]))
        case "compare":
            operator = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
            return f"self.count {operator} {draw(st.integers(0, 2))}"
        case "pointer":
            return draw(st.sampled_from(["self.Interrupt", "self.Interrupt != NULL"]))
        case "register":
            device = draw(st.sampled_from(where.devices))
            return f"self.{device}.{draw(st.sampled_from(REGISTERS))}"
        case "not":
            return f"not ({draw(conditions(where, depth - 1))})"
        case operator:
            left, right = draw(conditions(where, depth - 1)), draw(conditions(where, depth - 1))
            return f"({left}) {operator} ({right})"


@st.composite
def statements(draw: st.DrawFn, where: Where, depth: int = 1) -> str:
    """One statement, possibly with others inside."""
    kinds = ["store", "update", "choose"]
    kinds += ["register"] if where.registers else []
    kinds += ["queue", "interlocked", "locked"] if where.calls else []
    kinds += ["synchronise", "event"] if where.calls and where.passive else []
    kinds += ["if", "ifelse"] if depth else []
    kinds += ["for"] if depth and where.loops else []
    kind = draw(st.sampled_from(kinds))
    match kind:
        case "if" | "ifelse":
            text = f"if {draw(conditions(where))}:\n" + draw(blocks(where, depth - 1))
            return text + ("else:\n" + draw(blocks(where, depth - 1)) if kind == "ifelse" else "")
        case "for":
            return "for i in range(2):\n" + draw(blocks(where, depth - 1))
        case "locked":
            return draw(_locked(where, depth))
        case _:
            return draw(st.sampled_from(_simple(kind, where.devices)))


def _simple(kind: str, devices: tuple[str, ...]) -> list[str]:
    match kind:
        case "store":
            return ["self.ready = 1\n", "self.ready = 0\n", "self.stopping = 1\n"]
        case "update":
            return ["self.count += 1\n", "self.count = self.count ^ 1\n", "self.sticky += 1\n"]
        case "choose":
            return ["self.ready = choose(0, 1)\n", "x = choose(range(2))\nself.ready = x\n"]
        case "register":
            return [
                text
                for device in devices
                for text in (
                    f"self.{device}.masked = 0\n",
                    f"self.{device}.masked = 1\n",
                    f"self.{device}.cause = 0\n",
                    f"c = self.{device}.take()\nself.ready = c\n",
                )
            ]
        case "queue":
            return ["KeInsertQueueDpc(self.dpc, NULL, NULL)\n"]
        case "interlocked":
            return ["InterlockedExchange(self.ready, 1)\n", "InterlockedOr(self.count, 1)\n"]
        case "synchronise":
            call = "KeSynchronizeExecution(self.Interrupt, self.Synchronised, NULL)\n"
            return [call, f"if self.Interrupt:\n    {call}"]
        case _:
            return [
                "KeSetEvent(self.event, IO_NO_INCREMENT, FALSE)\n",
                "KeClearEvent(self.event)\n",
            ]


@st.composite
def _locked(draw: st.DrawFn, where: Where, depth: int) -> str:
    lock = draw(st.sampled_from(["lock", "lock", "other"]))
    inner = Where(where.devices, where.registers, calls=False, loops=False)
    body = "".join(draw(st.lists(statements(inner, min(depth, 0)), min_size=1, max_size=2)))
    if where.passive:
        return (
            f"KeAcquireSpinLock(self.{lock}, OldIrql)\n{body}"
            f"KeReleaseSpinLock(self.{lock}, OldIrql)\n"
        )
    return (
        f"KeAcquireSpinLockAtDpcLevel(self.{lock})\n{body}"
        f"KeReleaseSpinLockFromDpcLevel(self.{lock})\n"
    )


@st.composite
def blocks(draw: st.DrawFn, where: Where, depth: int = 1, most: int = 2) -> str:
    """Some statements, indented."""
    found = draw(st.lists(statements(where, depth), min_size=1, max_size=most))
    return indent("".join(found), "    ")


@st.composite
def _service_routine(draw: st.DrawFn, device: str) -> str:
    claim = draw(
        st.sampled_from(
            [
                f"if not self.{device}.cause:\n    return FALSE\n",
                f"if self.{device}.masked or not self.{device}.cause:\n    return FALSE\n",
                "",
            ]
        )
    )
    quiet = draw(
        st.sampled_from(
            [
                f"self.{device}.cause = 0\n",
                f"self.{device}.masked = 1\nself.{device}.cause = 0\n",
                f"self.{device}.take()\n",
                f"self.{device}.masked = 1\n",
            ]
        )
    )
    more = draw(st.lists(statements(Where((device,), calls=False), 1), max_size=1))
    queue = draw(st.sampled_from(["KeInsertQueueDpc(self.dpc, NULL, NULL)\n", ""]))
    result = draw(st.sampled_from(["return TRUE\n", "return TRUE\n", "return FALSE\n"]))
    return claim + quiet + "".join(more) + queue + result


@st.composite
def _start(draw: st.DrawFn, devices: tuple[str, ...]) -> str:
    text = "KeInitializeDpc(self.dpc, self.Deferred, self)\n"
    early = draw(st.booleans())
    unmask = "".join(f"self.{device}.masked = 0\n" for device in devices)
    text += unmask if early else ""
    for number, device in enumerate(devices):
        pointer = "Interrupt" if number == 0 else f"Interrupt{number}"
        routine, vector = f"self.Service_{device}", f"Vector=self.{device}.Vector"
        text += f"status = IoConnectInterrupt(self.{pointer}, {routine}, self, {vector})\n"
        text += "if not NT_SUCCESS(status):\n    return status\n"
    return text + ("" if early else unmask) + "return STATUS_SUCCESS\n"


@st.composite
def _remove(draw: st.DrawFn, devices: tuple[str, ...]) -> str:
    text = ""
    if draw(st.booleans()):
        text += "".join(f"self.{device}.masked = 1\n" for device in devices)
    for number in range(len(devices)):
        pointer = "Interrupt" if number == 0 else f"Interrupt{number}"
        guard = draw(st.booleans())
        lines = f"IoDisconnectInterrupt(self.{pointer})\n"
        lines += draw(st.sampled_from(["", f"self.{pointer} = NULL\n"]))
        text += f"if self.{pointer}:\n{indent(lines, '    ')}" if guard else lines
    return text + draw(st.sampled_from(["", "KeFlushQueuedDpcs()\n"]))


@st.composite
def _fields(draw: st.DrawFn, devices: tuple[str, ...]) -> str:
    fields = ""
    for number, device in enumerate(devices):
        mode = draw(st.sampled_from(["LevelSensitive", "Latched"]))
        shared = draw(st.booleans())
        fields += f"{device} = Nic(Line(irql={5 + 2 * number}, mode={mode}, shared={shared}))\n"
        fields += f"Interrupt{number or ''} = PKINTERRUPT()\n"
    fields += "dpc = KDPC()\nlock = KSPIN_LOCK()\nother = KSPIN_LOCK()\n"
    fields += "event = KEVENT(NotificationEvent, FALSE)\n"
    fields += "ready = Bit(0)\nstopping = Bit(0, volatile=True)\n"
    fields += "count = Int(0, 3, wrapping=True)\nsticky = Int(0, 1, saturating=True)\n"
    return fields


@st.composite
def driver_sources(draw: st.DrawFn, processors: tuple[int, ...] = (1, 2)) -> str:
    """The source text of a small driver with one scenario; it always loads."""
    devices = tuple(f"nic{number}" for number in range(draw(st.integers(1, 2))))
    text = HEADER + _device("Nic")
    text += "\n\nclass Sample(Driver):\n"
    text += indent(draw(_fields(devices)), "    ")
    routines = [("StartDevice", "", draw(_start(devices)))]
    for device in devices:
        service = draw(_service_routine(device))
        routines.append((f"Service_{device}", ", Interrupt, ServiceContext", service))
    inner = Where(devices, calls=False, loops=False)
    synchronised = "".join(draw(st.lists(statements(inner, 0), min_size=1, max_size=2)))
    routines.append(("Synchronised", ", Context", synchronised + "return TRUE\n"))
    deferred = "".join(draw(st.lists(statements(Where(devices)), min_size=1, max_size=3)))
    routines.append(("Deferred", ", Dpc, Context, Argument1, Argument2", deferred))
    threads = [f"Thread{number}" for number in range(draw(st.integers(1, 3)))]
    thread = Where(devices, passive=True)
    for name in threads:
        chosen = draw(st.lists(statements(thread), min_size=1, max_size=3))
        routines.append((name, "", "".join(chosen)))
    routines.append(("Remove", "", draw(_remove(devices))))
    for name, parameters, body in routines:
        text += f"\n    def {name}(self{parameters}):\n{indent(body, ' ' * 8)}"
    last = draw(st.sampled_from(["", ", finally_=Sample.Remove"]))
    if not last:
        threads.append("Remove")
    listed = ", ".join(f"Sample.{name}" for name in threads)
    return text + (
        f"\n\nscenario = Scenario(start=Sample.StartDevice, concurrently=[{listed}]{last}, "
        f"processors={list(processors)})\n"
    )
