"""Statements of the language as methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, cast

from nasdsl.builder.expressions import (
    NOWHERE,
    Expression,
    Value,
    arguments_of,
    identifier,
    indices_of,
    name,
    node_of,
    text_of,
)
from nasdsl.diagnostics.diagnostic import InvalidSpace
from nasdsl.diagnostics.errors import NasError
from nasdsl.elaborate.space import ParameterValue
from nasdsl.source import Source
from nasdsl.space import Space, load
from nasdsl.syntax import ast
from nasdsl.syntax.parser import parse
from nasdsl.syntax.printer import print_file

Target = str | Expression
"""What a statement defines: a name, or an element of a family: `"y"`, `name("y")[i, 0]`."""
Parameter = str | tuple[str, Value]
"""A parameter: its name, or its name and its default."""


class Block(Expression):
    """A block: call it, or pipe into a call of it. `parameters` are their names, to be used in its body."""

    __slots__ = ("parameters",)

    def __init__(self, node: ast.Expression, parameters: tuple[Expression, ...]) -> None:
        super().__init__(node)
        self.parameters = parameters


class Grid(Expression):
    """A grid: `coordinates` are the names of a cell's place, `here` its map, `next` the cell that a link leads to."""

    __slots__ = ("coordinates", "here", "next")

    def __init__(self, node: ast.Expression, coordinates: tuple[Expression, ...]) -> None:
        super().__init__(node)
        self.coordinates = coordinates
        self.here = name("here")
        self.next = name("next")


class Alternative:
    """An alternative of a choice that has a label or is soft."""

    __slots__ = ("is_soft", "label", "value")

    def __init__(self, value: Value, label: str | None, is_soft: bool) -> None:
        self.value = value
        self.label = label
        self.is_soft = is_soft


def labelled(label: str, value: Value) -> Alternative:
    """An alternative with its label, for a choice whose other alternatives have none and come after it."""
    return Alternative(value, label, is_soft=False)


def soft(value: Value, label: str | None = None) -> Alternative:
    """An alternative that lives in the supernet only."""
    return Alternative(value, label, is_soft=True)


class SpaceBuilder:
    """Writes one space, statement by statement.

    Args:
        name: Its name.
        parameters: Its parameters: a name, or a name with its default.
        defaults: Further parameters with their defaults.

    Attributes:
        parameters: Their names, as expressions.

    Raises:
        NasError: A name or a string cannot be written in the language; so does every method.
    """

    def __init__(self, name: str, /, *parameters: Parameter, **defaults: Value) -> None:
        self._name = identifier(name)
        self._parameters = _parameters(parameters, defaults)
        self._items: list[ast.Extern | ast.Import] = []
        self._bodies: list[list[Any]] = [[]]
        self.parameters = _names_of(self._parameters)

    # the result

    @property
    def file(self) -> ast.File:
        """The syntax of the text.

        Raises:
            NasError: A `with` is still open.
        """
        if len(self._bodies) > 1:
            raise NasError("the space is asked for inside the body of a statement", help="leave the `with` first")
        space = ast.Space(NOWHERE, self._name, self._parameters, tuple(self._bodies[0]))
        return ast.File(NOWHERE, (*self._items, space))

    def text(self) -> str:
        """The space as a .nas text in the canonical layout."""
        return print_file(self.file)

    def build(self, *, preset: str = "", params: Mapping[str, ParameterValue] | None = None) -> Space:
        """The space, as `load` makes it from the text.

        Raises:
            InvalidSpace: The space has mistakes; the diagnostics show places of the text.
        """
        return load(Source(f"{self._name}.nas", self.text()), preset=preset, params=params)

    # beside the space

    def import_(self, path: str, *names: str, **aliases: str) -> tuple[Expression, ...]:
        """`from "path" import names`; `aliases` are new names for old ones: `g="f"` for `f as g`."""
        imported = [ast.Imported(NOWHERE, identifier(text), None) for text in names]
        imported += [ast.Imported(NOWHERE, identifier(old), identifier(new)) for new, old in aliases.items()]
        if not imported:
            raise NasError(f'an import from "{path}" names nothing', help='write: import_("other.nas", "f")')
        self._items.append(ast.Import(NOWHERE, text_of(path), tuple(imported)))
        return tuple(name(item.alias or item.name) for item in imported)

    def extern(
        self,
        function: str,
        /,
        *parameters: Parameter,
        shape: Callable[..., Sequence[Value]],
        target: str,
        **defaults: Value,
    ) -> Expression:
        """`extern function(parameters) -> [shape] from "target"`, the shape as a function of the parameters."""
        declared = _parameters(parameters, defaults)
        made = tuple(node_of(item) for item in shape(*_names_of(declared)))
        self._items.append(ast.Extern(NOWHERE, identifier(function), declared, made, text_of(target)))
        return name(function)

    # maps and numbers

    def input(self, name_: str, /, *shape: Value) -> Expression:
        """`input name: [channels, height, width]`."""
        self._add(ast.Input(NOWHERE, identifier(name_), arguments_of(shape, {})))
        return name(name_)

    def let(self, target: Target | Sequence[Target], value: Value) -> Any:
        """`target = value`; returns the target, or a tuple of several."""
        single = isinstance(target, str | Expression)
        targets = (_target(target),) if isinstance(target, str | Expression) else tuple(map(_target, target))
        if not targets:
            raise NasError("a value is given to no name", help="write: let(target, value)")
        self._add(ast.Assign(NOWHERE, targets, node_of(value)))
        made = tuple(_use(item) for item in targets)
        return made[0] if single else made

    # decisions

    def choose(self, target: Target, /, *alternatives: Value | Alternative, **labelled_: Value) -> Expression:
        """`choose target in { alternatives }`: those by position first, then those with their labels."""
        items = [a if isinstance(a, Alternative) else Alternative(a, None, is_soft=False) for a in alternatives]
        items += [labelled(label, value) for label, value in labelled_.items()]
        if not items:
            raise NasError("a choice needs alternatives", help='write: choose("op", skip=std.skip, conv=std.conv(k=3))')
        made = tuple(
            ast.Alternative(NOWHERE, identifier(a.label) if a.label else None, node_of(a.value), a.is_soft)
            for a in items
        )
        return self._decide(ast.Choose, target, made)

    def pick(self, target: Target, count: Value, members: Value) -> Expression:
        """`pick target in count of members`."""
        return self._decide(ast.Pick, target, node_of(count), node_of(members))

    def width(self, target: Target, domain: Value) -> Expression:
        """`width target in domain`."""
        return self._decide(ast.Width, target, node_of(domain))

    def depth(self, target: Target, domain: Value) -> Expression:
        """`depth target in domain`."""
        return self._decide(ast.Depth, target, node_of(domain))

    def route(self, target: Target, grid: Target, end: Value) -> Expression:
        """`route target in grid to [end]`."""
        return self._decide(ast.Route, target, _target(grid).name, indices_of(end))

    def _decide(self, kind: Callable[..., Any], target: Target, *parts: Any) -> Expression:
        defined = _target(target)
        self._add(kind(NOWHERE, defined, *parts))
        return _use(defined)

    # statements with a body

    @contextmanager
    def block(
        self, target: Target, /, *parameters: Parameter, sharing: Literal["", "tied", "shared"] = "", **defaults: Value
    ) -> Iterator[Block]:
        """`block target(parameters) { ... }`; `sharing` makes it a tied or a shared one."""
        defined, declared = _target(target), _parameters(parameters, defaults)
        with self._body() as body:
            yield Block(node_of(_use(defined)), _names_of(declared))
        self._add(ast.Block(NOWHERE, defined, declared, tuple(body), sharing, short=False))

    def short_block(
        self,
        target: Target,
        /,
        *parameters: Parameter,
        value: Callable[..., Value],
        sharing: Literal["", "tied", "shared"] = "",
        **defaults: Value,
    ) -> Block:
        """`block target(parameters) = value`, the value as a function of the parameters."""
        defined, declared = _target(target), _parameters(parameters, defaults)
        body = (ast.Return(NOWHERE, (node_of(value(*_names_of(declared))),)),)
        self._add(ast.Block(NOWHERE, defined, declared, body, sharing, short=True))
        return Block(node_of(_use(defined)), _names_of(declared))

    @contextmanager
    def for_(
        self, names: str | Sequence[str], domain: Value, when: Callable[..., Value] | None = None
    ) -> Iterator[Any]:
        """`for names in domain when guard { ... }`; gives the name, or a tuple of several."""
        texts = (names,) if isinstance(names, str) else tuple(names)
        bound = tuple(name(text) for text in texts)
        generator = ast.Generator(NOWHERE, texts, node_of(domain), None if when is None else node_of(when(*bound)))
        with self._body() as body:
            yield bound[0] if isinstance(names, str) else bound
        self._add(ast.For(NOWHERE, generator, tuple(body)))

    @contextmanager
    def grid(self, name_: str, /, coordinates: Mapping[str, Value], *, start: Value, at: Value) -> Iterator[Grid]:
        """`grid name[coordinates] from start at [at] { ... }`."""
        binders = tuple(ast.Binder(NOWHERE, identifier(key), node_of(domain)) for key, domain in coordinates.items())
        if not binders:
            raise NasError("a grid needs coordinates", help='write: {"l": through(0, 16), "r": [8, 16]}')
        source, place = node_of(start), indices_of(at)
        with self._body() as body:
            yield Grid(node_of(name(name_)), tuple(name(key) for key in coordinates))
        self._add(ast.Grid(NOWHERE, identifier(name_), binders, source, place, tuple(body)))

    @contextmanager
    def preset(self, name_: str, /, **arguments: Value) -> Iterator[None]:
        """`preset name(arguments) { ... }`, with `restrict`, `require` and `at_most` in it."""
        given = arguments_of((), arguments)
        with self._body() as body:
            yield
        self._add(ast.Preset(NOWHERE, identifier(name_), given, tuple(body)))

    @contextmanager
    def _body(self) -> Iterator[list[Any]]:
        body: list[Any] = []
        self._bodies.append(body)
        try:
            yield body
        finally:
            self._bodies.pop()

    # in bodies

    def link(self, cell: Value, value: Value, when: Value | None = None) -> None:
        """`to [cell] = value when guard`, in a grid."""
        self._add(ast.Link(NOWHERE, indices_of(cell), node_of(value), None if when is None else node_of(when)))

    def return_(self, *values: Value) -> None:
        """`return values`, in a block."""
        if not values:
            raise NasError("a block returns something", help="write: return_(y)")
        self._add(ast.Return(NOWHERE, tuple(node_of(value) for value in values)))

    def restrict(self, path: str, value: Value) -> None:
        """`path = value`, or `path in {values}` for a list, in a preset; strings are the names of alternatives."""
        self._add(_restriction(path, value))

    # what is demanded

    def task(
        self,
        target: Target,
        value: Value,
        *,
        loss: Value,
        metrics: Sequence[Value] = (),
        weight: Value | None = None,
        when: Value | None = None,
        aux: bool = False,
    ) -> Expression:
        """`task target = value when guard { loss ... metric ... weight ... }`."""
        clauses = [ast.Clause(NOWHERE, "loss", node_of(loss)), *_metrics(metrics)]
        clauses += [] if weight is None else [ast.Clause(NOWHERE, "weight", node_of(weight))]
        guard = None if when is None else node_of(when)
        defined = _target(target)
        self._add(ast.Task(NOWHERE, defined, node_of(value), guard, tuple(clauses), aux))
        return _use(defined)

    def predict(self, name_: str, /, *tasks: Value, metrics: Sequence[Value] = (), **arguments: Value) -> None:
        """`predict name(tasks, arguments) { metric ... }`."""
        given = arguments_of(tasks, arguments)
        self._add(ast.Predict(NOWHERE, identifier(name_), given, tuple(_metrics(metrics))))

    def require(self, condition: Value) -> None:
        """`require condition`."""
        self._add(ast.Require(NOWHERE, node_of(condition)))

    def at_most(self, count: Value, path: str, value: Value) -> None:
        """`require at most count of path = value`, or `path in {values}` for a list."""
        self._add(ast.AtMost(NOWHERE, node_of(count), _restriction(path, value)))

    def _add(self, statement: Any) -> None:
        self._bodies[-1].append(statement)


def _parameters(parameters: Sequence[Parameter], defaults: Mapping[str, Value]) -> tuple[ast.Parameter, ...]:
    pairs = [(item, None) if isinstance(item, str) else (item[0], node_of(item[1])) for item in parameters]
    pairs += [(key, node_of(value)) for key, value in defaults.items()]
    return tuple(ast.Parameter(NOWHERE, identifier(key), default) for key, default in pairs)


def _names_of(parameters: Sequence[ast.Parameter]) -> tuple[Expression, ...]:
    return tuple(name(parameter.name) for parameter in parameters)


def _target(target: Target) -> ast.Target:
    node = node_of(name(target) if isinstance(target, str) else target)
    if isinstance(node, ast.Name):
        return ast.Target(NOWHERE, node.text, None)
    if isinstance(node, ast.Subscript) and isinstance(node.base, ast.Name):
        return ast.Target(NOWHERE, node.base.text, node.index)
    raise NasError(f"`{target!r}` cannot be given a value", help='write a name, or name("y")[i]')


def _use(target: ast.Target) -> Expression:
    used = name(target.name)
    return used if target.index is None else Expression(ast.Subscript(NOWHERE, node_of(used), target.index))


def _metrics(metrics: Sequence[Value]) -> list[ast.Clause]:
    return [ast.Clause(NOWHERE, "metric", node_of(metric)) for metric in metrics]


def _restriction(path: str, value: Value) -> ast.Restriction:
    single = not isinstance(value, list)
    node = _choice(value) if single else ast.Sequence(NOWHERE, tuple(_choice(item) for item in value), "{}")
    return ast.Restriction(NOWHERE, _path(path), node, single)


def _choice(value: Value) -> ast.Expression:
    """A value of a decision: alternatives are written by their names."""
    return node_of(name(value)) if isinstance(value, str) else node_of(value)


def _path(path: str) -> tuple[ast.Step, ...]:
    text = f"space s {{ preset p {{ {path} = 0 }} }}"
    try:
        (space,) = parse(Source("path", text)).items
        (preset,) = cast(ast.Space, space).body
        (restriction,) = cast(ast.Preset, preset).body
        return cast(ast.Restriction, restriction).path
    except (InvalidSpace, ValueError):
        raise NasError(f"{path!r} is no path of decisions", help="write one such as trunk[*, 8].op") from None
