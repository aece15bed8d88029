"""What constructs outside the driver language are called, and what to write instead."""

import ast

_EXPRESSIONS: dict[type[ast.expr], tuple[str, str]] = {
    ast.Lambda: ("a lambda", "make it a routine of the driver and pass self.Routine"),
    ast.ListComp: ("a comprehension", "write a for loop over range()"),
    ast.SetComp: ("a comprehension", "write a for loop over range()"),
    ast.DictComp: ("a comprehension", "write a for loop over range()"),
    ast.GeneratorExp: ("a comprehension", "write a for loop over range()"),
    ast.Await: ("await", "drivers wait with KeWaitForSingleObject"),
    ast.Yield: ("yield", "return the value, or make two routines"),
    ast.YieldFrom: ("yield", "return the value, or make two routines"),
    ast.NamedExpr: ("an assignment inside an expression", "assign in a statement of its own"),
    ast.Starred: ("a starred expression", "write the arguments out"),
    ast.Tuple: ("a tuple", "use one variable per value"),
    ast.List: ("a list", "declare an Array field"),
    ast.Dict: ("a dictionary", "declare an Array field or use if and elif"),
    ast.Set: ("a set", "use one Bit field per member, or a word of flags"),
    ast.JoinedStr: ("text", "use a number or a member of an IntEnum"),
    ast.Slice: ("a slice", "name one element: self.ring[i]"),
}

_STATEMENTS: dict[type[ast.stmt], tuple[str, str]] = {
    ast.Try: ("try", "a driver checks statuses: if not NT_SUCCESS(status): ..."),
    ast.TryStar: ("try", "a driver checks statuses: if not NT_SUCCESS(status): ..."),
    ast.Raise: ("raise", "return an error status, or state a claim with assert"),
    ast.With: ("with", "acquire and release in statements of their own"),
    ast.AsyncWith: ("with", "acquire and release in statements of their own"),
    ast.AsyncFor: ("async for", "write for i in range(n)"),
    ast.FunctionDef: ("a function inside a routine", "make it a routine of the driver"),
    ast.AsyncFunctionDef: ("a function inside a routine", "make it a routine of the driver"),
    ast.ClassDef: ("a class inside a routine", "move it to the module level"),
    ast.Global: ("global", "shared data is a field of the driver: self.name"),
    ast.Nonlocal: ("nonlocal", "shared data is a field of the driver: self.name"),
    ast.Import: ("import", "import at the top of the pattern"),
    ast.ImportFrom: ("import", "import at the top of the pattern"),
    ast.Delete: ("del", "assign NULL or 0 instead"),
    ast.Match: ("match", "write if and elif"),
}


def describe_expression(node: ast.expr) -> tuple[str, ast.AST, str]:
    """The expression's name, the expression, and what to write instead."""
    match node:
        case ast.Constant(value=float() | complex()):
            return "a number with a fraction", node, "use integers; a driver has no floating point"
        case ast.Constant(value=str() | bytes()):
            return "text", node, "use a number or a member of an IntEnum"
        case ast.Constant(value=None):
            return "None", node, "a null pointer is NULL"
        case ast.Constant():
            return "`...`", node, "write pass"
        case _:
            what, instead = _EXPRESSIONS.get(
                type(node), (f"`{ast.unparse(node)}`", "write it with plain C operators")
            )
            return what, node, instead


def describe_operator(operator: ast.operator, node: ast.AST) -> tuple[str, ast.AST, str]:
    """The operator's name, where it stands, and what to write instead."""
    match operator:
        case ast.Div():
            return "the operator `/`", node, "integers divide with //"
        case ast.Pow():
            return "the operator `**`", node, "write the power as a number, or shift with <<"
        case _:
            return "this operator", node, "write it with plain C operators"


def describe_statement(node: ast.stmt) -> tuple[str, str]:
    """The statement's name, and what to write instead."""
    keyword, instead = _STATEMENTS.get(
        type(node), (type(node).__name__.lower(), "use assignments, if, while, for and calls")
    )
    return (f"`{keyword}`" if " " not in keyword else keyword), instead


def instead_of_alone(value: ast.expr) -> str:
    """What an expression that stands alone was probably meant to be."""
    match value:
        case ast.UnaryOp(op=ast.UAdd(), operand=ast.UnaryOp(op=ast.UAdd(), operand=counted)):
            return f"C's ++x is written {ast.unparse(counted)} += 1"
        case ast.UnaryOp(op=ast.USub(), operand=ast.UnaryOp(op=ast.USub(), operand=counted)):
            return f"C's --x is written {ast.unparse(counted)} -= 1"
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            return f"to assign, write {ast.unparse(left)} = {ast.unparse(right)}"
        case ast.Attribute() | ast.Name():
            return f"to call it, write {ast.unparse(value)}(); else leave it out"
        case _:
            return "call it, assign it, or leave it out"
