"""Random syntax trees of every kind of node, and random layouts of their texts."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from nasdsl.source import Source, Span
from nasdsl.syntax import ast
from nasdsl.syntax.lexer import tokens

NOWHERE = Span(Source("", ""), 0, 0)
NAMES = st.sampled_from(
    ["x", "y", "c", "op", "conv_bn_relu", "s", "ms", "K", "inside", "for_", "a_rather_long_name_of_a_map"]
)
TEXTS = st.sampled_from(["semantic", "", "a // b", "{", "std/f.nas", "größe"])
NUMBERS = st.builds(
    lambda digits, places: Fraction(digits, 10**places), st.integers(0, 10**6), st.sampled_from([0, 0, 0, 1, 3])
)
UNITS = ["us", "ms", "s", "uJ", "mJ", "J", "K", "M", "G", "B", "KB", "MB", "GB"]
OPERATORS = ["or", "and", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "^"]


def tuples(items: st.SearchStrategy[object], least: int = 0, most: int = 3) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(items, min_size=least, max_size=most).map(tuple)


def node(kind: type, *parts: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.builds(lambda *values: kind(NOWHERE, *values), *parts)


ATOMS = st.one_of(
    node(ast.Name, NAMES), node(ast.Number, NUMBERS), node(ast.Quantity, NUMBERS, st.sampled_from(UNITS)),
    node(ast.Text, TEXTS),
)  # fmt: skip


def _larger(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    argument = node(ast.Argument, st.none() | NAMES, inner)
    braces = st.tuples(tuples(inner), st.just("{}"))
    square = st.tuples(tuples(inner, 1), st.just("[]"))
    round_ = st.tuples(tuples(inner, 2), st.just("()"))
    generator = node(ast.Generator, tuples(NAMES, 1), inner, st.none() | inner)
    return st.one_of(
        (braces | square | round_).map(lambda made: ast.Sequence(NOWHERE, *made)),
        node(ast.Range, inner, inner, st.booleans()),
        node(ast.Call, inner, tuples(argument)),
        node(ast.Call, inner, tuples(argument, 1, 1), generator),
        node(ast.Subscript, inner, tuples(inner, 1)),
        node(ast.Attribute, inner, NAMES),
        node(ast.Pipe, inner, inner),
        node(ast.Conditional, inner, inner, inner),
        node(ast.Binary, st.sampled_from(OPERATORS), inner, inner),
        node(ast.Unary, st.sampled_from(["-", "not"]), inner),
    )


EXPRESSIONS = st.recursive(ATOMS, _larger, max_leaves=12)
ARGUMENTS = node(ast.Argument, st.none() | NAMES, EXPRESSIONS)
GENERATORS = node(ast.Generator, tuples(NAMES, 1), EXPRESSIONS, st.none() | EXPRESSIONS)
TARGETS = node(ast.Target, NAMES, st.none() | tuples(EXPRESSIONS, 1, 2))
PARAMETERS = tuples(node(ast.Parameter, NAMES, st.none() | EXPRESSIONS))
CLAUSES = tuples(node(ast.Clause, st.sampled_from(["loss", "metric", "weight"]), EXPRESSIONS))
STEPS = node(ast.Step, NAMES, st.none() | tuples(st.none() | EXPRESSIONS, 1, 2))
RESTRICTIONS = node(ast.Restriction, tuples(STEPS, 1), EXPRESSIONS, st.booleans())
AT_MOST = node(ast.AtMost, EXPRESSIONS, RESTRICTIONS)
REQUIRES = node(ast.Require, EXPRESSIONS)
ALTERNATIVES = node(ast.Alternative, st.none() | NAMES, EXPRESSIONS, st.booleans())
TEXT_NODES = node(ast.Text, TEXTS)

SIMPLE = st.one_of(
    node(ast.Input, NAMES, tuples(ARGUMENTS)),
    node(ast.Assign, tuples(TARGETS, 1), EXPRESSIONS),
    node(ast.Choose, TARGETS, tuples(ALTERNATIVES, 1, 5)),
    node(ast.Pick, TARGETS, EXPRESSIONS, EXPRESSIONS),
    node(ast.Width, TARGETS, EXPRESSIONS),
    node(ast.Depth, TARGETS, EXPRESSIONS),
    node(ast.Route, TARGETS, NAMES, tuples(EXPRESSIONS, 1)),
    node(ast.Link, tuples(EXPRESSIONS, 1), EXPRESSIONS, st.none() | EXPRESSIONS),
    node(ast.Return, tuples(EXPRESSIONS, 1)),
    node(ast.Task, TARGETS, EXPRESSIONS, st.none() | EXPRESSIONS, CLAUSES, st.booleans()),
    node(ast.Predict, NAMES, tuples(ARGUMENTS), CLAUSES),
    REQUIRES,
    AT_MOST,
    node(ast.Preset, NAMES, tuples(ARGUMENTS), tuples(st.one_of(RESTRICTIONS, REQUIRES, AT_MOST))),
)
SHARING = st.sampled_from(["", "tied", "shared"])


def _short(value: ast.Expression) -> tuple[ast.Return]:
    return (ast.Return(NOWHERE, (value,)),)


def _blocks(statements: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    full = node(ast.Block, TARGETS, PARAMETERS, tuples(statements), SHARING, st.just(False))
    return full | node(ast.Block, TARGETS, PARAMETERS, EXPRESSIONS.map(_short), SHARING, st.just(True))


def _larger_statements(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    binders = tuples(node(ast.Binder, NAMES, EXPRESSIONS), 1, 2)
    return st.one_of(
        _blocks(inner),
        node(ast.Grid, NAMES, binders, EXPRESSIONS, tuples(EXPRESSIONS, 1, 2), tuples(inner)),
        node(ast.For, GENERATORS, tuples(inner)),
    )


STATEMENTS = st.recursive(SIMPLE, _larger_statements, max_leaves=5)
IMPORTS = node(ast.Import, TEXT_NODES, tuples(node(ast.Imported, NAMES, st.none() | NAMES), 1))
EXTERNS = node(ast.Extern, NAMES, PARAMETERS, tuples(EXPRESSIONS, 1), TEXT_NODES)
SPACES = node(ast.Space, NAMES, PARAMETERS, tuples(STATEMENTS))
FILES = node(ast.File, tuples(st.one_of(SPACES, _blocks(STATEMENTS), EXTERNS, IMPORTS)))


@st.composite
def layouts(draw: st.DrawFn, text: str) -> str:
    """The same tokens with other blanks, ends of lines and comments between them, some of them numbered."""
    source = Source("", text)
    parts: list[str] = []
    end = 0
    for number, token in enumerate(tokens(source)):
        gap = text[end : token.start]
        kind = draw(st.integers(0, 11))
        # A number and a name that follows it on the line could be a number with its unit: the end of line stays.
        blank = "\n" if "\n" in gap else gap or draw(st.sampled_from(["", "", " ", "\t\n"]))
        if kind == 0:
            blank = f"{draw(st.sampled_from([' ', chr(10)]))}// {number}\n"
        elif kind == 1:
            blank = f"\n\n  // {number}{draw(st.sampled_from(['', ' {', ' ' * 3]))}\n\n//\n"
        elif kind == 2:
            blank += draw(st.sampled_from(["\n", "\n\n\n", "\r\n"]))
        parts += [blank, token.text]
        end = token.end
    return "".join(parts)


def comments_of(text: str) -> list[str]:
    """The comments of a text, in order."""
    return [token.text.rstrip() for token in tokens(Source("", text), comments=True) if token.kind == "COMMENT"]
