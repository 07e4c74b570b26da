"""Syntax to text: the one canonical layout of .nas files."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from nasdsl.diagnostics.diagnostic import Diagnostic, InvalidSpace
from nasdsl.source import Source, Span
from nasdsl.syntax import ast
from nasdsl.syntax.attach import attach
from nasdsl.syntax.document import Body, Brackets, Chain, Definition, Doc, Leaf, Row, Space
from nasdsl.syntax.parser import parse
from nasdsl.syntax.print_expressions import ADDITIVE, Expressions, separated
from nasdsl.syntax.render import render


def print_file(file: ast.File) -> str:
    """The text of a file in the canonical layout, without comments; parsing it gives the file again.

    >>> print(print_file(parse(Source("a.nas", "block  f(x)=x>>relu( )"))), end="")
    block f(x) = x >> relu()
    """
    docs = [_Statements().statement(item) for item in file.items]
    for item, doc in zip(file.items[1:], docs[1:], strict=True):
        doc.first.blank = isinstance(item, ast.Space | ast.Block)
    return render(docs)


def print_expression(node: ast.Expression) -> str:
    """The text of an expression, on one line where it fits."""
    return render([Expressions(frozenset()).expression(node)]).removesuffix("\n")


def format_source(source: Source) -> str:
    """The text in the canonical layout: the same syntax and the same comments in the same order.

    Blank lines between statements stay, at most one at a time; a body that was begun on the line of its brace stays on
    that line if it fits and is one statement, or clauses of a task. Formatting the result changes nothing more.

    Raises:
        InvalidSpace: The text breaks the grammar, or is nested too deep.

    >>> print(format_source(Source("a.nas", "block f(x){return x>>conv(2*(1+2),k=3)} // as is")), end="")
    block f(x) { return x >> conv(2 * (1 + 2), k = 3) }  // as is
    """
    file = parse(source)
    try:
        return _formatted(file, source)
    except RecursionError:
        start = Span(source, 0, 1)
        message = "an expression is nested too deep to be laid out"
        raise InvalidSpace([Diagnostic("E0701", message, start, help="give parts of it names")]) from None


def _formatted(file: ast.File, source: Source) -> str:
    statements = _Statements(file.grouped)
    docs = [statements.statement(item) for item in file.items]
    comments = attach(source, [word for doc in docs for word in doc.words()])
    for body in statements.bodies:
        body.short = not next(iter(body.entries), body.closing).first.newline
    return render(docs, comments)


class _Statements(Expressions):
    """Documents of statements.

    Attributes:
        bodies: Those made so far.
    """

    def __init__(self, grouped: frozenset[tuple[int, int]] = frozenset()) -> None:
        super().__init__(grouped)
        self.bodies: list[Body] = []

    def statement(self, node: ast.Statement | ast.Space | ast.Extern | ast.Import) -> Doc:
        """The document of a statement."""
        match node:
            case ast.Space() | ast.Block() | ast.Grid() | ast.For() | ast.Task() | ast.Predict() | ast.Preset():
                return self._with_body(node)
            case ast.Import():
                names = [_words(name.name, *(["as", name.alias] if name.alias else [])) for name in node.names]
                head = _words("from", f'"{node.path.value}"', "import")
                return Row(head, Space(), _listed(separated(names)))
            case ast.Extern():
                head = Row(Leaf("extern"), Space(), Leaf(node.name), self._parameters(node.parameters, always=True))
                shape = Row(Leaf("->"), Space(), self.index(node.shape))
                return Chain(head, [shape, _words("from", f'"{node.target.value}"')])
            case ast.Require():
                return Row(Leaf("require"), Space(), self.expression(node.condition))
            case ast.AtMost():
                head = Row(_words("require", "at", "most"), Space(), self.operand(node.count, ADDITIVE))
                return Row(head, Space(), Leaf("of"), Space(), self._restriction(node.which))
            case _:
                return self._simple(node)

    def _simple(self, node: ast.Statement) -> Doc:
        match node:
            case ast.Input():
                shape = Brackets("[", separated([self.argument(item) for item in node.shape]), "]")
                return Row(_words("input", node.name), Leaf(":"), Space(), shape)
            case ast.Assign():
                targets = [part for t in separated([self._target(t) for t in node.targets]) for part in (t, Space())]
                return Row(*targets, Leaf("="), Space(), self.expression(node.value))
            case ast.Choose():
                alternatives = separated([self._alternative(item) for item in node.alternatives])
                padded = any(item.label or item.soft for item in node.alternatives)
                return self._decision("choose", node.target, Brackets("{", alternatives, "}", padded=padded))
            case ast.Pick():
                members = Row(self.operand(node.count, ADDITIVE), Space(), Leaf("of"), Space(),
                              self.expression(node.members))  # fmt: skip
                return self._decision("pick", node.target, members)
            case ast.Width() | ast.Depth():
                return self._decision(type(node).__name__.lower(), node.target, self.expression(node.domain))
            case ast.Route():
                way = Row(Leaf(node.grid), Space(), Leaf("to"), Space(), self.index(node.end))
                return self._decision("route", node.target, way)
            case ast.Link():
                return self._link(node, 0)
            case ast.Return():
                values = [self.expression(value) for value in node.values]
                return Row(Leaf("return"), Space(), _listed(separated(values)))
        raise AssertionError(node)

    def _decision(self, keyword: str, target: ast.Target, domain: Doc) -> Doc:
        return Row(Leaf(keyword), Space(), self._target(target), Space(), Leaf("in"), Space(), domain)

    def _with_body(self, node: ast.Statement | ast.Space) -> Doc:
        match node:
            case ast.Space():
                head = Row(_words("space", node.name), self._parameters(node.parameters))
                body = self._body(node.body, short=False)
                _set_apart(node.body, body.entries)
                return Row(head, Space(), body)
            case ast.Block():
                return self._block(node)
            case ast.Grid():
                binders = [Row(_words(b.name, "in"), Space(), self.expression(b.domain)) for b in node.binders]
                head = Row(_words("grid", node.name), Brackets("[", separated(binders), "]"))
                start = Row(Leaf("from"), Space(), self.expression(node.start))
                head = Row(head, Space(), start, Space(), Leaf("at"), Space(), self.index(node.source))
                return Row(head, Space(), self._body(node.body, short=False))
            case ast.For():
                return Row(self.generator(node.generator), Space(), self._body(node.body))
            case ast.Task():
                head = Row(*([Leaf("aux"), Space()] if node.aux else []), Leaf("task"), Space(),
                           self._target(node.target), Space(), Leaf("="))  # fmt: skip
                value = self._guarded(self.expression(node.value), node.guard)
                return Row(head, Space(), value, Space(), self._body(node.clauses))
            case ast.Predict():
                arguments = Brackets("(", separated([self.argument(item) for item in node.arguments]), ")")
                return Row(_words("predict", node.name), arguments, Space(), self._body(node.clauses))
            case ast.Preset():
                head = Row(_words("preset", node.name), *self._given(node.arguments))
                return Row(head, Space(), self._body(node.body))
        raise AssertionError(node)

    def _block(self, node: ast.Block) -> Doc:
        sharing = [Leaf(node.sharing), Space()] if node.sharing else []
        head = Row(*sharing, Leaf("block"), Space(), self._target(node.target),
                   self._parameters(node.parameters, always=True))  # fmt: skip
        if node.short and isinstance(node.body[0], ast.Return):
            return Definition(Row(head, Space(), Leaf("=")), self.expression(node.body[0].values[0]))
        return Row(head, Space(), self._body(node.body, short=False))

    def _body(
        self, entries: Sequence[ast.Statement | ast.Clause | ast.Restriction], *, short: bool = True
    ) -> Body:  # fmt: skip
        docs: list[Doc] = []
        for entry in entries:
            match entry:
                case ast.Clause():
                    docs.append(Row(Leaf(entry.kind), Space(), self.expression(entry.value)))
                case ast.Restriction():
                    docs.append(self._restriction(entry))
                case ast.Link():
                    docs.append(self._link(entry, self._link_width(entries)))
                case _:
                    docs.append(self.statement(entry))
        # Clauses begin with keywords. Other statements never share a line: `w = 4 s = 2` has a quantity, 4 s.
        most = len(docs) if all(isinstance(entry, ast.Clause) for entry in entries) else 1
        body = Body(docs, short=short and len(docs) < 2, most=most)
        self.bodies.append(body)
        return body

    # parts of statements

    def _target(self, target: ast.Target) -> Doc:
        return Row(Leaf(target.name), *([self.index(target.index)] if target.index else []))

    def _parameters(self, parameters: Sequence[ast.Parameter], *, always: bool = False) -> Doc:
        if not parameters and not always:
            return Row()
        items = []
        for item in parameters:
            default = [] if item.default is None else [Space(), Leaf("="), Space(), self.expression(item.default)]
            items.append(Row(Leaf(item.name), *default))
        return Brackets("(", separated(items), ")")

    def _given(self, arguments: Sequence[ast.Argument]) -> list[Doc]:
        return [Brackets("(", separated([self.argument(item) for item in arguments]), ")")] if arguments else []

    def _alternative(self, node: ast.Alternative) -> Doc:
        soft = [Leaf("soft"), Space()] if node.soft else []
        label = [Leaf(node.label), Leaf(":"), Space()] if node.label else []
        return Row(*soft, *label, self.expression(node.value))

    def _guarded(self, value: Doc, guard: ast.Expression | None) -> Doc:
        return value if guard is None else Chain(value, [Row(Leaf("when"), Space(), self.expression(guard))])

    def _link(self, node: ast.Link, width: int) -> Doc:
        index = self.index(node.index)
        head = Row(Leaf("to"), Space(), index, Space(max(1, width - (index.width or 0) + 1)), Leaf("="), Space())
        return Row(head, self._guarded(self.expression(node.value), node.guard))

    def _link_width(self, entries: Sequence[object]) -> int:
        """The links of a cell have their `=` below one another."""
        return max(self.index(entry.index).width or 0 for entry in entries if isinstance(entry, ast.Link))

    def _restriction(self, node: ast.Restriction) -> Doc:
        parts: list[Doc] = []
        for step in node.path:
            parts += [Leaf("."), Leaf(step.name)] if parts else [Leaf(step.name)]
            if step.index:
                places = [Leaf("*") if place is None else self.expression(place, tight=1) for place in step.index]
                parts.append(Brackets("[", separated(places), "]"))
        return Row(*parts, Space(), Leaf("=" if node.single else "in"), Space(), self.expression(node.value))


def _set_apart(statements: Sequence[ast.Statement], docs: Sequence[Doc]) -> None:
    """Blank lines around long definitions, for a text that no one has laid out."""
    for (before, after), doc in zip(pairwise(statements), docs[1:], strict=True):
        doc.first.blank = _is_long(before) or _is_long(after)


def _is_long(node: ast.Statement) -> bool:
    return isinstance(node, ast.Grid) or (isinstance(node, ast.Block) and not node.short)


def _words(*texts: str) -> Row:
    """Words with a blank between them."""
    return Row(*[part for text in texts for part in (Space(), Leaf(text))][1:])


def _listed(items: Sequence[Doc]) -> Doc:
    """Items that follow one another without brackets."""
    return items[0] if len(items) == 1 else Chain(items[0], items[1:])
