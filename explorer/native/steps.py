"""The function `expand`: all steps out of one state, and what is wrong with it.

For each context it looks at the program counter first, so that only the transitions of that point
are tried. Successors are written one behind the other, in the order of the contexts; a finding goes
into the record, which costs nothing as long as there is none.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from dirql.model.expr import Compare, Constant, Expression, Member, Read
from dirql.model.machine import MODEL_BOUND, Machine, Span, Transition

from .assembly import Function
from .codec import WORD, Layout
from .formulas import Formulas
from .meetings import load_words, meetings, note
from .record import REST, Kind

RELIABLY, OWED = -1, -2
"""The numbers given for a state whose lucky steps, and whose spontaneous ones, are left out."""

_WAYS = 8
"""A transition that starts from more points than this is tried everywhere."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """Functions for one machine.

    Attributes:
        functions: `expand` and what it calls.
        room: the most successors that a state can have.
    """

    functions: list[Function]
    room: int


@dataclass(slots=True)
class _Program:
    """The transitions of a context, those that start from known points by the point."""

    counter: str
    points: dict[int, list[int]]
    elsewhere: list[int]
    spans: list[Span]

    def room(self) -> int:
        return len(self.elsewhere) + max(map(len, self.points.values()), default=0)


class _Expander:
    def __init__(self, machine: Machine, layout: Layout) -> None:
        self.machine, self.layout = machine, layout
        self.meetings = meetings(machine)
        self.programs = _programs(machine, layout)
        self.checks = check_ranks(machine)
        self.function = Function(
            "internal ptr @expand(ptr noalias readonly %state, ptr noalias %record, "
            "ptr noalias %taken, i64 %index, ptr noalias %output) noinline"
        )
        self.words = load_words(self.function, layout)
        self.output = self.function.slot("ptr", "%output")
        self.asks_rest = any(item.quiescent for item in machine.invariants) or any(
            item.quiescent for item in machine.progress
        )
        self.asks_owed = any(item.owed for item in machine.progress)
        self.owed = self.function.slot("i1", "false") if self.asks_rest else ""

    def write(self) -> Function:
        function = self.function
        for meeting in self.meetings:
            meeting.begin(function)
        for program in self.programs:
            self._program(program)
        for meeting in self.meetings:
            meeting.finish(function)
        self._invariants()
        function.do(f"ret ptr {function.get(self.output, 'ptr')}")
        return function

    def _formulas(self, known: dict[str, int]) -> Formulas:
        return Formulas(self.function, self.layout, self.words, known)

    def _program(self, program: _Program) -> None:
        function = self.function
        for meeting in self.meetings:
            meeting.enter(function)
            meeting.stand(function, self._formulas({}), program.spans)
        if program.points:
            self._switch(program)
        for index in program.elsewhere:
            self._transition(index, self._formulas({}), self.machine.transitions[index].guard)
        for meeting in self.meetings:
            meeting.leave(function)

    def _switch(self, program: _Program) -> None:
        function, after = self.function, self.function.label("after")
        field = self.layout.by_name[program.counter]
        value = self.words[field.word]
        value = function.let(f"lshr i64 {value}, {field.offset}")
        value = function.let(f"and i64 {value}, {signed(field.mask)}")
        labels = {point: function.label("point") for point in program.points}
        table = " ".join(f"i64 {point}, label %{label}" for point, label in labels.items())
        function.do(f"switch i64 {value}, label %{after} [{table}]")
        for point, indices in program.points.items():
            function.begin(labels[point])
            for index in indices:
                guard = self.machine.transitions[index].guard
                _, rest = _placed(guard, program.counter)
                self._transition(index, self._formulas({program.counter: point}), rest)
            function.jump(after)
        function.begin(after)

    def _transition(self, index: int, formulas: Formulas, guard: tuple[Expression, ...]) -> None:
        function, transition = self.function, self.machine.transitions[index]
        after = function.label("after")
        self._require(formulas.all(guard), after)
        for meeting in self.meetings:
            meeting.touch(function, transition, enabled=False)
        self._require(formulas.all(transition.scheduling), after)
        if self.asks_rest and not transition.spontaneous:
            function.put(self.owed, "true", "i1")
        if transition.lucky:
            self._require(function.let(f"icmp sgt i64 %index, {RELIABLY}"), after)
        elif transition.spontaneous and self.asks_owed:
            self._require(function.let(f"icmp ne i64 %index, {OWED}"), after)
        for meeting in self.meetings:
            meeting.touch(function, transition, enabled=True)
        function.put(function.place("%taken", index, "i8"), "1", "i8")
        self._check(index, formulas, after)
        self._store(transition, formulas, after)
        function.jump(after)
        function.begin(after)

    def _require(self, condition: str, otherwise: str) -> None:
        if condition != "true":
            inside = self.function.label("enabled")
            self.function.branch(condition, inside, otherwise)
            self.function.begin(inside)

    def _check(self, index: int, formulas: Formulas, after: str) -> None:
        """Write down the first broken check, limits of the model last."""
        function = self.function
        checks = [
            (place, check, formulas.boolean(check.condition))
            for place, check in enumerate(self.machine.transitions[index].checks)
        ]
        checks = [item for item in checks if item[2] != "true"]
        if not checks:
            return
        fine, wrong = function.label("fine"), function.label("wrong")
        kept = formulas.all(check.condition for _, check, _ in checks)
        function.branch(kept, fine, wrong, likely=True)
        function.begin(wrong)
        function.add("%record", "1")
        for place, check, condition in sorted(checks, key=lambda c: c[1].property == MODEL_BOUND):
            broken, kept = function.label("broken"), function.label("kept")
            function.branch(condition, kept, broken)
            function.begin(broken)
            bound = check.property == MODEL_BOUND
            rank = 0 if bound else self.checks[index, place]
            function.do(note(Kind.BOUND if bound else Kind.CHECK, rank))
            function.jump(after)
            function.begin(kept)
        function.do("unreachable")
        function.begin(fine)

    def _store(self, transition: Transition, formulas: Formulas, after: str) -> None:
        """Write the state after `transition`, all of whose values must fit."""
        function, masks = self.function, dict[int, int]()
        constants, parts, fits = dict[int, int](), dict[int, list[str]](), list[str]()
        for name, value in transition.updates:
            field = self.layout.by_name[name]
            number, inside = formulas.stored(value, name)
            fits.append(inside)
            if not field.bits:
                continue
            masks[field.word] = masks.get(field.word, 0) | field.mask << field.offset
            if not number.startswith("%"):
                constant = (int(number) & field.mask) << field.offset
                constants[field.word] = constants.get(field.word, 0) | constant
            elif field.offset:
                shifted = function.let(f"shl i64 {number}, {field.offset}")
                parts.setdefault(field.word, []).append(shifted)
            else:
                parts.setdefault(field.word, []).append(number)
        self._require_fit([item for item in fits if item != "true"], after)
        output = function.get(self.output, "ptr")
        for word, old in enumerate(self.words):
            new = self._composed(old, masks.get(word, 0), constants.get(word, 0), parts.get(word))
            function.put(function.place(output, word) if word else output, new)
        function.put(self.output, function.place(output, self.layout.words), "ptr")

    def _composed(self, old: str, mask: int, constant: int, parts: list[str] | None) -> str:
        let = self.function.let
        if mask:
            old = let(f"and i64 {old}, {signed(~mask)}")
        if constant:
            old = let(f"or i64 {old}, {signed(constant)}")
        for part in parts or ():
            old = let(f"or i64 {old}, {part}")
        return old

    def _require_fit(self, fits: list[str], after: str) -> None:
        function = self.function
        for condition in fits:
            inside, outside = function.label("inside"), function.label("outside")
            function.branch(condition, inside, outside, likely=True)
            function.begin(outside)
            function.do(note(Kind.OUTSIDE, 0))
            function.jump(after)
            function.begin(inside)

    def _invariants(self) -> None:
        function, invariants = self.function, self.machine.invariants
        plain = [item.condition for item in invariants if not item.quiescent]
        late = [item.condition for item in invariants if item.quiescent]
        rest = "false"
        if self.asks_rest:
            owed = function.get(self.owed, "i1")
            rest = function.let(f"xor i1 {owed}, true")
            function.put(function.place("%record", REST), function.let(f"zext i1 {rest} to i64"))
        if late:
            bad = function.slot("i1", "false")
            with function.when(rest):
                kept = self._formulas({}).all(late)
                function.put(bad, function.let(f"xor i1 {kept}, true"), "i1")
            with function.when(function.get(bad, "i1")):
                self._ask_invariants(rest)
        if plain:
            kept = self._formulas({}).all(plain)
            with function.seldom(function.let(f"xor i1 {kept}, true")):
                self._ask_invariants(rest)

    def _ask_invariants(self, rest: str) -> None:
        self.function.do(f"call void @invariants(ptr %state, ptr %record, i64 %index, i1 {rest})")


def expansion(machine: Machine, layout: Layout) -> Expansion:
    """Write `expand` for `machine`."""
    expander = _Expander(machine, layout)
    functions = [_note(), expander.write()]
    for meeting in expander.meetings:
        functions += meeting.ask(machine, layout) if meeting.doubtful else ()
    functions.append(_false_invariants(machine, layout))
    return Expansion(functions, sum(program.room() for program in expander.programs))


def check_ranks(machine: Machine) -> dict[tuple[int, int], int]:
    """The rank of each check: its place among all checks, by transition and place there."""
    places = [
        (index, place)
        for index, transition in enumerate(machine.transitions)
        for place in range(len(transition.checks))
    ]
    return {place: rank for rank, place in enumerate(places)}


def signed(number: int) -> str:
    """A word as LLVM writes it."""
    number &= (1 << WORD) - 1
    return str(number - (1 << WORD) if number >> (WORD - 1) else number)


def _programs(machine: Machine, layout: Layout) -> list[_Program]:
    counters = {context.name: context.counter for context in machine.contexts}
    programs: dict[str, _Program] = {}
    acting = (*(item.context for item in machine.transitions), *(s.context for s in machine.spans))
    programs.update((name, _Program(counters[name], {}, [], [])) for name in acting)
    for span in machine.spans:
        programs[span.context].spans.append(span)
    for index, transition in enumerate(machine.transitions):
        counter = counters[transition.context]
        program = programs[transition.context]
        place, _ = _placed(transition.guard, counter)
        if place is None:
            program.elsewhere.append(index)
            continue
        for value in place:
            number = layout.by_name[counter].encode(value)
            program.points.setdefault(number, []).append(index)
    return list(programs.values())


def _placed(
    guard: tuple[Expression, ...], counter: str
) -> tuple[Iterable[bool | int | str] | None, tuple[Expression, ...]]:
    """The values of `counter` for which `guard` can hold (`None`: any), and its other atoms."""
    for number, atom in enumerate(guard):
        rest = guard[:number] + guard[number + 1 :]
        match atom:
            case Compare("==", Read(name), Constant(value)) if name == counter:
                return (value,), rest
            case Member(Read(name), values) if name == counter and len(values) <= _WAYS:
                return values, rest
            case _:
                pass
    return None, guard


def _note() -> Function:
    function = Function(
        "internal void @note(ptr %record, i64 %kind, i64 %rank, i64 %index) noinline cold"
    )
    place = function.place("%record", "%kind")
    better = function.let(f"icmp slt i64 %rank, {function.get(place)}")
    with function.when(better):
        function.put(place, "%rank")
        function.put(function.place(place, 1), "%index")
    function.do("ret void")
    return function


def _false_invariants(machine: Machine, layout: Layout) -> Function:
    """The function that says which invariants are false in a state where some is."""
    function = Function(
        "internal void @invariants(ptr %state, ptr %record, i64 %index, i1 %rest) noinline cold"
    )
    formulas = Formulas(function, layout, load_words(function, layout), {})
    for rank, item in enumerate(machine.invariants):
        wrong = function.let(f"xor i1 {formulas.boolean(item.condition)}, true")
        if item.quiescent:
            wrong = function.let(f"and i1 {wrong}, %rest")
        with function.when(wrong):
            function.do(note(Kind.ANY_INVARIANT, rank))
            if not item.quiescent:
                function.do(note(Kind.INVARIANT, rank))
    function.do("ret void")
    return function
