"""How a pattern states its scenarios, and what becomes of them."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import TypeAlias, cast

from ..domain import Domain, Range
from ..scenario import Expectation, Holds, Scenario, Thread, Violated
from .declarations import Claim, HardwareEvent, KernelObject, Structure
from .errors import EXPECTATION, SCENARIO, MisuseError

DISPATCH_LEVEL = 2
MOST_PROCESSORS = 8


Argument: TypeAlias = int | Structure | KernelObject
"""What a scenario can give to a routine."""


class Call:
    """A call of a routine of the driver: `Call(Pcidrv.Ioctl, 1)`, `Call(Pcidrv.Read, Pcidrv.irp)`.

    Each thread may be given objects of its own.
    """

    def __init__(self, routine: Callable[..., object], *arguments: object) -> None:
        """Remember the call; the arguments are integers and objects of the driver."""
        usable = tuple(item for item in arguments if isinstance(item, Argument))
        if len(usable) != len(arguments):
            raise MisuseError(
                "the arguments of Call() must be integers, structures or kernel objects",
                "Call(Pcidrv.Ioctl, 1)    or    Call(Pcidrv.Read, Pcidrv.irp)",
                SCENARIO,
            )
        self.routine, self.arguments = routine, usable


class At:
    """A thread that enters at a raised level: `At(DISPATCH_LEVEL, Pcidrv.StartIo)`."""

    def __init__(self, irql: int, entry: "Callable[..., object] | Call") -> None:
        """Remember the level and the entry."""
        if irql not in range(DISPATCH_LEVEL + 1):
            raise MisuseError(
                f"a thread enters at PASSIVE_LEVEL, APC_LEVEL or DISPATCH_LEVEL, not {irql!r}",
                "what runs higher is an interrupt: connect it in a routine of the driver",
                SCENARIO,
            )
        self.irql, self.entry = int(irql), entry


Entry: TypeAlias = Callable[..., object] | Call | At
Expected: TypeAlias = Expectation | Mapping[int, Expectation]


MADE: "list[tuple[str, ScenarioDeclaration]]" = []
"""The scenarios made since the list was emptied, with the file that made each."""


class ScenarioDeclaration:
    """One way the driver is used, as the pattern states it; `Scenario` in a pattern."""

    def __init__(
        self,
        start: Entry | None = None,
        concurrently: Iterable[Entry] = (),
        finally_: Entry | None = None,
        processors: Iterable[int] | int = (1, 2),
        *,
        name: object = "",
        knobs: object = None,
        properties: Iterable[str] = (),
        ignore: Iterable[str] = (),
        expect: Expected | None = None,
    ) -> None:
        """Remember the scenario; what needs the driver is looked at when it is captured."""
        frame = inspect.currentframe()
        caller = frame.f_back if frame is not None else None
        self.line = caller.f_lineno if caller is not None else 0
        MADE.append((caller.f_code.co_filename if caller is not None else "", self))
        self.start, self.finally_, self.expect = start, finally_, expect
        self.concurrently = _listed(concurrently, "concurrently", "a list of routines")
        counts = (processors,) if isinstance(processors, int) else processors
        self.processors = tuple(_listed(counts, "processors", "a list such as [1, 2]"))
        for count in self.processors:
            if not isinstance(count, int) or not 1 <= count <= MOST_PROCESSORS:
                raise MisuseError(
                    f"{count!r} is not a number of processors",
                    f"processors=[1, 2]; at most {MOST_PROCESSORS}",
                    SCENARIO,
                )
        if not self.processors or len(set(self.processors)) != len(self.processors):
            raise MisuseError(
                "processors names no count, or one twice", "processors=[1, 2]", SCENARIO
            )
        if knobs is not None and not isinstance(knobs, Mapping):
            raise MisuseError("knobs must be a dictionary", 'knobs={"name": "value"}', SCENARIO)
        chosen = cast("Mapping[object, object]", knobs or {})
        if not isinstance(name, str):
            raise MisuseError(
                "the name of a scenario is a text", 'Scenario(name="stop", ...)', SCENARIO
            )
        self.name = name
        self.knobs = tuple((str(key), str(value)) for key, value in chosen.items())
        self.properties = tuple(_listed(properties, "properties", 'a list such as ["data-race"]'))
        self.ignore = tuple(_listed(ignore, "ignore", 'a list such as ["data-race"]'))

    def stands_at(self, file: str, line: int) -> None:
        """Say where it was made, as its maker knows better than the stack."""
        self.line = line
        MADE[-1] = (file, self)


def _listed(value: object, name: str, wanted: str) -> list[object]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise MisuseError(f"{name} must be {wanted}", f"{name}=[...]", SCENARIO)
    return list(cast("Iterable[object]", value))


@dataclass(frozen=True, slots=True)
class Routines:
    """The driver's routines by function; their parameters and declared domains by name.

    `objects` names the objects of the driver, by the identity of what declares them.
    """

    driver: str
    names: Mapping[FunctionType, str]
    parameters: Mapping[str, tuple[str, ...]]
    domains: Mapping[str, Mapping[str, Domain]]
    objects: Mapping[int, str]


def convert(
    declared: ScenarioDeclaration, name: str, routines: Routines, default: object
) -> Scenario:
    """The scenario in the terms of `scenario.py`. `default` is the module's own `expect`.

    Raises:
        MisuseError: an entry is no routine of the driver, or an expectation is wrong.
    """
    entries = [_thread(item, routines, "concurrently") for item in declared.concurrently]
    threads = tuple(item for item in entries if item is not None)
    start = _thread(declared.start, routines, "start")
    last = _thread(declared.finally_, routines, "finally_")
    if start is None and not threads and last is None:
        raise MisuseError(
            "the scenario calls nothing", f"start={routines.driver}.StartDevice", SCENARIO
        )
    expected = default if declared.expect is None else declared.expect
    return Scenario(
        name,
        start,
        threads,
        last,
        tuple(item for item in declared.processors if isinstance(item, int)),
        declared.knobs,
        tuple(str(item) for item in declared.properties),
        tuple(str(item) for item in declared.ignore),
        _expectations(expected, declared),
    )


def _thread(entry: object, routines: Routines, where: str) -> Thread | None:
    irql, arguments = 0, tuple[Argument, ...]()
    if entry is None:
        return None
    if isinstance(entry, At):
        irql, entry = entry.irql, entry.entry
    if isinstance(entry, Call):
        arguments, entry = entry.arguments, entry.routine
    example = f"{routines.driver}.{next(iter(routines.names.values()), 'StartDevice')}"
    if isinstance(entry, Claim | HardwareEvent):
        raise MisuseError(
            f"{where} names something that no thread calls",
            "hardware events and invariants need no thread; leave them out",
            SCENARIO,
        )
    if not isinstance(entry, FunctionType) or entry not in routines.names:
        shown = getattr(entry, "__qualname__", repr(entry))
        raise MisuseError(
            f"{where} names {shown}, which is no routine of {routines.driver}",
            f"write a routine of the driver, without calling it: {example}",
            SCENARIO,
        )
    name = routines.names[entry]
    wanted = routines.parameters[name]
    if len(wanted) != len(arguments):
        shown = ", ".join((f"{routines.driver}.{name}", *wanted))
        raise MisuseError(
            f"{name} takes {len(wanted)} argument(s), and {where} gives {len(arguments)}",
            f"Call({shown}) with an integer or object for each"
            if wanted
            else f"{routines.driver}.{name}",
            SCENARIO,
        )
    given = tuple(_argument(item, routines, where) for item in arguments)
    for parameter, value in zip(wanted, given, strict=True):
        declared = routines.domains[name].get(parameter)
        if not isinstance(declared, Range) or not isinstance(value, int):
            continue
        if not declared.low <= value <= declared.high:
            raise MisuseError(
                f"{where} gives {name} {value} for {parameter}, which is declared to hold "
                f"{declared.low} to {declared.high}",
                "give a number inside, or declare the parameter wider",
                SCENARIO,
            )
    return Thread(name, irql, given)


def _argument(given: Argument, routines: Routines, where: str) -> int | str:
    """A number, or the name of an object."""
    if isinstance(given, int):
        return int(given)
    name = routines.objects.get(id(given))
    if name is None:
        raise MisuseError(
            f"{where} gives a {type(given).__name__} that is not part of {routines.driver}",
            f"first = {type(given).__name__}() in the class, then {routines.driver}.first here",
            SCENARIO,
        )
    return name


def _expectations(
    expected: object, declared: ScenarioDeclaration
) -> tuple[tuple[int, Expectation], ...]:
    counts = [item for item in declared.processors if isinstance(item, int)]
    if expected is None:
        return ()
    example = f'{{{counts[0]}: Holds()}} or Violated("data-race", steps=6)'
    if isinstance(expected, Holds | Violated):
        _refuse_odd_numbers(expected, example)
        return tuple((count, expected) for count in counts)
    if not isinstance(expected, Mapping):
        raise MisuseError("expect is neither Holds nor Violated", f"expect={example}", EXPECTATION)
    if not expected:
        raise MisuseError("expect names no processors", f"expect={example}", EXPECTATION)
    found: list[tuple[int, Expectation]] = []
    for count, item in cast("Mapping[int, object]", expected).items():
        if count not in counts:
            raise MisuseError(
                f"expect speaks of {count!r} processor(s), which the scenario does not run",
                f"processors is {counts}; write expect={example}",
                EXPECTATION,
            )
        if not isinstance(item, Holds | Violated):
            raise MisuseError(
                f"what is expected on {count} processor(s) is neither Holds nor Violated",
                f"expect={example}",
                EXPECTATION,
            )
        found.append((int(count), item))
    for _, item in found:
        _refuse_odd_numbers(item, example)
    return tuple(found)


def _refuse_odd_numbers(expected: Expectation, example: str) -> None:
    """Refuse an expectation whose parts are not what they are called."""
    name, *numbers = cast(
        "list[object]",
        [expected.property, expected.steps, expected.states]
        if isinstance(expected, Violated)
        else ["", expected.states],
    )
    if not isinstance(name, str) or not all(isinstance(item, int) for item in numbers):
        raise MisuseError(
            "an expectation names a property, and numbers of steps and states",
            f"expect={example}",
            EXPECTATION,
        )
