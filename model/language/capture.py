"""From a driver class to a program: all routines captured, and what must hold of them checked."""

import ast
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from types import FunctionType
from typing import TypeAlias, cast

from ..driver import Device, Program
from ..routine import (
    Call,
    Choose,
    Instruction,
    Node,
    Routine,
    Store,
)
from .declarations import Driver
from .definite import ended, first_unassigned
from .errors import (
    DECLARATION,
    RECURSION,
    SIDE_EFFECT,
    UNASSIGNED,
    PatternError,
)
from .frame import CallSite, Subject, Surroundings
from .kinds import Kind, Knowledge
from .layout import Layout, Thing, lay_out
from .results import refuse_missing_results
from .roles import refuse_wrong_roles
from .slips import refuse_slips
from .source import SourceFile
from .statements import Statements
from .tables import CapturedName, Tables

_MOST_ROUNDS = 20
"""Kinds only ever go from unset to known to unknown, so a few rounds settle them."""


Started: TypeAlias = tuple[str, tuple[Kind, ...]]
"""A routine that a scenario calls, and the kinds of the arguments."""


def capture_program(
    driver: type[Driver],
    source: SourceFile,
    names: dict[str, object],
    tables: Tables,
    started: Iterable[Started] = (),
    starts: Iterable[str] = (),
) -> tuple[Program, Layout]:
    """Capture `driver` and the devices it uses.

    `names` is the module's namespace; `started` tells what scenarios call, and with what, `starts`
    which routines they start with.

    Raises:
        PatternError: something in the classes is outside the driver language.
    """
    layout = lay_out(driver, source, names)
    subjects = [
        _subject(thing, name, function, source, names)
        for thing in (layout.driver, *layout.devices())
        for name, function in thing.routines.items()
    ]
    parameters = {item.name: _parameters(item, source) for item in subjects}
    knowledge = Knowledge()
    for name, kinds in started:
        for parameter, kind in zip(parameters.get(name, ()), kinds, strict=False):
            knowledge.learn_local(name, parameter, kind)
    around = Surroundings(source, layout, tables, knowledge, parameters)
    frames = _captured(subjects, around)
    routines = tuple(_routine(item) for item in frames)
    _refuse_recursion(frames, source)
    _refuse_unassigned(routines, frames, source)
    for frame in frames:
        refuse_slips(frame)
    refuse_missing_results(frames, source)
    refuse_wrong_roles(frames, source, tables, tuple(starts))
    _refuse_effects(routines, frames, layout, source)
    devices = tuple(_device(item) for item in layout.devices())
    claims = tuple(layout.driver.claims)
    return Program(driver.__name__, layout.objects(), routines, devices, claims), layout


def _captured(subjects: list[Subject], around: Surroundings) -> list[Statements]:
    """All routines, captured again until the kinds of their locals are settled."""
    frames: list[Statements] = []
    for _ in range(_MOST_ROUNDS):
        before = around.knowledge.copy()
        frames = [Statements(around, item) for item in subjects]
        for frame in frames:
            frame.capture()
        if around.knowledge == before:
            break
    return frames


def _subject(
    thing: Thing, name: str, function: FunctionType, source: SourceFile, names: dict[str, object]
) -> Subject:
    node = source.function(function)
    place = source.declaration(thing.type_name, name)
    if node is None:
        raise source.error(
            DECLARATION,
            f"the source of routine `{name}` is not in this file",
            place,
            "write it as def in the class itself: routines are captured from source",
        )
    if name.startswith("__"):
        hint = "declare fields with their initial values; nothing of a class runs"
        raise source.error(DECLARATION, f"`{name}` is not captured", node, hint)
    if thing.type == "driver" and isinstance(names.get(name), CapturedName):
        hint = "give the routine another name"
        message = f"`{name}` is the name of something in dirql.model.wdk"
        raise source.error(DECLARATION, message, node, hint)
    for inner in set(function.__code__.co_freevars) - {"__class__"}:  # which super() needs
        message = f"`{name}` uses `{inner}` of the function around its class"
        hint = "write the class at the module level, with a constant of the module or of the class"
        raise source.error(DECLARATION, message, node, hint)
    for decorator in node.decorator_list:
        mark = decorator.func if isinstance(decorator, ast.Call) else decorator
        if ast.unparse(mark).split(".")[-1] not in ("hardware", "invariant"):
            raise source.error(
                DECLARATION,
                f"`@{ast.unparse(decorator)}` is outside the driver language",
                decorator,
                "only @hardware (devices) and @invariant (drivers) mark routines",
            )
    return Subject(thing.routine_name(name), node, thing, names)


def _parameters(subject: Subject, source: SourceFile) -> tuple[str, ...]:
    node, given = subject.node, subject.node.args
    hint = f"def {node.name}(self, first, second): ..."
    if given.vararg or given.kwarg or given.kwonlyargs or given.posonlyargs or given.defaults:
        message = f"`{node.name}` has parameters that C does not know"
        raise source.error(DECLARATION, message, node, hint)
    if not given.args:
        raise source.error(DECLARATION, f"`{node.name}` has no self", node, hint)
    parameters = tuple(item.arg for item in given.args[1:])
    thing = subject.thing
    special = node.name in ("line", "waiting") if thing.type == "device" else False
    if parameters and (special or node.name in (*thing.events, *thing.claims)):
        message = f"`{node.name}` takes no parameters: nobody passes any"
        raise source.error(DECLARATION, message, node, f"def {node.name}(self): ...")
    return parameters


def _routine(frame: Statements) -> Routine:
    position = frame.source.position(frame.subject.node, frame.subject.name)
    domains = tuple(sorted(frame.domains.items()))
    return Routine(frame.subject.name, frame.parameters, frame.nodes, position, domains)


def _device(thing: Thing) -> Device:
    def name(short: str) -> str:
        return thing.routine_name(short) if short in thing.routines else ""

    events = tuple(thing.routine_name(item) for item in thing.events)
    sure = tuple(thing.routine_name(item) for item in thing.sure)
    return Device(thing.name, thing.wiring, name("line"), name("waiting"), events, sure)


def _refuse_recursion(frames: list[Statements], source: SourceFile) -> None:
    graph: TopologicalSorter[str] = TopologicalSorter()
    sites: dict[tuple[str, str], CallSite] = {}
    for frame in frames:
        for site in frame.calls:
            graph.add(site.callee, frame.subject.name)
            sites.setdefault((frame.subject.name, site.callee), site)
    try:
        graph.prepare()
    except CycleError as problem:
        circle = cast("list[str]", problem.args[1])[1:]
    else:
        return
    first = next(i for f in frames for i, name in enumerate(circle) if name == f.subject.name)
    cycle = [*circle[first:], *circle[: first + 1]]
    shown = " -> ".join(cycle)
    raise source.error(
        RECURSION,
        f"recursion: {shown}",
        sites[cycle[0], cycle[1]].node,
        "kernel stacks are small and drivers do not recurse; write a loop",
    )


def _refuse_unassigned(
    routines: tuple[Routine, ...], frames: list[Statements], source: SourceFile
) -> None:
    for routine, frame in zip(routines, frames, strict=True):
        found = first_unassigned(routine)
        if found is not None:
            name, node = found
            where = _mention(frame.subject.node, name, node)
            if any(
                getattr(item.instruction, "target", "") == ended(name) for item in routine.nodes
            ):
                raise source.error(
                    UNASSIGNED,
                    f"`{name}` may be read here after its loop has run out",
                    where,
                    "C and Python disagree about its value then; keep what you need in a local of "
                    f"its own, for example found = {name} before the break",
                )
            raise source.error(
                UNASSIGNED,
                f"`{name}` may be read here before it has a value",
                where,
                f"a field of the {frame.subject.thing.type} is written {frame.self_name}.{name}"
                if name in frame.subject.thing.names()
                else f"assign it on every way that leads here, for example {name} = 0 first",
            )


def _mention(function: ast.FunctionDef, name: str, node: Node) -> ast.AST:
    """Where the line of `node` mentions `name`, else the routine."""
    for item in ast.walk(function):
        match item:
            case ast.AugAssign(target=ast.Name(id=found) as target) if (
                item.lineno >= node.source.line and found == name
            ):
                return target
            case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()) if (
                item.lineno >= node.source.line and ast.unparse(item) == name
            ):
                return item
            case _:
                pass
    return function


def _refuse_effects(
    routines: tuple[Routine, ...], frames: list[Statements], layout: Layout, source: SourceFile
) -> None:
    """`line`, `waiting` and invariants only look."""
    by_name = {item.name: item for item in routines}
    syntax = {item.subject.name: item.subject.node for item in frames}
    looking = list(layout.driver.claims)
    for thing in layout.devices():
        looking += [
            thing.routine_name(name) for name in ("line", "waiting") if name in thing.routines
        ]
    for name in looking:
        _only_looks(name, by_name, syntax, source)


def _only_looks(
    name: str,
    routines: dict[str, Routine],
    syntax: dict[str, ast.FunctionDef],
    source: SourceFile,
) -> None:
    pending, seen = [name], {name}
    returns = (item for item in ast.walk(syntax[name]) if isinstance(item, ast.Return))
    if not any(item.value for item in returns):
        hint = "return self.cause and not self.masked"
        message = f"`{name}` computes a value, and returns none"
        raise source.error(DECLARATION, message, syntax[name], hint)
    while pending:
        for node in routines[pending.pop()].nodes:
            what = _effect(node.instruction)
            if what:
                raise _effect_error(name, what, node, source)
            callee = _callee(node.instruction)
            if callee in routines and callee not in seen:
                seen.add(callee)
                pending.append(callee)


def _effect(instruction: Instruction) -> str:
    match instruction:
        case Store(place=place):
            return f"changes `{place.field}`"
        case Choose():
            return "chooses"
        case _:
            return ""


def _callee(instruction: Instruction) -> str:
    match instruction:
        case Call(routine=routine):
            return str(getattr(routine, "value", ""))
        case _:
            return ""


def _effect_error(name: str, what: str, node: Node, source: SourceFile) -> PatternError:
    return source.error_at_line(
        SIDE_EFFECT,
        f"`{name}` only looks, and here it {what}",
        node.source.line,
        "it may be asked at any time and any number of times; what changes by itself is a "
        "@hardware event",
    )
