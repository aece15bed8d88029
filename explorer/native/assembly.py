"""A writer of LLVM's assembly language: functions as lists of lines.

A value is the text that names it (`%7`, `42`, `true`). Variables that change live in stack slots,
which LLVM turns into registers; so nobody here needs to know about phi instructions. The objects
of `llvmlite.ir` do the same and take ten times as long.
"""

from collections.abc import Generator, Iterable
from contextlib import contextmanager

LIKELY = "!prof !0"
"""Attached to a branch: the first way is the usual one."""

METADATA = '!0 = !{!"branch_weights", i32 2000, i32 1}'

INTRINSICS = """declare void @llvm.prefetch.p0(ptr, i32, i32, i32)
declare i64 @llvm.fshl.i64(i64, i64, i64)
declare i64 @llvm.umin.i64(i64, i64)
declare i64 @llvm.usub.sat.i64(i64, i64)
declare i64 @llvm.umax.i64(i64, i64)
"""


class Function:
    """One function that is being written."""

    def __init__(self, heading: str) -> None:
        """Begin `define <heading> {`."""
        self._heading = heading
        self._slots: list[str] = []
        self._lines: list[str] = []
        self._count = 0

    def let(self, instruction: str) -> str:
        """Write an instruction; return the name of its value."""
        self._count += 1
        name = f"%v{self._count}"
        self._lines.append(f"  {name} = {instruction}")
        return name

    def do(self, instruction: str) -> None:
        """Write an instruction without a value."""
        self._lines.append(f"  {instruction}")

    def slot(self, kind: str, value: str) -> str:
        """A stack slot of type `kind` that begins as `value`; made once, however often passed."""
        self._count += 1
        name = f"%s{self._count}"
        self._slots.append(f"  {name} = alloca {kind}")
        self.do(f"store {kind} {value}, ptr {name}")
        return name

    def get(self, slot: str, kind: str = "i64") -> str:
        """What is stored at `slot`."""
        return self.let(f"load {kind}, ptr {slot}")

    def put(self, slot: str, value: str, kind: str = "i64") -> None:
        """Store `value` at `slot`."""
        self.do(f"store {kind} {value}, ptr {slot}")

    def add(self, slot: str, value: str) -> None:
        """Add `value` to what is stored at `slot`."""
        self.put(slot, self.let(f"add i64 {self.get(slot)}, {value}"))

    def place(self, pointer: str, index: str | int, kind: str = "i64") -> str:
        """The address of an element of the array of `kind` at `pointer`."""
        return self.let(f"getelementptr {kind}, ptr {pointer}, i64 {index}")

    def label(self, hint: str) -> str:
        """A new name for a block."""
        self._count += 1
        return f"{hint}{self._count}"

    def begin(self, label: str) -> None:
        """Begin block `label`; whatever came before has ended with a jump."""
        self._lines.append(f"{label}:")

    def jump(self, label: str) -> None:
        """End the block by going to `label`."""
        self.do(f"br label %{label}")

    def branch(self, condition: str, then: str, otherwise: str, *, likely: bool = False) -> None:
        """End the block by going one of two ways; with `likely` mostly the first."""
        weight = f", {LIKELY}" if likely else ""
        self.do(f"br i1 {condition}, label %{then}, label %{otherwise}{weight}")

    @contextmanager
    def when(self, condition: str) -> Generator[None]:
        """What is written inside happens where `condition` holds."""
        inside, after = self.label("when"), self.label("done")
        self.branch(condition, inside, after)
        self.begin(inside)
        yield
        self.jump(after)
        self.begin(after)

    @contextmanager
    def seldom(self, condition: str) -> Generator[None]:
        """As `when`, for what hardly ever happens."""
        inside, after = self.label("seldom"), self.label("done")
        negated = self.let(f"xor i1 {condition}, true")
        self.branch(negated, after, inside, likely=True)
        self.begin(inside)
        yield
        self.jump(after)
        self.begin(after)

    @contextmanager
    def counted(self, first: str, end: str) -> Generator[str]:
        """A loop over the numbers from `first` to `end`, not included; gives the number."""
        number = self.slot("i64", first)
        head, body, after = self.label("loop"), self.label("body"), self.label("done")
        self.jump(head)
        self.begin(head)
        value = self.get(number)
        self.branch(self.let(f"icmp ult i64 {value}, {end}"), body, after)
        self.begin(body)
        yield value
        self.put(number, self.let(f"add i64 {value}, 1"))
        self.jump(head)
        self.begin(after)

    def text(self) -> str:
        """The finished function."""
        parts = [f"define {self._heading} {{", "entry:", *self._slots, *self._lines, "}"]
        return "\n".join(parts) + "\n"


def module(functions: Iterable[Function]) -> str:
    """A module of `functions`."""
    return "\n".join([INTRINSICS, *(item.text() for item in functions), METADATA])
