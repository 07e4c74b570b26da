"""Expressions as documents: where parentheses are needed, where blanks stand, where lines may break."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from nasdsl.syntax import ast
from nasdsl.syntax.document import Brackets, Chain, Doc, Leaf, Row, Space

# How strongly operators bind, weakest first; the levels of the grammar.
CONDITIONAL, OR, AND, NOT, COMPARISON, PIPE, RANGE, ADDITIVE, TERM, FACTOR, POWER, POSTFIX, ATOM = range(13)

_BINARY = {
    "or": OR, "and": AND, "+": ADDITIVE, "-": ADDITIVE, "*": TERM, "/": TERM, "^": POWER,
    "==": COMPARISON, "!=": COMPARISON, "<": COMPARISON, "<=": COMPARISON, ">": COMPARISON, ">=": COMPARISON,
    "in": COMPARISON,
}  # fmt: skip
_LOOSE, _INDEX, _CLOSE = range(3)
"""How near operands stand: as usual; in an index, `y[i+1]`; in a range or exponent, `0..2*f(n)-1`."""


def level(node: ast.Expression) -> int:
    """How strongly the outermost operator of an expression binds."""
    match node:
        case ast.Conditional():
            return CONDITIONAL
        case ast.Binary():
            return _BINARY[node.operator]
        case ast.Unary():
            return NOT if node.operator == "not" else FACTOR
        case ast.Pipe():
            return PIPE
        case ast.Range():
            return RANGE
        case ast.Call() | ast.Subscript() | ast.Attribute():
            return POSTFIX
    return ATOM


def separated(items: Sequence[Doc]) -> list[Doc]:
    """The items, each but the last with its comma."""
    return [Row(item, Leaf(",")) for item in items[:-1]] + list(items[-1:])


def digits(value: Fraction) -> str:
    """A number as it is written: all its digits.

    Raises:
        ValueError: It has no end, like 1/3, or is negative; such a number is an expression.

    >>> digits(Fraction(83, 10)), digits(Fraction(4))
    ('8.3', '4')
    """
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
        if value.denominator % 2**places and value.denominator % 5**places:
            raise ValueError(f"{value} has no end as a decimal number")
    if value < 0:
        raise ValueError(f"{value} is negative")
    whole = str(int(value * 10**places)).rjust(places + 1, "0")
    return f"{whole[: len(whole) - places]}.{whole[len(whole) - places :]}" if places else whole


class Expressions:
    """Documents of expressions.

    Args:
        grouped: Spans of the operands whose parentheses are kept although they are not needed.
    """

    def __init__(self, grouped: frozenset[tuple[int, int]]) -> None:
        self._grouped = grouped

    def expression(self, node: ast.Expression, *, tight: int = _LOOSE) -> Doc:
        """An expression that no operator surrounds."""
        return self.operand(node, CONDITIONAL, tight)

    def operand(self, node: ast.Expression, least: int, tight: int = _LOOSE) -> Doc:
        """An expression where only operators may stand that bind at least so strongly; else in parentheses."""
        own = level(node)
        if own < least or (least and self._is_grouped(node)):
            return Brackets("(", [self._bare(node, tight)], ")")
        return self._bare(node, tight)

    def _is_grouped(self, node: ast.Expression) -> bool:
        return level(node) < POSTFIX and (node.span.start, node.span.end) in self._grouped

    def index(self, items: Sequence[ast.Expression]) -> Doc:
        """`[a, b]` after a name."""
        return Brackets("[", separated([self.expression(item, tight=_INDEX) for item in items]), "]")

    def argument(self, node: ast.Argument) -> Doc:
        """An argument, with its name if it has one."""
        name = [Leaf(node.name), Space(), Leaf("="), Space()] if node.name else []
        return Row(*name, self.expression(node.value))

    def generator(self, node: ast.Generator) -> Doc:
        """`for names in domain when guard`."""
        names: Doc = Leaf(node.names[0])
        if len(node.names) > 1:
            names = Brackets("(", separated([Leaf(name) for name in node.names]), ")")
        guard = [] if node.guard is None else [Space(), Leaf("when"), Space(), self.expression(node.guard)]
        return Row(Leaf("for"), Space(), names, Space(), Leaf("in"), Space(), self.expression(node.domain), *guard)

    def _bare(self, node: ast.Expression, tight: int) -> Doc:
        match node:
            case ast.Name():
                return Leaf(node.text)
            case ast.Number():
                return Leaf(digits(node.value))
            case ast.Quantity():
                return Leaf(f"{digits(node.value)} {node.unit}")
            case ast.Text():
                return Leaf(f'"{node.value}"')
            case ast.Sequence():
                padded = node.brackets == "{}" and any(isinstance(item, ast.Sequence) for item in node.items)
                items = separated([self.expression(item) for item in node.items])
                return Brackets(node.brackets[0], items, node.brackets[1], padded=padded)
            case ast.Call():
                items = separated([self.argument(item) for item in node.arguments])
                if node.generator:
                    items.append(self.generator(node.generator))
                return Row(self.operand(node.function, POSTFIX), Brackets("(", items, ")"))
            case ast.Subscript():
                return Row(self.operand(node.base, POSTFIX), self.index(node.index))
            case ast.Attribute():
                return Row(self.operand(node.base, POSTFIX), Leaf("."), Leaf(node.name))
            case ast.Range():
                dots = Leaf("..=" if node.inclusive else "..")
                return Row(self.operand(node.low, ADDITIVE, _CLOSE), dots, self.operand(node.high, ADDITIVE, _CLOSE))
            case ast.Unary():
                blank = [Space()] if node.operator == "not" else []
                return Row(Leaf(node.operator), *blank, self.operand(node.operand, level(node), tight))
            case ast.Conditional():
                return self._conditional(node)
            case ast.Pipe() | ast.Binary():
                return self._operation(node, tight)

    def _conditional(self, node: ast.Conditional) -> Doc:
        head = self.operand(node.then, OR)
        links: list[Doc] = []
        rest: ast.Expression = node
        while isinstance(rest, ast.Conditional) and (rest is node or not self._is_grouped(rest)):
            links.append(Row(Leaf("if"), Space(), self.operand(rest.condition, OR)))
            rest = rest.otherwise
            following = rest.then if isinstance(rest, ast.Conditional) and not self._is_grouped(rest) else rest
            least = OR if following is not rest else CONDITIONAL
            links.append(Row(Leaf("else"), Space(), self._arm(following, least)))
        return Chain(head, links)

    def _arm(self, node: ast.Expression, least: int) -> Doc:
        """What follows `else`; parentheses around all of it are kept."""
        if self._is_grouped(node):
            return Brackets("(", [self._bare(node, _LOOSE)], ")")
        return self.operand(node, least)

    def _operation(self, node: ast.Pipe | ast.Binary, tight: int) -> Doc:
        own = level(node)
        if own in (COMPARISON, POWER):
            return self._single(node, tight)
        # The left operand of an operator may be the same operator again: one chain, however long.
        operands: list[ast.Expression] = []
        operators: list[str] = []
        rest: ast.Expression = node
        while (rest is node or not self._is_grouped(rest)) and isinstance(rest, ast.Pipe | ast.Binary):
            if level(rest) != own:
                break
            left, operator, right = _sides(rest)
            operators.append(operator)
            operands.append(right)
            rest = left
        operands.append(rest)
        operands.reverse()
        operators.reverse()
        near = own in (ADDITIVE, TERM) and _stand_near(operands, operators, own, tight)
        within = tight if near else _LOOSE
        docs = [self.operand(item, own + (place > 0), within) for place, item in enumerate(operands)]
        if near:
            return Row(docs[0], *(part for pair in zip(map(Leaf, operators), docs[1:], strict=True) for part in pair))
        parts = [docs[0]]
        for sign, operand, doc in zip(operators, operands[1:], docs[1:], strict=True):
            if sign == "/" and _is_simple(operand):
                parts[-1] = Row(parts[-1], Leaf(sign), doc)
            else:
                parts.append(Row(Leaf(sign), Space(), doc))
        return Chain(parts[0], parts[1:]) if len(parts) > 1 else parts[0]

    def _single(self, node: ast.Pipe | ast.Binary, tight: int) -> Doc:
        left, operator, right = _sides(node)
        if operator == "^":
            return Row(self.operand(left, POSTFIX, _CLOSE), Leaf("^"), self.operand(right, FACTOR, _CLOSE))
        return Row(self.operand(left, PIPE), Space(), Leaf(operator), Space(), self.operand(right, PIPE))


def _sides(node: ast.Pipe | ast.Binary) -> tuple[ast.Expression, str, ast.Expression]:
    if isinstance(node, ast.Pipe):
        return node.value, ">>", node.operation
    return node.left, node.operator, node.right


def _stand_near(operands: Sequence[ast.Expression], operators: Sequence[str], own: int, tight: int) -> bool:
    """Whether a sum or product is written without blanks: `4*F*h/12`, `y[2*i+1]`, but `base * 2^s` and `n - 1`."""
    if tight == _CLOSE:
        return True
    if own == TERM:
        return "/*" not in "".join(operators) and all(map(_is_simple, operands))
    return tight == _INDEX and all(_is_simple(item) or _is_near_product(item) for item in operands)


def _is_near_product(node: ast.Expression) -> bool:
    operators = ""
    while isinstance(node, ast.Binary) and node.operator in ("*", "/") and _is_simple(node.right):
        operators = node.operator + operators
        node = node.left
    return _is_simple(node) and "/*" not in operators


def _is_simple(node: ast.Expression) -> bool:
    match node:
        case ast.Name() | ast.Number():
            return True
        case ast.Attribute():
            return _is_simple(node.base)
        case ast.Unary():
            return node.operator == "-" and _is_simple(node.operand)
    return False
