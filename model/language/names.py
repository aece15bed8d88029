"""Capturing names and places: what `self.nic.masked`, a local or a constant stands for."""

import ast
import builtins
from abc import abstractmethod
from enum import EnumMeta
from types import ModuleType
from typing import TypeAlias, assert_never

from ..expr import Constant, Expression, Read
from ..routine import NULL, Load, Place
from .declarations import Device, Driver, Structure
from .errors import EXPRESSION, MIXED_KINDS, UNKNOWN_FIELD, UNKNOWN_NAME, PatternError
from .frame import Frame
from .kinds import (
    Captured,
    Global,
    Kind,
    LocalMember,
    Location,
    QueueOperation,
    RoutineOf,
    chosen_object,
    named,
    number,
)
from .layout import LOOKED_INTO
from .suggest import suggestion
from .tables import NT_SUCCESS, TIME_MEMBERS, TIME_STRUCTURE, CapturedName
from .teaching import MESSAGE_VERSION, instead_of, instead_of_family, no_messages

Denotation: TypeAlias = Captured | Location | QueueOperation | RoutineOf | LocalMember | Global

QUEUE_OPERATIONS = ("append", "pop", "empty", "full", "count")
QUEUE_EXAMPLE = "self.work.append(x), x = self.work.pop(), self.work.empty(), .full(), .count()"

_BUILTINS = frozenset(dir(builtins))

_A_SLIP = 0.9
"""How near to the name of a kernel routine an unknown one is when it was probably meant."""

_WIDEST = 64
"""Bits of the widest C integer: a larger constant is a slip."""


class Names(Frame):
    """A frame that knows what names mean. Each read of a shared location becomes a `Load`."""

    @abstractmethod
    def value(self, node: ast.expr) -> Captured:
        """Capture `node` and give its value."""

    @abstractmethod
    def integer(self, node: ast.expr) -> Expression:
        """Capture `node`, which must be a number."""

    def denote(self, node: ast.expr) -> Denotation:
        """What a name, an attribute or a subscript stands for."""
        match node:
            case ast.Name(id=name):
                return self._name(name, node)
            case ast.Attribute(value=value, attr=name):
                return self._attribute(self.denote(value), name, node)
            case ast.Subscript(value=value, slice=index):
                return self._element(self.denote(value), index, node)
            case _:
                return self.value(node)

    def read(self, found: Denotation, node: ast.expr, target: str = "") -> Captured:
        """The value of a denotation; a shared location is loaded, into `target` if given."""
        match found:
            case Captured():
                return found
            case Location():
                target = target or self.temporary()
                starts = bool(self.updating) and self.updating == ast.unparse(node)
                self.update_started |= starts
                self.graph.add(Load(target, self.place(found, node), starts))
                return Captured(found.kind, self.local(target).expression, found.candidates)
            case RoutineOf():
                if found.device:
                    hint = f"pass a routine of the driver, or call this one: self.{found.name}()"
                    raise self.unsupported("a routine of a device as a value", node, hint)
                return named(found.name)
            case LocalMember(path="", type=kind) if kind == TIME_STRUCTURE:
                return self.time(Read(f"{found.local}.{TIME_MEMBERS[0].name}"))
            case LocalMember(path=""):
                raise self.unsupported(
                    f"the structure `{found.local}` as a value",
                    node,
                    f"pass it to {' or '.join(self.takers(found.type))}, or name one member",
                )
            case LocalMember():
                self.check_member(found, node, whole=True)
                return self.local(f"{found.local}.{found.path}")
            case QueueOperation():
                raise self.unsupported(f"`{ast.unparse(node)}` as a value", node, QUEUE_EXAMPLE)
            case Global():
                raise self.unsupported(
                    f"`{found.shown}` as a value", node, "use a number, a constant or a field"
                )
            case _:
                assert_never(found)

    def place(self, found: Location, node: ast.AST) -> Place:
        """The place of a location: an array needs an index."""
        if found.field.count and found.index is None:
            name = ast.unparse(node) if isinstance(node, ast.expr) else found.field.name
            if self.layout.is_queue(found.field):
                raise self.unsupported(
                    f"the queue `{found.field.name}` as a whole", node, QUEUE_EXAMPLE
                )
            raise self.unsupported(
                f"the array `{found.field.name}` as a whole", node, f"name an element: {name}[0]"
            )
        return Place(found.object, found.field.name, found.index)

    @abstractmethod
    def check_member(self, found: LocalMember, node: ast.AST, *, whole: bool) -> None:
        """Refuse a member that the local structure does not have."""

    @abstractmethod
    def time(self, quad_part: Expression) -> Captured:
        """The address of a time that holds this number."""

    @abstractmethod
    def takers(self, structure: str) -> tuple[str, ...]:
        """The kernel routines that take this type of structure."""

    def _name(self, name: str, node: ast.AST) -> Denotation:
        if name == self.self_name:
            return named(self.subject.thing.name)
        if name in self.structures:
            return LocalMember(name, self.structures[name])
        if name in self.locals:
            return self.local(name)
        if name == MESSAGE_VERSION and name in self.subject.names:
            raise self.error(EXPRESSION, *no_messages(name, node))
        if name in self.subject.names:
            return self.global_value(self.subject.names[name], name, node)
        thing = self.subject.thing
        if name in thing.names():
            raise self.error(
                UNKNOWN_NAME,
                f"`{name}` is not a local here",
                node,
                f"a field or routine of the {thing.type} is written {self.self_name}.{name}",
            )
        instead = instead_of(name)
        if instead and name in _BUILTINS:
            raise self.unsupported(f"`{name}`", node, instead)
        if not instead and not suggestion(name, self.tables.routines, cutoff=_A_SLIP):
            instead = instead_of_family(name)
        if instead:
            what = f"`{name}` is not in the driver language"
            raise self.error(UNKNOWN_NAME, what, node, instead)
        if name == "self":
            given = ", ".join(("self", *(item.arg for item in self.subject.node.args.args)))
            hint = f"def {self.subject.node.name}({given}): ..."
            raise self.error(
                UNKNOWN_NAME, "`self` is unknown: the routine has no such parameter", node, hint
            )
        known = [*self.locals, *self.subject.names, *thing.names()]
        raise self.error(
            UNKNOWN_NAME,
            f"`{name}` is unknown",
            node,
            "a name is a local, a constant of the module, or something from dirql.model.wdk"
            + suggestion(name, (item for item in known if not item.startswith("_"))),
        )

    def global_value(self, value: object, shown: str, node: ast.AST) -> Denotation:
        """What a value of the module level stands for inside a routine."""
        match value:
            case bool() | int():
                return self.constant(int(value), node)
            case str() if value == NULL:
                return named(NULL)
            case None:
                raise self.unsupported("None", node, "a null pointer is NULL")
            case CapturedName() | type() | ModuleType():
                return Global(value, shown)
            case _:
                raise self.unsupported(
                    f"`{shown}`, {type(value).__name__} data of the module level",
                    node,
                    "constants are integers or members of an IntEnum; changing data is a field",
                )

    def constant(self, value: int, node: ast.AST) -> Captured:
        """A known number, refused where no C integer could hold it."""
        if value.bit_length() > _WIDEST:
            raise self.error(
                EXPRESSION,
                f"the constant {str(value)[:20] if abs(value) < 10**4000 else ''} does not fit "
                f"{_WIDEST} bits",
                node,
                "use the smallest numbers that show the behaviour",
            )
        return number(value)

    def _attribute(self, base: Denotation, name: str, node: ast.Attribute) -> Denotation:
        match base:
            case LocalMember():
                found = LocalMember(base.local, base.type, f"{base.path}.{name}".lstrip("."))
                self.check_member(found, node, whole=False)
                return found
            case Global(value=EnumMeta() | ModuleType() as value):
                if not hasattr(value, name):
                    names = [item for item in dir(value) if not item.startswith("_")]
                    raise self.error(
                        UNKNOWN_FIELD,
                        f"`{base.shown}` has no `{name}`",
                        node,
                        f"there are: {', '.join(names[:12])}{suggestion(name, names)}",
                    )
                return self.global_value(getattr(value, name), f"{base.shown}.{name}", node)
            case Global(value=type() as value) if issubclass(value, Driver | Device | Structure):
                hint = f"write {self.self_name}.{name}"
                raise self.unsupported(f"`{ast.unparse(node)}`", node, hint)
            case Global() | RoutineOf() | QueueOperation():
                raise self.unsupported(
                    f"`{ast.unparse(node)}`", node, "fields belong to self, devices and structures"
                )
            case Location(index=None) if self.layout.is_queue(base.field):
                if name in QUEUE_OPERATIONS:
                    return QueueOperation(base, name, ast.unparse(node.value))
                message = f"a queue has no `{name}`"
                hint = QUEUE_EXAMPLE + suggestion(name, QUEUE_OPERATIONS)
                raise self.error(UNKNOWN_FIELD, message, node, hint)
            case Captured() | Location():
                owner = self.read(base, node.value)
                if owner.kind in (Kind.INTEGER, Kind.CONDITION):
                    what = f"`{ast.unparse(node.value)}` is a number and has no `{name}`"
                    if name in (*QUEUE_OPERATIONS, "popleft", "add", "remove", "put", "get"):
                        hint = "declare a queue: work = Queue(Int(0, 3), 4)"
                        raise self.error(MIXED_KINDS, what, node, hint)
                    raise self.mixed(what, node)
                return self._inside(owner, name, node)
            case _:
                assert_never(base)

    def _inside(self, owner: Captured, name: str, node: ast.Attribute) -> Denotation:
        """A field, embedded object, constant or routine of the object that `owner` names."""
        known = owner.expression.value if isinstance(owner.expression, Constant) else None
        thing = self.layout.things.get(str(known)) if known is not None else None
        if thing is not None:
            if name in thing.constants:
                return number(thing.constants[name])
            if name in thing.routines:
                return self._routine(thing.name, name)
        owners = self.layout.owners(name, owner.candidates)
        fields = [item for item in owners if name in item.fields]
        if fields:
            return Location(owner.expression, fields[0].fields[name])
        if owners and not fields:
            names = {item.name: item.members[name] for item in owners}
            inner = chosen_object(owner.expression, names)
            return Captured(Kind.NAME, inner, tuple(names.values()))
        raise self._no_field(owner, name, node)

    def _routine(self, owner: str, name: str) -> RoutineOf:
        thing = self.layout.things[owner]
        device = thing.type == "device"
        return RoutineOf(thing.routine_name(name), name, device, name in thing.events)

    def _no_field(self, owner: Captured, name: str, node: ast.Attribute) -> PatternError:
        things = self.layout.things
        among = [things[item] for item in owner.candidates or () if item in things]
        opaque = next((item for item in among if item.type not in LOOKED_INTO), None)
        shown = ast.unparse(node.value)
        if opaque is not None:
            return self.error(
                UNKNOWN_FIELD,
                f"`{shown}` is a {opaque.type}, which drivers do not look into",
                node,
                "use the kernel routines that take it",
            )
        names = {item for thing in among or things.values() for item in thing.names()}
        listed = ", ".join(sorted(names)[:12]) or "nothing"
        return self.error(
            UNKNOWN_FIELD,
            f"`{shown}` has no `{name}`",
            node,
            f"there is: {listed}{suggestion(name, names)}",
        )

    def _element(self, base: Denotation, index: ast.expr, node: ast.Subscript) -> Location:
        if not isinstance(base, Location) or not base.field.count or base.index is not None:
            raise self.error(
                EXPRESSION,
                f"`{ast.unparse(node)}` has an index, and only an Array field has elements",
                node,
                "declare ring = Array(Int(0, 3), 4) and write self.ring[i]",
            )
        if self.layout.is_queue(base.field):
            raise self.unsupported("an entry of a queue by its index", node, QUEUE_EXAMPLE)
        if isinstance(index, ast.Slice | ast.Tuple):
            raise self.unsupported("a slice", node, "name one element: self.ring[i]")
        return Location(base.object, base.field, self.integer(index))

    def mixed(self, message: str, node: ast.AST) -> PatternError:
        """Numbers and names do not mix."""
        hint = (
            "a pointer is compared with NULL, a number with numbers; neither turns into the other"
        )
        return self.error(MIXED_KINDS, message, node, hint)

    def pure(self, node: ast.expr) -> bool:
        """Whether capturing `node` adds no instruction: it reads nothing shared, calls nothing."""
        match node:
            case ast.Constant() | ast.Name():
                return True
            case ast.Attribute():
                return self._static(node)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                known = name not in self.locals and self.subject.names.get(name) is NT_SUCCESS
                return known and all(map(self.pure, arguments))
            case ast.BinOp(left=left, op=ast.FloorDiv() | ast.Mod()) if not _literal(left):
                return False  # what C asks of it is asserted
            case ast.BinOp(right=right, op=ast.LShift() | ast.RShift()) if not _literal(right):
                return False
            case ast.UnaryOp() | ast.BinOp() | ast.BoolOp() | ast.Compare() | ast.IfExp():
                parts = ast.iter_child_nodes(node)
                return all(self.pure(item) for item in parts if isinstance(item, ast.expr))
            case ast.Tuple() | ast.List() | ast.Set():
                return all(map(self.pure, node.elts))
            case _:
                return False

    def _static(self, node: ast.expr) -> bool:
        """Whether an attribute is an embedded object, a constant, a routine: never loaded."""
        if not isinstance(node, ast.Attribute):
            return isinstance(node, ast.Name)
        return self._static(node.value) and not isinstance(self.denote(node), Location)


def _literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant)
