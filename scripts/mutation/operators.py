"""The small faults: every place in a module's source where one can be put, and what to write there instead.

Left alone, because a fault there says nothing about the tests: strings (words for people), annotations, docstrings,
match patterns, the options of dataclasses and their fields, `__all__`, and whatever only the type checker or a
command line runs.
"""

import ast
import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Mutant:
    """One fault in one module.

    Attributes:
        module: Dotted name of the module.
        operator: What kind of fault, in a word or two.
        start: Line (from 1) and column (in bytes, from 0) of the first character replaced.
        end: The same for the character after the last.
        replacement: What stands there instead. Holds as many line ends as what it replaces, so that all other
            lines keep their numbers.
        lines: The lines of which at least one runs whenever the fault can matter: first and last.
        in_function: Whether it lies in a function's body. Elsewhere it acts when the module is imported.
    """

    module: str
    operator: str
    start: tuple[int, int]
    end: tuple[int, int]
    replacement: str
    lines: tuple[int, int]
    in_function: bool

    def applied_to(self, source: str) -> str:
        """The module's source with the fault in it."""
        lines = source.encode().splitlines(keepends=True)
        first, last = self.start[0] - 1, self.end[0] - 1
        head, tail = lines[first][: self.start[1]], lines[last][self.end[1] :]
        lines[first : last + 1] = [head + self.replacement.encode() + tail]
        return b"".join(lines).decode()

    def diff(self, source: str, path: str) -> str:
        """The fault as lines of a unified diff, without context."""
        before, after = source.splitlines(), self.applied_to(source).splitlines()
        lines = list(difflib.unified_diff(before, after, path, path, n=0, lineterm=""))[2:]
        shown = [line for line in lines if line.rstrip() not in {"+", "+)"}]
        return "\n".join([f"{path}:{self.start[0]}: {self.operator}", *shown])


_COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_CALLS: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
_COPIES: Final = {"replace", "_replace"}
"""Calls that copy a value with some fields changed: to forget a field is the fault that goes unnoticed there."""

_COUNTS_BELOW: Final = 100
"""Whole numbers below it are taken for counts and put off by one; others are measures: doubled and halved."""


class _Finder:
    """Walks a module's tree and collects its mutants."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.found: dict[tuple[tuple[int, int], tuple[int, int], str], Mutant] = {}
        self._in_function = False
        self._lines = (0, 0)
        self._returns: ast.expr | None = None

    # -- what is visited -------------------------------------------------------------------------------------

    def body(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            if not _not_tested_here(statement):
                self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        self._lines = (node.lineno, node.end_lineno or node.lineno)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.function(node)
            case ast.ClassDef():
                self.body(node.body)
            case ast.If(test=test):
                self.header(test, condition=True)
                self.body(node.body)
                self.body(node.orelse)
            case ast.While(test=test):
                self.header(test)
                self.body(node.body)
                self.body(node.orelse)
            case ast.For() | ast.AsyncFor():
                self.header(node.iter)
                self.body(node.body)
                self.body(node.orelse)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self.header(item.context_expr)
                self.body(node.body)
            case ast.Try() | ast.TryStar():
                self.body(node.body)
                for handler in node.handlers:
                    self.body(handler.body)
                self.body(node.orelse)
                self.body(node.finalbody)
            case ast.Match():
                self.header(node.subject)
                for case in node.cases:
                    if case.guard:
                        self.header(case.guard, condition=True)
                    self.body(case.body)
            case _:
                self.simple(node)

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]:
            self.header(part)
        outer = self._in_function, self._returns
        self._in_function, self._returns = True, node.returns
        self.body(node.body)
        self._in_function, self._returns = outer

    def header(self, node: ast.expr, *, condition: bool = False) -> None:
        """An expression that stands in front of a block: only its own lines tell whether it ran."""
        self._lines = (node.lineno, node.end_lineno or node.lineno)
        if condition:
            self.negate(node)
        self.expressions(node)

    def simple(self, node: ast.stmt) -> None:
        """A statement without a block in it."""
        match node:
            case ast.Return(value=ast.expr() as value):
                self.returned(value)
            case ast.AugAssign(op=op) if type(op) in _ARITHMETIC:
                self.delete(node)
                other = ast.AugAssign(node.target, _ARITHMETIC[type(op)](), node.value)
                self.add("arithmetic", node, ast.unparse(other))
            case ast.Expr(value=ast.Call() | ast.Await() | ast.Yield() | ast.YieldFrom()):
                self.delete(node)
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
                self.delete(node)
            case ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break() | ast.Delete() | ast.Return():
                self.delete(node)
            case _:
                pass
        self.expressions(node)

    def expressions(self, node: ast.AST) -> None:
        """This node's own faults, then those of what lies in it."""
        match node:
            case ast.JoinedStr():  # Python 3.11 does not know where the parts of an f-string stand
                return
            case ast.AnnAssign():
                if node.value:
                    self.expressions(node.value)
                return
            case ast.Lambda():
                outer, self._in_function = self._in_function, True
                self.expressions(node.body)
                self._in_function = outer
                return
            case ast.Subscript(value=ast.Name(id="Literal")) | ast.Call(func=ast.Name(id="field" | "Field")):
                return
            case ast.Compare():
                self.comparison(node)
            case ast.BinOp(op=op) if type(op) in _ARITHMETIC and not _is_a_union(node):
                other = ast.BinOp(node.left, _ARITHMETIC[type(op)](), node.right)
                self.add("arithmetic", node, ast.unparse(other))
            case ast.BoolOp():
                flipped = ast.Or() if isinstance(node.op, ast.And) else ast.And()
                self.add("and/or", node, ast.unparse(ast.BoolOp(flipped, node.values)))
            case ast.UnaryOp(op=ast.Not()):
                self.add("not", node, ast.unparse(node.operand))
            case ast.IfExp():
                self.negate(node.test)
            case ast.comprehension():
                for test in node.ifs:
                    self.negate(test)
            case ast.Constant():
                self.constant(node)
            case ast.Call():
                self.call(node)
            case ast.Set() | ast.List(ctx=ast.Load()) if not (self._in_function and _only_words(node.elts)):
                self.drop(node.elts, node.elts)
            case ast.Dict(keys=keys) if not self._in_function and None not in keys:
                self.drop([key for key in keys if key], node.values)
            case _:
                pass
        for child in ast.iter_child_nodes(node):
            self.expressions(child)

    # -- the faults ------------------------------------------------------------------------------------------

    def comparison(self, node: ast.Compare) -> None:
        for index, op in enumerate(node.ops):
            for kind in _COMPARISONS[type(op)]:
                ops = [*node.ops[:index], kind(), *node.ops[index + 1 :]]
                self.add("comparison", node, ast.unparse(ast.Compare(node.left, ops, node.comparators)))

    def negate(self, test: ast.expr) -> None:
        """The two branches change places. A single comparison and a `not` are turned round elsewhere."""
        if isinstance(test, ast.UnaryOp) or (isinstance(test, ast.Compare) and len(test.ops) == 1):
            return
        self.add("branches swapped", test, f"not ({ast.unparse(test)})")

    def returned(self, value: ast.expr) -> None:
        if isinstance(value, ast.Constant):
            return
        is_bool = isinstance(self._returns, ast.Name) and self._returns.id == "bool"
        for other in ("True", "False") if is_bool else ("None",):
            self.add("return value", value, other)

    def constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self.add("constant", node, str(not value))
        elif isinstance(value, int | float):
            small = value == 0 or (isinstance(value, int) and abs(value) < _COUNTS_BELOW)
            for other in (value + 1, value - 1) if small else (value * 2, type(value)(value / 2)):
                self.add("constant", node, repr(other))

    def call(self, node: ast.Call) -> None:
        match node.func:
            case ast.Name(id=name) if name in _CALLS:
                self.add("min/max, any/all", node.func, _CALLS[name])
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in _COPIES:
                for keyword in node.keywords:
                    rest = [other for other in node.keywords if other is not keyword]
                    self.add("field not set", node, ast.unparse(ast.Call(node.func, node.args, rest)))
            case _:
                pass

    def drop(self, firsts: Sequence[ast.expr], lasts: Sequence[ast.expr]) -> None:
        """One element is missing. Each runs from one of `firsts` to the one of `lasts` at the same index."""
        for index in range(len(firsts) if len(firsts) > 1 else 0):
            if index + 1 < len(firsts):
                start, end = _start(firsts[index]), _start(firsts[index + 1])
            else:
                start, end = _end(lasts[index - 1]), _end(lasts[index])
            self.put("element dropped", start, end, "")

    def delete(self, node: ast.stmt) -> None:
        self.add("statement deleted", node, "pass")

    def add(self, operator: str, node: ast.expr | ast.stmt, text: str) -> None:
        if isinstance(node, ast.expr) and _start(node)[0] != _end(node)[0]:
            text = f"({text})"
        self.put(operator, _start(node), _end(node), text)

    def put(self, operator: str, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        line_ends = "\n" * (end[0] - start[0])
        text = f"{text[:-1]}{line_ends})" if text.endswith(")") and line_ends else text + line_ends
        mutant = Mutant(self.module, operator, start, end, text, self._lines, self._in_function)
        self.found.setdefault((start, end, text), mutant)


def _start(node: ast.expr | ast.stmt) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _end(node: ast.expr | ast.stmt) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or 0


def _only_words(elements: Sequence[ast.expr]) -> bool:
    """Whether these are the lines of a text: strings, with values in some."""
    return all(
        isinstance(one, ast.JoinedStr) or isinstance(getattr(one, "value", 0), str) for one in elements
    )


def _is_a_union(node: ast.BinOp) -> bool:
    """Whether this `|` joins types, as in `isinstance(value, int | Turn)`."""

    def is_type(side: ast.expr) -> bool:
        name = side.id if isinstance(side, ast.Name) else side.attr if isinstance(side, ast.Attribute) else ""
        none = isinstance(side, ast.Constant) and side.value is None
        return (
            none
            or name in {"int", "float", "str", "bytes", "bool"}
            or (name[:1].isupper() and not name.isupper())
        )

    return isinstance(node.op, ast.BitOr) and (is_type(node.left) or is_type(node.right))


_NOT_TESTED_HERE: Final[tuple[Callable[[ast.stmt], bool], ...]] = (
    lambda node: isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"),
    lambda node: isinstance(node, ast.If) and ast.unparse(node.test).startswith("__name__ =="),
    lambda node: isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in {"__all__", "__slots__"},
    lambda node: isinstance(node, ast.Expr) and ast.unparse(node).startswith("assert_never("),
    lambda node: (
        isinstance(node, ast.FunctionDef) and any("overload" in ast.unparse(d) for d in node.decorator_list)
    ),
    lambda node: (
        isinstance(node, ast.ClassDef) and any(ast.unparse(b).startswith("Protocol") for b in node.bases)
    ),
)


def _not_tested_here(node: ast.stmt) -> bool:
    return any(test(node) for test in _NOT_TESTED_HERE)


def mutants(module: str, source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its source."""
    finder = _Finder(module)
    finder.body(ast.parse(source).body)
    return sorted(finder.found.values(), key=lambda one: (one.start, one.end, one.replacement))


def makes_a_difference(mutant: Mutant, source: str) -> bool:
    """Whether the module with the fault in it is a program, and another one than without."""
    try:
        return ast.dump(ast.parse(mutant.applied_to(source))) != ast.dump(ast.parse(source))
    except SyntaxError:  # an element's own brackets do not belong to its place
        return False
