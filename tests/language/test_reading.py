"""The module level of a pattern is read: what it means is what Python means, and nothing runs."""

import time
from pathlib import Path

import pytest

from dirql.model.language import PatternError, load_pattern
from dirql.model.language.plain import MOST_WORK, RUNS

from .loading import FOOTER, HEADER, load_text, refusal, with_body

ROOT = Path(__file__).resolve().parents[2]
PATTERNS = sorted((ROOT / "patterns").glob("*.py"))
END = "\n    def Run(self):\n        self.pending = 1\n"
SIMPLE = HEADER + END

READ: dict[str, str] = {
    "constants": """
A = 1
B = A + 2 * 3 - 1
C = (B << 2) | A & ~1 ^ 5
D = -B % 7 // 2 ** 2
class More(Pcidrv):
    n = Int(A - A, B, initial=A)
    m = C
    k = D
scenario = Scenario(More.Run)
""",
    "conditions": """
N = 2 if 1 < 2 <= 3 and not 0 or 5 else 4
assert N == 2 and 1 in (1, 2)
if N != 2:
    M = 1
elif N is None:
    M = 2
else:
    M = 3
class More(Pcidrv):
    n = Int(0, N)
    m = M
scenario = Scenario(More.Run)
""",
    "lists": """
counts = [1]
other = counts
counts += (2,)
(low, high), top = (0, 3), 7
class More(Pcidrv):
    n = Int(low, high)
    m = Int(0, top)
scenario = Scenario(More.Run, processors=[*other, 4], knobs={**{'connect_may_fail': 'no'}})
""",
    "comprehensions": """
scenarios = [
    Scenario(Call(Pcidrv.Complete, i), name=f'n{j}-{i}')
    for i in range(2)
    for j in sorted({3, 1})
    if i or j == 1
]
""",
    "a comprehension in a class": """
MAX = 5
class More(Pcidrv):
    MAX = 2
    n = Int(0, sum([i + MAX for i in range(MAX)]))
scenario = Scenario(More.Run)
""",
    "functions": """
xs = list(zip([1, 2], reversed([3, 4])))
N = len(xs) + min(1, 2) + abs(-1) + xs[-1][1]
class More(Pcidrv):
    n = Int(0, N, initial=set(range(2)))
scenario = Scenario(More.Run)
""",
    "enumerations": """
import enum
class Power(enum.IntEnum):
    '''Levels.'''
    D0 = 1
    D1 = D0 + 1
    D3 = enum.auto()
class Flag(IntFlag):
    A = enum.auto()
    B = enum.auto()
class More(Pcidrv):
    s = Enum(Power.D3)
    t = Enum(Power, Power(2))
    f = Int(0, Flag.A | Flag.B)
    v = Power.D1.value
    def Run(self):
        self.s = Power.D0
        self.f |= Flag.B
scenario = Scenario(More.Run)
""",
    "imports": """
import dirql.model.wdk
import dirql.model.wdk as wdk
from dirql.model import wdk as w2
from dirql.model.wdk import Int as Number, Holds
from typing import Final
X: Final = 3
class Other(w2.Structure):
    b = wdk.Bit(0)


class More(Pcidrv):
    other = Other()
    n = wdk.Int(0, X)
    m: object = Number(0, 1)
    k = dirql.model.wdk.Bit(1)
    later: int
    def Run(self):
        self.n = wdk.TRUE
class Unused:
    SIZE = 4
scenario = wdk.Scenario(More.Run, expect=Holds())
""",
    "inheritance": """
class Base(Pcidrv):
    extra = Bit(0)
    def Other(self):
        self.extra = 1
class More(Base):
    MAX = Base.MAX + 1
    also = Reference(Request)
scenario = Scenario(More.Other, concurrently=[Base.Run])
""",
    "a scenario in the class": """
class More(Pcidrv):
    def Go(self):
        pass
    scenario = Scenario(Go, concurrently=[Go])
""",
    "marks": """
class Dev(Device):
    on = Bit(0)
    @hardware(sure=True)
    def up(self):
        self.on = 1
    def down(self):
        self.on = 0
    falls = hardware(down)
class More(Pcidrv):
    dev = Dev()
    @invariant
    def sane(self):
        return self.pending < 8
scenario = Scenario(More.Run)
""",
    "the main program": """
scenario = Scenario(Pcidrv.Run)
if __name__ == '__main__':
    main()
""",
    "a function beside": """
def helper(x):
    return open(x)
scenario = Scenario(Pcidrv.Run)
""",
    "annotations": """
LIMIT = 3
class More(Pcidrv):
    def Go(self, n: Int(0, LIMIT)):
        m: 'Int(0, LIMIT + 1)' = n
        r: Request = self.r0
        k: int = 1
        self.pending = m + k
scenario = Scenario(Call(More.Go, 2))
""",
    "names for objects": """
class More(Pcidrv):
    own = Request()
later = At(DISPATCH_LEVEL, Call(More.Complete, 0))
scenario = Scenario(Call(More.Complete, 1), concurrently=[later])
""",
}

REFUSED: dict[str, str] = {
    "print": "print('holds')",
    "exit": "import os\nos._exit(0)",
    "exit by a function": "exit(0)",
    "dunder import": "__import__('os')._exit(0)",
    "raise": "raise SystemExit(0)",
    "a loop": "while True:\n    pass",
    "a loop over a list": "for i in [1]:\n    pass",
    "try": "try:\n    x = 1\nexcept Exception:\n    pass",
    "with": "with open('x') as f:\n    pass",
    "delete": "x = 1\ndel x",
    "match": "match 1:\n    case 1:\n        pass",
    "lambda": "f = lambda: 1",
    "walrus": "x = [y := 1]",
    "await": "x = (lambda: (yield))",
    "open": "x = open('/etc/passwd')",
    "eval": "x = eval('1')",
    "exec": "exec('x = 1')",
    "getattr": "x = getattr(Pcidrv, 'Run')",
    "globals": "x = globals()",
    "method of a text": "x = 'a'.upper()",
    "method of a list": "x = []\nx.append(1)",
    "dunder": "x = Pcidrv.__subclasses__()",
    "dunder of a number": "x = (1).__class__",
    "call of a function": "def f():\n    return 1\nx = f()",
    "call of a class of Python": "x = object()",
    "call of a constant": "x = 3\ny = x()",
    "decorator": "@print\nclass C:\n    pass",
    "metaclass": "class C(metaclass=type):\n    pass",
    "base by a call": "class C(type('X', (), {})):\n    pass",
    "base of Python": "class C(Exception):\n    pass",
    "constructor": "class C(Pcidrv):\n    def __init__(self):\n        open('x')",
    "hook": "class C(Pcidrv):\n    def __init_subclass__(cls):\n        open('x')",
    "hook by a name": "class C(Pcidrv):\n    def f(cls):\n        pass\n    __init_subclass__ = f",
    "names set": "class C(Device):\n    def __set_name__(self, owner, name):\n        open('x')",
    "slots": "class C(Pcidrv):\n    __slots__ = ()",
    "routine of an enumeration": "class P(IntEnum):\n    def _missing_(cls, v):\n        open('x')",
    "hook of an enumeration": "class P(IntEnum):\n    _ignore_ = 'A'\n    A = 1",
    "the functional form": "P = IntEnum('P', 'A B')",
    "attribute": "Pcidrv.extra = Int(0, 1)",
    "entry": "x = [1]\nx[0] = 2",
    "import": "import os",
    "import of a part": "from os import path",
    "relative import": "from . import other",
    "import of a name": "from dirql.model.wdk import load_pattern",
    "import of everything": "from os import *",
    "import of the package": "from dirql.model.language import load_pattern",
    "a name of a module": "import dirql.model.wdk as w\nx = w.kernel_tables",
    "another name of a module": "import enum\nx = enum.sys",
    "percent": "x = '%s' % 1",
    "format": "x = f'{1:>9999999999}'",
    "conversion": "x = f'{Pcidrv!r}'",
    "division": "x = 1 / 2",
    "matrix": "x = 1 @ 2",
    "text of an object": "x = str(Pcidrv)",
    "slice": "x = [1, 2][0:1]",
    "union in place": "x = {1}\nx |= {2}",
    "annotation": "class C(Pcidrv):\n    def Go(self):\n        n: open('x') = 1\n"
    "scenario = Scenario(C.Go)",
    "quoted annotation": "class C(Pcidrv):\n    def Go(self):\n        n: \"open('x')\" = 1\n"
    "scenario = Scenario(C.Go)",
}

HUGE: dict[str, str] = {
    "power": "x = 9 ** 9 ** 9",
    "powers": "x = 2 ** 200\ny = x ** 200",
    "shift": "x = 1 << 10 ** 10",
    "products": "a = 2 ** 255\nb = a * a * a * a",
    "text": "x = 'x' * 10 ** 10",
    "list": "x = [0] * 10 ** 10",
    "doubled": "a = [0, 0]\n" + "a = a + a\n" * 60,
    "doubled text": "a = 'xx'\n" + "a = a + a\n" * 60,
    "shared": "a = (0, 0)\n" + "a = (a, a)\n" * 60 + "x = {a}",
    "shared lists": "a = [0]\nb = [0]\n" + "a = [a, a]\nb = [b, b]\n" * 60 + "assert a == b",
    "circle": "a = []\na += [a]\nassert a == a\nx = Scenario(Pcidrv.Run, processors=a)",
    "range": "x = list(range(10 ** 9))",
    "long range": "x = range(10 ** 30)\ny = [i for i in x]",
    "comprehensions": "x = [1 for a in range(999) for b in range(999) for c in range(999)]",
    "hexadecimal": "x = 0x" + "f" * 100_000,
    "decimal": "x = " + "9" * 5000,
    "array": "class C(Pcidrv):\n    a = Array(Int(0, 3), 10 ** 9)\nscenario = Scenario(C.Run)",
    "enumeration": "class P(IntEnum):\n    A = 0\n    B = 10 ** 12\n"
    "class C(Pcidrv):\n    p = Enum(P.A)\nscenario = Scenario(C.Run)",
    "joined": "a = 'x' * 9999\n" + "a = f'{a}{a}'\n" * 40,
    "sum": "x = sum([2 ** 250] * 9999)",
    "nested": "x = " + "[" * 150 + "]" * 150 + "\ny = " + "-" * 20_000 + "1",
    "classes": "class C: pass\n" * 20_000,
    "nested sum": "x = " + "1 + " * 20_000 + "1",
    "nested names": "x = Pcidrv" + ".a" * 20_000,
    "nested calls": "x = " + "Int(" * 90 + "0" + ")" * 90,
}


def at_the_end(text: str) -> str:
    """The pattern for tests, with this at the end of its module level."""
    return f"{SIMPLE}\n\n{text}\n"


@pytest.mark.parametrize("name", READ)
def test_what_is_read_is_what_runs(name: str, tmp_path: Path) -> None:
    path = tmp_path / "driver.py"
    path.write_text(at_the_end(READ[name]), encoding="utf-8")
    read, run = load_pattern(path), load_pattern(path, run_module=True)
    assert read.program == run.program
    assert read.scenarios == run.scenarios
    assert read.story == run.story


@pytest.mark.parametrize("path", PATTERNS, ids=lambda path: path.stem)
def test_every_pattern_is_read_as_it_runs(path: Path) -> None:
    read, run = load_pattern(path), load_pattern(path, run_module=True)
    assert (read.program, read.scenarios, read.story) == (run.program, run.scenarios, run.story)


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_runs(
    name: str, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = at_the_end(REFUSED[name])
    if "scenario" not in text:
        text += "scenario = Scenario(Pcidrv.Run)\n"
    problem = refusal(text)
    assert problem.code in ("DQ102", "DQ103", "DQ104", "DQ108", "DQ109"), str(problem)
    assert problem.code in ("DQ102", "DQ103", "DQ108") or RUNS in problem.hint
    assert problem.line > SIMPLE.count("\n")
    assert problem.column
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", HUGE)
def test_nothing_grows(name: str) -> None:
    text = at_the_end(HUGE[name])
    if "scenario" not in text:
        text += "scenario = Scenario(Pcidrv.Run)\n"
    before = time.process_time()
    problem = refusal(text)
    assert time.process_time() - before < 5
    assert problem.code in ("DQ102", "DQ103", "DQ108", "DQ109"), str(problem)
    assert len(str(problem)) < 200_000


def test_work_is_limited_as_a_whole() -> None:
    line = f"x = [0] * {MOST_WORK // 3}\n"
    load_text(at_the_end(line * 2 + "scenario = Scenario(Pcidrv.Run)"))
    assert "take too long to compute" in refusal(at_the_end(line * 4)).message


def test_a_pattern_that_runs_says_so(tmp_path: Path) -> None:
    path = tmp_path / "driver.py"
    path.write_text(at_the_end("open('ran', 'w').close()" + FOOTER), encoding="utf-8")
    with pytest.raises(PatternError, match="`open` would have to run"):
        load_pattern(path)
    text = at_the_end(f"open({str(tmp_path / 'ran')!r}, 'w').close()" + FOOTER)
    path.write_text(text, encoding="utf-8")
    load_pattern(path, run_module=True)
    assert (tmp_path / "ran").exists()


def test_the_place_of_a_scenario() -> None:
    text = with_body("pass").replace(
        FOOTER, "\n\nscenarios = [\n    Scenario(\n        Pcidrv.Run),\n]\n"
    )
    read, run = load_text(text), load_text(text, run_module=True)
    assert read.scenarios[0].source.line == run.scenarios[0].source.line
    assert read.scenarios[0].source.text.strip() == "Scenario("
