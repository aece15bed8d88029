"""`dirql show`: what was understood of a pattern, before anything is explored."""

from collections.abc import Iterator
from typing import assert_never

from dirql.model.domain import describe
from dirql.model.driver import Device, Field, Object, Program
from dirql.model.dump import dump, expression_text
from dirql.model.expr import Constant, Expression, Read
from dirql.model.machine import Machine
from dirql.model.routine import (
    AddressOf,
    Argument,
    Assert,
    Assign,
    Branch,
    Call,
    Choose,
    Instruction,
    Load,
    Node,
    Place,
    Return,
    Routine,
    Store,
)
from dirql.model.visible import one_line

SOURCE_COLUMN = 64
"""Where the driver's own line stands beside the instruction, in characters."""


def machine_text(machine: Machine) -> str:
    """The machine that engines see."""
    return dump(machine).rstrip("\n")


def routines_text(program: Program) -> str:
    """The objects, devices and routines of a driver, whatever language it was written in."""
    return "\n".join(_program(program))


def _program(program: Program) -> Iterator[str]:
    yield f"driver {program.name}"
    yield ""
    yield "objects"
    for item in program.objects:
        yield from _object(item)
    for device in program.devices:
        yield ""
        yield from _device(device)
    for routine in program.routines:
        yield ""
        yield from _routine(routine)


def _object(item: Object) -> Iterator[str]:
    inside = f", inside {item.inside}" if item.inside else ""
    yield f"  {item.name}: {item.type}{inside}"
    yield from (f"    {_field(field)}" for field in item.fields)


def _field(field: Field) -> str:
    count = f"[{field.count}]" if field.count else ""
    initial = " or ".join(map(str, field.initial))
    wrapping = ", wrapping" if field.wrapping else ""
    saturating = ", saturating" if field.saturating else ""
    volatile = "volatile " if field.volatile else ""
    return (
        f"{field.name}{count}: {volatile}{field.kind.value}, {describe(field.domain)}, "
        f"at first {initial}{wrapping}{saturating}"
    )


def _device(device: Device) -> Iterator[str]:
    yield f"device {device.object}"
    if device.line is not None:
        line = device.line
        mode = "latched" if line.latched else "level-sensitive"
        sharing = "shared" if line.shared else "exclusive"
        yield f"  line: vector {line.vector}, IRQL {line.irql}, {mode}, {sharing}"
    for word, names in (
        ("asserts", device.asserts),
        ("waiting", device.waiting),
        ("events", ", ".join(device.events)),
        ("sure", ", ".join(device.sure)),
    ):
        if names:
            yield f"  {word}: {names}"


def _routine(routine: Routine) -> Iterator[str]:
    yield f"routine {routine.name}({', '.join(routine.parameters)})"
    yield from (f"  local {name}: {describe(domain)}" for name, domain in routine.domains)
    width = len(str(len(routine.nodes)))
    last = ""
    for number, node in enumerate(routine.nodes):
        text = f"  {number:>{width}}  {instruction_text(node.instruction)}{_jump(node, number)}"
        source = f"{node.source.line}: {node.source.text.strip()}" if node.source.line else ""
        yield f"{text:<{SOURCE_COLUMN}}  {source}" if source and source != last else text
        last = source


def _jump(node: Node, number: int) -> str:
    """Where the graph goes on, unless that is just the next node."""
    if isinstance(node.instruction, Branch | Return) or node.following == number + 1:
        return ""
    return f"; go to {node.following}"


def instruction_text(instruction: Instruction) -> str:
    """One instruction on one line."""
    match instruction:
        case Assign(target, value):
            return f"{target} = {expression_text(value)}"
        case Load(target, place, starts_update):
            return f"{target} = load {_place(place)}{' to update it' if starts_update else ''}"
        case Store(place, value, completes_update):
            update = " as an update" if completes_update else ""
            return f"store {_place(place)} = {expression_text(value)}{update}"
        case Choose(target, values, opaque):
            listed = ", ".join(map(expression_text, values))
            return f"{target} = {f'unknown {opaque}' if opaque else 'any'} of {listed}"
        case Branch(condition, then, otherwise):
            return f"if {expression_text(condition)} go to {then}, else to {otherwise}"
        case Call(target, routine, arguments):
            result = f"{target} = " if target is not None else ""
            given = ", ".join(map(_argument, arguments))
            return f"{result}call {expression_text(routine)}({given})"
        case Assert(condition, detail):
            return f"assert {expression_text(condition)}: {one_line(detail)}"
        case Return(value):
            return f"return {expression_text(value)}"
        case _:
            assert_never(instruction)


def _argument(argument: Argument) -> str:
    if isinstance(argument, AddressOf):
        return f"address of {_place(argument.place)}"
    return expression_text(argument)


def _place(place: Place) -> str:
    index = "" if place.index is None else f"[{expression_text(place.index)}]"
    return f"{_object_text(place.object)}.{place.field}{index}"


def _object_text(item: Expression) -> str:
    text = expression_text(item)
    return text if isinstance(item, Constant | Read) else f"({text})"
