"""Capturing statements."""

import ast

from ..algebra import arithmetic, less, variables_of
from ..domain import Range
from ..expr import Constant, Expression, Read
from ..routine import NULL, Assert, Assign, Load, Return, Store
from .calls import Calls
from .declarations import Number, Structure
from .definite import ended
from .errors import ASSIGNMENT, DECLARATION, EXPRESSION, STATEMENT, PatternError
from .evaluation import FAILS, Scope
from .frame import Loop
from .graph import Edges
from .kinds import Captured, Kind, LocalMember, Location, RoutineOf, named
from .plain import EvaluationError
from .reading import evaluator_in
from .slips import mentioned_outside
from .tables import TIME_STRUCTURE, StructureName
from .wording import describe_statement, instead_of_alone

_RANGE_BOUNDS = 3


class Statements(Calls):
    """A frame that can capture statements, and so whole routines."""

    def capture(self) -> None:
        """Capture the routine's body."""
        for argument in self.subject.node.args.args:
            if argument.annotation is not None and argument.arg in self.parameters:
                self._declare(argument.arg, argument.annotation)
        self.block(_without_docstring(self.subject.node.body))
        self.at(self.subject.node)
        if self.graph.loose:
            self.leave()
        self.nodes = self.graph.finish()

    def block(self, body: list[ast.stmt]) -> None:
        """Capture statements in order."""
        for node in body:
            self.updating, self.update_started = "", False
            self.at(node)
            self.statement(node)

    def statement(self, node: ast.stmt) -> None:
        """Capture one statement."""
        match node:
            case ast.Pass():
                pass
            case ast.Assign(targets=targets, value=value):
                self._assign(targets, value, node)
            case ast.AugAssign(target=target, op=operator, value=value):
                self._augmented(target, operator, value, node)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                self._declare(name, annotation)
                if value is not None:
                    self._assign([node.target], value, node)
            case ast.AnnAssign():
                raise self.error(
                    STATEMENT, "only a local can be declared here", node, "n: Int(0, 3) = 0"
                )
            case ast.Expr(value=ast.Call() as called):
                self.call(called, None)
            case ast.Expr(value=value):
                raise self.error(
                    STATEMENT,
                    f"`{ast.unparse(value)}` alone does nothing",
                    node,
                    instead_of_alone(value),
                )
            case ast.If():
                self._if(node)
            case ast.While():
                self._while(node)
            case ast.For():
                self._for(node)
            case ast.Break():
                self.loops[-1].breaks += self.graph.loose
                self.graph.loose = []
            case ast.Continue():
                self.loops[-1].continues += self.graph.loose
                self.graph.loose = []
            case ast.Return(value=value):
                self._return(value)
            case ast.Assert(test=test, msg=message):
                self._assert(test, message)
            case _:
                what, instead = describe_statement(node)
                raise self.error(STATEMENT, f"{what} is outside the driver language", node, instead)

    # Assignments

    def _assign(self, targets: list[ast.expr], value: ast.expr, node: ast.stmt) -> None:
        if self.makes_local(targets, value, node):
            return
        structure = self._new_structure(value)
        if structure is not None:
            match targets:
                case [ast.Name(id=name)]:
                    first = value.args[0] if isinstance(value, ast.Call) and value.args else None
                    self.declare_structure(name, structure, first)
                    return
                case _:
                    hint = f"params = {structure.name}()"
                    raise self.error(STATEMENT, "a structure needs a local", node, hint)
        if len(targets) == 1 and isinstance(targets[0], ast.Name):
            self._check_local(targets[0])
            self.value_into(targets[0].id, value)
            return
        first = targets[0]
        if len(targets) == 1 and isinstance(first, ast.Attribute):
            member = self._member(first)
            if member is not None:
                name = f"{member.local}.{member.path}"
                found = self.member_value(member, value)
                self.learn(name, found.stored_kind)
                self.graph.add(Assign(name, found.value))
                return
        self.updating = ast.unparse(targets[0]) if len(targets) == 1 else ""
        found = self.value(value)
        completes, self.updating = self.update_started, ""
        changed = {target.id for target in targets if isinstance(target, ast.Name)}
        if len(targets) > 1 and changed & set(variables_of(found.expression)):
            kept = self.temporary()  # n = self.count = n + 1: the value is computed once
            self.graph.add(Assign(kept, found.value))
            found = Captured(found.stored_kind, Read(kept), found.candidates)
        for target in targets:
            self._store(target, found, completes=completes)

    def _new_structure(self, value: ast.expr) -> StructureName | None:
        match value:
            case ast.Call(func=ast.Name(id=name) as function) if name not in self.locals:
                found = self.subject.names.get(name)
                if isinstance(found, StructureName):
                    most = 1 if name == TIME_STRUCTURE else 0
                    if len(value.args) > most or value.keywords:
                        raise self.error(
                            EXPRESSION,
                            f"{name} is made empty",
                            function,
                            f"params = {name}(), then params.Member = value",
                        )
                    return found
            case _:
                pass
        return None

    def _member(self, target: ast.Attribute) -> LocalMember | None:
        root: ast.expr = target
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name) or root.id not in self.structures:
            return None
        found = self.denote(target)
        if isinstance(found, LocalMember):
            self.check_member(found, target, whole=True)
            return found
        return None

    def _check_local(self, target: ast.Name) -> None:
        if target.id == self.self_name:
            raise self.error(
                ASSIGNMENT, f"`{target.id}` cannot be assigned", target, "use another name"
            )
        if target.id in self.structures:
            raise self.error(
                ASSIGNMENT,
                f"`{target.id}` is a local structure",
                target,
                "assign its members, or use another name",
            )

    def _store(self, target: ast.expr, found: Captured, *, completes: bool) -> None:
        if isinstance(target, ast.Name):
            self._check_local(target)
            self.learn(target.id, found.stored_kind)
            self.graph.add(Assign(target.id, found.value))
            return
        location = self._target(target)
        if location.kind is Kind.NAME and found.expression == Constant(0):
            found = named(NULL)
        self._check_kind(location, found, target)
        self.graph.add(Store(self.place(location, target), found.value, completes))

    def _target(self, target: ast.expr) -> Location:
        if not isinstance(target, ast.Attribute | ast.Subscript):
            raise self.unsupported(
                "assigning to several targets at once", target, "write one assignment for each"
            )
        found = self.denote(target)
        if isinstance(found, Location):
            return found
        raise self._not_assignable(target, found)

    def _not_assignable(self, target: ast.expr, found: object) -> PatternError:
        shown = ast.unparse(target)
        match found:
            case RoutineOf():
                what, hint = "a routine", "a callback that changes is a RoutineReference field"
            case Captured(kind=Kind.NAME):
                what = "an embedded object"
                hint = "it stays where it is; a pointer to such a thing is a Reference field"
            case Captured():
                what, hint = "a constant", "declare a field: name = Int(0, 7)"
            case _:
                what, hint = "no field", "assign to a local or to a field of self"
        return self.error(ASSIGNMENT, f"`{shown}` is {what}: it cannot be assigned", target, hint)

    def _check_kind(self, location: Location, found: Captured, node: ast.AST) -> None:
        wanted, given = location.kind, found.stored_kind
        if given not in (wanted, Kind.UNKNOWN):
            raise self.mixed(
                f"`{location.field.name}` holds {wanted.value}, not {given.value}", node
            )

    def _augmented(
        self, target: ast.expr, operator: ast.operator, value: ast.expr, node: ast.stmt
    ) -> None:
        if isinstance(target, ast.Name):
            self._check_local(target)
            left = self.integer(ast.copy_location(ast.Name(target.id, ast.Load()), target))
            result = self.operation(operator, left, self.integer(value), node)
            self.learn(target.id, Kind.INTEGER)
            self.graph.add(Assign(target.id, result.value))
            return
        if isinstance(target, ast.Attribute):
            member = self._member(target)
            if member is not None:
                name = f"{member.local}.{member.path}"
                result = self.operation(operator, Read(name), self.integer(value), node)
                self.graph.add(Assign(name, result.value))
                return
        location = self._target(target)
        self._check_kind(location, Captured(Kind.INTEGER, Constant(0)), target)
        place = self.place(location, target)
        old = self.temporary()
        self.graph.add(Load(old, place, starts_update=True))
        result = self.operation(operator, Read(old), self.integer(value), node)
        self.graph.add(Store(place, result.value, completes_update=True))

    def _declare(self, name: str, annotation: ast.expr) -> None:
        """`n: Int(0, 3)` gives a local its domain; other annotations are for the reader."""
        meant = annotation
        try:
            if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
                meant = ast.parse(annotation.value, mode="eval").body
            found = evaluator_in(self.source).value(meant, Scope(dict(self.subject.names)))
        except (EvaluationError, SyntaxError, ValueError) as problem:
            said = problem.message if isinstance(problem, EvaluationError) else "it is not Python"
            raise self.error(
                DECLARATION,
                f"the annotation of `{name}` has no meaning: {said.removeprefix(FAILS)}",
                annotation,
                f"{name}: Int(0, 3)",
            ) from None
        if isinstance(found, Number):
            self._only_bounds(name, found, annotation)
            self.domains[name] = Range(found.low, found.high)
            self.learn(name, Kind.INTEGER)
        elif isinstance(found, type) and issubclass(found, Structure):
            self.learn(name, Kind.NAME)

    def _only_bounds(self, name: str, found: Number, annotation: ast.expr) -> None:
        """A local has bounds, one pair of them, and neither wraps nor sticks."""
        bounds = Range(found.low, found.high)
        if self.domains.get(name, bounds) != bounds:
            what, hint = "is declared twice", "declare it once, with bounds that fit all its values"
        elif found.wrapping or found.saturating:
            what, hint = "has bounds only", "what wraps or sticks at its bound is a field"
        else:
            return
        raise self.error(DECLARATION, f"the local `{name}` {what}", annotation, hint)

    # Control flow

    def _if(self, node: ast.If) -> None:
        self.at(node.test)
        holds, fails = self.branch(node.test)
        self.graph.loose = holds
        self.block(node.body)
        after, self.graph.loose = self.graph.loose, fails
        self.block(node.orelse)
        self.graph.loose += after

    def _while(self, node: ast.While) -> None:
        self._no_else(node.orelse)
        head = self.graph.here
        self.at(node.test)
        holds, fails = self.branch(node.test)
        loop = self._body(node.body, holds)
        self.graph.link([*self.graph.loose, *loop.continues], head)
        self.graph.loose = [*fails, *loop.breaks]

    def _body(self, body: list[ast.stmt], entry: Edges) -> Loop:
        loop = Loop([], [])
        self.loops.append(loop)
        self.graph.loose = entry
        self.block(body)
        self.loops.pop()
        return loop

    def _for(self, node: ast.For) -> None:
        """`for i in range(low, high, step)` is C's `for (i = low; i < high; i += step)`."""
        self._no_else(node.orelse)
        low, high, step = self._bounds(node)
        if not isinstance(node.target, ast.Name):
            raise self.unsupported("this loop variable", node.target, "for i in range(n)")
        self._check_local(node.target)
        name = node.target.id
        self.learn(name, Kind.INTEGER)
        if not isinstance(high, Constant):
            limit = self.temporary()
            self.graph.add(Assign(limit, high))
            high = Read(limit)
        self.graph.add(Assign(name, low))
        head = self.graph.here
        going = less(Read(name), high) if step > 0 else less(high, Read(name))
        holds, fails = self.graph.branch(going)
        loop = self._body(node.body, holds)
        self.graph.loose += loop.continues
        self.at(node)
        self.graph.add(Assign(name, arithmetic("+", Read(name), Constant(step))))
        self.graph.link(self.graph.loose, head)
        self.graph.loose = fails
        if mentioned_outside(self.subject.node, node, name):
            self.graph.add(Assign(ended(name), Constant(0)))
        self.graph.loose += loop.breaks

    def _bounds(self, node: ast.For) -> tuple[Expression, Expression, int]:
        match node.iter:
            case ast.Call(func=ast.Name(id="range"), args=bounds, keywords=[]) if (
                1 <= len(bounds) <= _RANGE_BOUNDS
            ):
                found = [self.integer(item) for item in bounds]
            case _:
                raise self.unsupported(
                    "a loop over anything but range()", node.iter, "for i in range(n)"
                )
        if len(found) == 1:
            return Constant(0), found[0], 1
        step = found[2] if len(found) == _RANGE_BOUNDS else Constant(1)
        if not isinstance(step, Constant) or not step.value:
            raise self.unsupported(
                "a loop whose step is not a known number", node.iter, "for i in range(0, n, 2)"
            )
        return found[0], found[1], int(step.value)

    def _no_else(self, orelse: list[ast.stmt]) -> None:
        if orelse:
            raise self.error(
                STATEMENT,
                "`else` of a loop is outside the driver language",
                orelse[0],
                "put it after the loop, behind an if",
            )

    def _return(self, value: ast.expr | None) -> None:
        if value is None:
            self.leave()
            self.graph.end()
            return
        found = self.value(value)
        routine = found.expression.value if isinstance(found.expression, Constant) else 0
        if self.around.parameters.get(str(routine)) == ():
            shown = ast.unparse(value)
            what = f"`{shown}` is the routine itself, not what it returns"
            raise self.error(EXPRESSION, what, value, f"to call it, write {shown}()")
        self.around.knowledge.learn_result(self.subject.name, found.stored_kind)
        self.leave()
        self.graph.add(Return(found.value))

    def _assert(self, test: ast.expr, message: ast.expr | None) -> None:
        match message:
            case None:
                detail = ast.unparse(test)
            case ast.Constant(value=str(detail)):
                pass
            case _:
                raise self.unsupported(
                    "a computed text", message, 'assert condition, "what should be true"'
                )
        self.graph.add(Assert(self.condition(test), detail))


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            return rest
        case _:
            return body
