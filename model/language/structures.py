"""Capturing what kernel routines take by address: fields, and local structures.

A local structure is a set of locals, one for each member: `params.FullySpecified.Irql`.
"""

import ast

from ..algebra import equal
from ..expr import Constant, Expression
from ..kernel.c_types import TIME, ZERO_TIME
from ..kernel.signature import Parameter, Passing
from ..kernel.stack_memory import BEGINS, ENDS
from ..routine import NULL, AddressOf, Argument, Assign, Call, Place
from .borders import refuse_lossy
from .errors import ARGUMENTS, EXPRESSION, STATEMENT, UNKNOWN_FIELD
from .kinds import Captured, Kind, LocalMember, Location, named
from .local_structures import structure_made, structure_name
from .suggest import suggestion
from .tables import STRUCTURES, TIME_MEMBERS, TIME_STRUCTURE, StructureName
from .teaching import MESSAGE_MEMBERS, no_messages
from .values import Values


class Structures(Values):
    """A frame that knows local structures."""

    def makes_local(self, targets: list[ast.expr], value: ast.expr, node: ast.stmt) -> bool:
        """`context = Request()`: a structure on the stack, which ends when the routine returns."""
        if structure_made(value, self.subject.names) is None:
            return False
        hint = "declare it once, in a statement of its own at the beginning: context = Request()"
        match targets, value:
            case [ast.Name(id=local)], ast.Call(args=[], keywords=[]):
                name = structure_name(self.subject.name, local)
            case _:
                raise self.error(STATEMENT, "a structure of the stack needs a local", node, hint)
        if self.subject.thing.type != "driver" or self.subject.name in self.layout.driver.claims:
            message = "only a routine of the driver has a structure on its stack"
            raise self.error(STATEMENT, message, node, "use locals that are numbers")
        if node not in self.subject.node.body or name in self.on_stack:
            message = f"the structure `{local}` is declared in a branch or loop, or twice"
            raise self.error(STATEMENT, message, node, hint)
        self.on_stack.append(name)
        self.learn(local, Kind.NAME)
        self.graph.add(Call(local, Constant(BEGINS), (Constant(name),)))
        return True

    def leave(self) -> None:
        """The structures on the stack of the routine go away."""
        for name in reversed(self.on_stack):
            self.graph.add(Call(None, Constant(ENDS), (Constant(name),)))

    def declare_structure(
        self, local: str, structure: StructureName, first: ast.expr | None = None
    ) -> None:
        """`params = IO_...()`: every member that the routine names gets its default.

        A time may begin with a value: `timeout = LARGE_INTEGER(-10)`.
        """
        self.structures[local] = structure.name
        if structure.name == TIME_STRUCTURE:
            begins = Constant(0) if first is None else self.integer(first)
            self.graph.add(Assign(f"{local}.{TIME_MEMBERS[0].name}", begins))
            return
        for member in self.tables.members(structure.name):
            name = f"{local}.{member.name}"
            if name in self.assigned:
                self.graph.add(Assign(name, Constant(default_of(member))))

    def member_value(self, found: LocalMember, node: ast.expr) -> Captured:
        """What `params.Member = node` assigns: an address for a member that takes one."""
        member = next(item for item in self.tables.members(found.type) if item.name == found.path)
        if member.passing is not Passing.ADDRESS:
            value = self.value(node)
            what = f"{found.path} of {found.type}"
            refuse_lossy(self, node, value, member.type, what)
            return value
        address, _ = self.address(member, node)
        if not isinstance(address, AddressOf):
            return Captured(Kind.NAME, Constant(NULL))
        owner = address.place.object
        if not isinstance(owner, Constant) or address.place.index is not None:
            raise self.error(
                ARGUMENTS,
                f"{found.path} takes the address of a field that is known here",
                node,
                "name a field of the driver: self.Interrupt",
            )
        return Captured(Kind.NAME, Constant(_address_name(address.place)))

    def check_member(self, found: LocalMember, node: ast.AST, *, whole: bool) -> None:
        """Refuse a path that is no member of the structure, or (if not `whole`) leads to none."""
        names = [item.name for item in self.tables.members(found.type)]
        if found.path in names:
            return
        if not whole and any(name.startswith(f"{found.path}.") for name in names):
            return
        if any(part in MESSAGE_MEMBERS for part in found.path.split(".")):
            raise self.error(EXPRESSION, *no_messages(found.path, node))
        near = suggestion(found.path, names)
        shown = ", ".join(names) if not near else f"{', '.join(names[:6])}, ..."
        raise self.error(
            UNKNOWN_FIELD, f"{found.type} has no `{found.path}`", node, f"it has {shown}{near}"
        )

    def takers(self, structure: str) -> tuple[str, ...]:
        """The kernel routines that take this type of structure."""
        return STRUCTURES.get(structure, ())

    def time(self, quad_part: Expression) -> Captured:
        """The address of a time: of one of zero, or of some other."""
        if isinstance(quad_part, Constant):
            return named(TIME if quad_part.value else ZERO_TIME)
        target = self.temporary()
        zero, other = self.graph.branch(equal(quad_part, Constant(0)))
        self.graph.loose = zero
        self.graph.add(Assign(target, Constant(ZERO_TIME)))
        after, self.graph.loose = self.graph.loose, other
        self.graph.add(Assign(target, Constant(TIME)))
        self.graph.loose += after
        return Captured(Kind.NAME, self.local(target).expression, (ZERO_TIME, TIME))

    @property
    def assigned(self) -> set[str]:
        """The members of local structures that the routine names: `params.Version`."""
        return {
            ast.unparse(node)
            for node in ast.walk(self.subject.node)
            if isinstance(node, ast.Attribute)
        }

    def address(
        self, parameter: Parameter, given: ast.expr | None
    ) -> tuple[AddressOf | Constant, Kind]:
        """An address, and the kind of what lies there."""
        if given is None:
            return Constant(default_of(parameter)), Kind.UNKNOWN
        found = self.denote(given)
        if isinstance(found, Location):
            return AddressOf(self.place(found, given)), found.kind
        if isinstance(found, Captured) and found.expression in (Constant(NULL), Constant(0)):
            return Constant(NULL), Kind.UNKNOWN
        raise self.error(
            ARGUMENTS,
            f"{parameter.name} takes the address of a field, and `{ast.unparse(given)}` is none",
            given,
            "name a field: self.count for &Extension->count; a local has no address that others "
            "could see",
        )

    def structure_arguments(
        self, parameter: Parameter, given: ast.expr | None, node: ast.Call
    ) -> list[Argument]:
        """One argument for each member, in order."""
        found = self.denote(given) if given is not None else None
        called = ast.unparse(node.func)
        wanted = next((name for name, takers in STRUCTURES.items() if called in takers), "")
        if not isinstance(found, LocalMember) or found.path or found.type != wanted:
            raise self.error(
                ARGUMENTS,
                f"{parameter.name} needs a local structure {wanted}",
                given or node,
                f"params = {wanted}(), then params.Member = value, then pass params",
            )
        assigned = {f"{found.local}.{item.name}" for item in parameter.members} & self.assigned
        return [
            self.local(f"{found.local}.{item.name}").expression
            if f"{found.local}.{item.name}" in assigned
            else Constant(default_of(item))
            for item in parameter.members
        ]


def default_of(parameter: Parameter) -> int | str:
    """What a parameter or member left out has: structures are zeroed first."""
    if parameter.default is not None:
        return parameter.default
    return NULL if parameter.passing is Passing.ADDRESS else 0


def _address_name(place: Place) -> str:
    """How an address is written as a value: `&driver.Interrupt`."""
    owner = place.object
    return f"&{owner.value if isinstance(owner, Constant) else ''}.{place.field}"
