"""The names a pattern finds in `dirql.model.wdk` that have no Python meaning of their own.

Kernel routines and constants come from the kernel's tables. Calling a kernel routine at module
level is a mistake; inside a routine the name is captured and never called.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ..kernel.c_types import LARGE_INTEGER
from ..kernel.signature import Parameter, Passing
from .errors import ARGUMENTS, MisuseError

STRUCTURES: dict[str, tuple[str, ...]] = {
    "IO_CONNECT_INTERRUPT_PARAMETERS": ("IoConnectInterruptEx",),
    "IO_DISCONNECT_INTERRUPT_PARAMETERS": ("IoDisconnectInterruptEx",),
    "IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS": (
        "IoReportInterruptActive",
        "IoReportInterruptInactive",
    ),
}
"""The local structures of the WDK, and the routines that take them."""

TIME_STRUCTURE = "LARGE_INTEGER"
TIME_MEMBERS = (Parameter("QuadPart", default=0, type=LARGE_INTEGER),)
"""A time, which kernel routines take by its address or by value."""


class Signature(Protocol):
    """What the capture needs to know of a kernel routine."""

    @property
    def name(self) -> str:
        """The WDK name."""
        ...

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters in the order of the WDK."""
        ...


@dataclass(frozen=True, slots=True)
class Tables:
    """The kernel routines, by name, and the constants that patterns may use."""

    routines: Mapping[str, tuple[Parameter, ...]]
    constants: Mapping[str, int | str]

    @staticmethod
    def of(routines: Iterable[Signature], constants: Mapping[str, int | str]) -> "Tables":
        """The tables of these routines and constants."""
        return Tables({item.name: item.parameters for item in routines}, dict(constants))

    def members(self, structure: str) -> tuple[Parameter, ...]:
        """The members of the local structure type, in order."""
        if structure == TIME_STRUCTURE:
            return TIME_MEMBERS
        for routine in STRUCTURES.get(structure, ()):
            for parameter in self.routines.get(routine, ()):
                if parameter.passing is Passing.STRUCTURE:
                    return parameter.members
        return ()


@dataclass(frozen=True, slots=True)
class CapturedName:
    """A name that means something inside a routine only."""

    name: str

    def __call__(self, *_arguments: object, **_keywords: object) -> object:
        """Refuse to run.

        Raises:
            MisuseError: always.
        """
        raise MisuseError(
            f"{self.name} can only be used inside a routine of the driver",
            "move the call into a method of the Driver class; a scenario starts routines",
            ARGUMENTS,
        )


@dataclass(frozen=True, slots=True)
class KernelName(CapturedName):
    """A kernel routine."""


@dataclass(frozen=True, slots=True)
class StructureName(CapturedName):
    """The type of a local structure that kernel routines take."""


@dataclass(frozen=True, slots=True)
class LanguageName(CapturedName):
    """A function of the driver language: `choose`, `unknown`, `NT_SUCCESS`."""


CHOOSE = LanguageName("choose")
UNKNOWN = LanguageName("unknown")
NT_SUCCESS = LanguageName("NT_SUCCESS")


def captured_names(tables: Tables) -> dict[str, object]:
    """Every name of `tables`, with the value it has in a pattern's module."""
    names: dict[str, object] = {item.name: item for item in (CHOOSE, UNKNOWN, NT_SUCCESS)}
    structures = (*STRUCTURES, TIME_STRUCTURE)
    names.update({name: StructureName(name) for name in structures if tables.members(name)})
    names.update({name: KernelName(name) for name in tables.routines})
    names.update(tables.constants)
    return names
