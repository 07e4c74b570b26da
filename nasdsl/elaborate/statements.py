"""Runs statements: definitions, decisions, loops."""

from __future__ import annotations

from math import lcm
from typing import Any

from nasdsl.diagnostics.diagnostic import Diagnostic, Label
from nasdsl.elaborate.expressions import Place
from nasdsl.elaborate.grids import Grids
from nasdsl.elaborate.presets import Restrictions
from nasdsl.elaborate.values import (
    BlockValue,
    Choice,
    Family,
    Frame,
    Function,
    Key,
    MapValue,
    Mistake,
    Partial,
    PickValue,
    Poison,
    Poisoned,
)
from nasdsl.ir.graph import Decision, Kind
from nasdsl.number import Number
from nasdsl.source import Span
from nasdsl.syntax import ast

MAX_ERRORS = 50
"""After so many mistakes in one file the rest is not looked at."""


class Statements(Grids):
    """Runs statements; mistakes are collected, and what they define is poisoned so that no cascade follows."""

    def __init__(self, graph: Any, restrictions: Restrictions) -> None:
        super().__init__(graph)
        self.restrictions = restrictions
        self.diagnostics: list[Diagnostic] = []

    def report(self, mistake: Mistake) -> None:
        """Keep a mistake, once."""
        if mistake.diagnostic not in self.diagnostics:
            self.diagnostics.append(mistake.diagnostic)
        if self._gives_up():
            raise Poisoned

    def _gives_up(self) -> bool:
        """Whether the rest is not looked at: too many mistakes, or a limit that the rest would reach as well."""
        return len(self.diagnostics) >= MAX_ERRORS or any(found.code == "E0701" for found in self.diagnostics)

    def run_statements(self, body: tuple[ast.Statement, ...], frame: Frame) -> None:
        for statement in body:
            try:
                self.run(statement, frame)
            except Mistake as mistake:
                self._poison(statement, frame)
                self.report(mistake)
            except Poisoned:
                self._poison(statement, frame)
                if self._gives_up():
                    raise

    def run(self, statement: ast.Statement, frame: Frame) -> None:
        """Run one statement."""
        at = Place(frame)
        match statement:
            case ast.Block():
                self._block(statement, frame)
            case ast.Assign():
                self._assign(statement, frame)
            case ast.For():
                for turn, _, atom in self.turns(statement.generator, at):
                    if atom is not None:
                        message = "a loop of statements cannot run over a pick"
                        raise Mistake(
                            "E0206", message, statement.span, help="use it in sum(... for ...) or concat(...)"
                        )
                    self.run_statements(statement.body, turn)
            case ast.Choose():
                self._choose(statement, frame)
            case ast.Pick():
                self._pick(statement, frame)
            case ast.Width():
                self._width(statement, frame)
            case ast.Depth():
                self._depth_decision(statement, frame)
            case ast.Grid():
                self.grid(statement, frame)
            case ast.Route():
                key, path = self._path(statement.target, frame)
                self._bind(statement.target, key, self.route(statement, frame, path), frame)
            case _:
                word = type(statement).__name__.lower()
                raise Mistake("E0206", f"`{word.replace('link', 'to')}` cannot stand here", statement.span)

    def run_body(self, body: tuple[ast.Statement, ...], frame: Frame, span: Span) -> Any:
        """The value that a block's body returns."""
        for statement in body:
            if isinstance(statement, ast.Return):
                values = tuple(self.evaluate(value, Place(frame)) for value in statement.values)
                return values[0] if len(values) == 1 else values
            self.run(statement, frame)
        raise Mistake("E0206", "the block returns nothing", span, help="end it with `return ...`")

    # definitions

    def _block(self, node: ast.Block, frame: Frame) -> None:
        key, _ = self._path(node.target, frame)
        if frame.loop and key is None:
            message = f"the block `{node.name}` would be defined in every turn of the loop"
            hint = f"declare it outside, or give it the index of the turn: block {node.name}[i](...)"
            raise Mistake("E0206", message, node.target.span, help=hint)
        name = node.name if key is None else _text(node.name, key)
        self._bind(node.target, key, BlockValue(node, frame, name), frame)

    def _assign(self, node: ast.Assign, frame: Frame) -> None:
        keys = [self._path(target, frame) for target in node.targets]
        binding = keys[0][1].removeprefix(self.graph.scopes[frame.scope].path).lstrip(".")
        value = self.evaluate(node.value, Place(frame, binding))
        values = (value,) if len(node.targets) == 1 else value
        if not isinstance(values, tuple) or len(values) != len(node.targets):
            found = len(values) if isinstance(values, tuple) else 1
            message = f"{len(node.targets)} names on the left, {found} values on the right"
            raise Mistake("E0305", message, node.span)
        for target, (key, _), item in zip(node.targets, keys, values, strict=True):
            if len(values) > 1 and isinstance(item, MapValue):
                name = target.name if key is None else _text(target.name, key)
                self.graph.results.setdefault((frame.scope, item.node), name)
            self._bind(target, key, item, frame)

    def _path(self, target: ast.Target, frame: Frame) -> tuple[Key | None, str]:
        """The index of a target, and the path of what it defines."""
        key = None if target.index is None else self.key(target.index, Place(frame))
        text = target.name if key is None else f"{target.name}[{','.join(map(str, key))}]"
        path = self.graph.scopes[frame.scope].path
        return key, f"{path}.{text}" if path else text

    def _bind(self, target: ast.Target, key: Key | None, value: Any, frame: Frame) -> None:
        if key is None:
            self.define(frame, target.name, value, target.span)
            return
        found = frame.find(target.name)
        family = found.names[target.name] if found is not None and found.body is frame.body else None
        if family is None:
            family = Family(target.name, target.span)
            self.define(frame.body, target.name, family, target.span)
        if not isinstance(family, Family):
            labels = (Label(frame.body.places[target.name], "here"),) if target.name in frame.body.places else ()
            message = f"`{target.name}` is already defined without an index"
            raise Mistake("E0202", message, target.span, labels=labels)
        if key in family.elements and not isinstance(family.elements[key], Poison):
            message = f"`{target.name}[{', '.join(map(str, key))}]` is already defined"
            raise Mistake("E0202", message, target.span, "again")
        family.elements[key] = value

    def _poison(self, statement: ast.Statement, frame: Frame) -> None:
        """Define what a failed statement would have defined, so that its uses are silent."""
        targets: tuple[ast.Target, ...] = ()
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.Choose | ast.Pick | ast.Width | ast.Depth | ast.Route | ast.Task | ast.Block):
            targets = (statement.target,)
        elif isinstance(statement, ast.Grid | ast.Input):
            frame.names.setdefault(statement.name, Poison())
        elif isinstance(statement, ast.For):
            for inner in statement.body:
                self._poison(inner, frame)
        for target in targets:
            body = frame.body if target.index is not None else frame
            if body.find(target.name) is None or target.index is None:
                body.names[target.name] = Poison()
            elif isinstance(family := body.names.get(target.name), Family):
                try:
                    family.elements.setdefault(self.key(target.index or (), Place(frame)), Poison())
                except (Mistake, Poisoned):
                    body.names[target.name] = Poison()

    # decisions

    def _choose(self, node: ast.Choose, frame: Frame) -> None:
        key, path = self._path(node.target, frame)
        values = [self._alternative_value(item, frame) for item in node.alternatives]
        labels = [label for label, _ in values]
        for i, label in enumerate(labels):
            if label in labels[:i]:
                message = f"`{label}` is declared twice"
                raise Mistake("E0404", message, node.alternatives[i].span, "again", help="label one of them: name: ...")
        soft = frozenset(label for label, item in zip(labels, node.alternatives, strict=True) if item.soft)
        if len(soft) == len(labels):
            raise Mistake("E0401", "every alternative is soft, so nothing can be derived", node.span)
        domain = self.restrictions.narrow(path, tuple(labels), node.span)
        numbers = [isinstance(value, Number) for _, value in values]
        if any(numbers) != all(numbers):
            message = "a choice is among operations or among numbers, not both"
            raise Mistake("E0401", message, node.span)
        if len(domain) > 1:
            self.graph.declare(Decision(path, Kind.CHOOSE, domain, node.span, soft & set(domain)), frame.scope)
        if all(numbers):
            value: Any = Number.symbol(path) if len(domain) > 1 else Number.of(int(domain[0]))
        else:
            left = tuple((str(k), v) for k, v in values if k in domain and isinstance(v, Partial))
            value = Choice(node.target.name if key is None else _text(node.target.name, key),
                           path if len(domain) > 1 else "", left, node.span)  # fmt: skip
        self._bind(node.target, key, value, frame)

    def _alternative_value(self, node: ast.Alternative, frame: Frame) -> tuple[int | str, Number | Partial]:
        at = Place(frame)
        if isinstance(node.value, ast.Name | ast.Call | ast.Conditional):
            function = node.value.function if isinstance(node.value, ast.Call) else node.value
            value = self.evaluate(function, at)
            if isinstance(value, Function):
                partial = self.operation(node.value, at)
                return node.label or value.name, partial
        if isinstance(node.value, ast.Text):
            block = node.value.value if node.value.value.isidentifier() else "first"
            hint = f"define a block for each and choose among the blocks: block {block}(a, b) = ..."
            message = "a choice is among operations or among numbers, found a string"
            raise Mistake("E0302", message, node.value.span, help=hint)
        if isinstance(node.value, ast.Range):
            message = "a choice is among operations or among numbers, found a range"
            raise Mistake("E0302", message, node.value.span, help="write the numbers one by one: {4, 5, 6}")
        number = self.integer(node.value, at)
        if node.label:
            raise Mistake("E0401", "a number needs no label", node.span, help="write the number alone")
        return number, Number.of(number)

    def _pick(self, node: ast.Pick, frame: Frame) -> None:
        key, path = self._path(node.target, frame)
        at = Place(frame)
        count = self.integer(node.count, at)
        members = tuple(self.plain(node.members, member) for member in self.sequence(node.members, at))
        if not 1 <= count <= len(members):
            message = f"cannot pick {count} of {len(members)}"
            raise Mistake("E0402", message, node.span, help=f"pick 1 to {len(members)}")
        members = self.restrictions.narrow(path, members, node.span)
        if count > len(members):
            raise Mistake("E0402", f"the preset leaves {len(members)} members, {count} are picked", node.span)
        if count == len(members):
            value: Any = tuple(m if isinstance(m, str) else Number.of(m) for m in members)
        else:
            self.graph.declare(Decision(path, Kind.PICK, members, node.span, count=count), frame.scope)
            value = PickValue(path, count, members)
        self._bind(node.target, key, value, frame)

    def _width(self, node: ast.Width, frame: Frame) -> None:
        self._number_decision(node, Kind.WIDTH, 1, frame)

    def _depth_decision(self, node: ast.Depth, frame: Frame) -> None:
        self._number_decision(node, Kind.DEPTH, 0, frame)

    def _number_decision(self, node: ast.Width | ast.Depth, kind: Kind, least: int, frame: Frame) -> None:
        key, path = self._path(node.target, frame)
        members = self.sequence(node.domain, Place(frame))
        _check_whole(node, kind, members)
        values = [self.plain(node.domain, member) for member in members]
        numbers = sorted({value for value in values if isinstance(value, int) and value >= least})
        if not numbers or len(numbers) != len(values):
            message = f"a {kind.value} is one of several integers from {least}, each once"
            raise Mistake("E0401", message, node.domain.span)
        domain = self.restrictions.narrow(path, tuple(numbers), node.span)
        if len(domain) > 1:
            self.graph.declare(Decision(path, kind, domain, node.span), frame.scope)
            self._bind(node.target, key, Number.symbol(path), frame)
        else:
            self._bind(node.target, key, Number.of(int(domain[0])), frame)


def _check_whole(node: ast.Width | ast.Depth, kind: Kind, members: tuple[Any, ...]) -> None:
    """Refuse a width among fractions, with the integers that stand in the same proportion."""
    values = [value for member in members if isinstance(member, Number) and (value := member.constant) is not None]
    scale = lcm(*(value.denominator for value in values))
    if kind is Kind.WIDTH and scale > 1:
        fraction = next(value for value in values if value.denominator > 1)
        name, whole = node.target.name, ", ".join(str(value * scale) for value in values)
        hint = f"declare {name} in integers and divide where it is used: width {name} in {{{whole}}}, c*{name}/{scale}"
        raise Mistake("E0306", f"a width is one of several integers, found {fraction}", node.domain.span, help=hint)


def _text(name: str, key: Key) -> str:
    return f"{name}[{','.join(map(str, key))}]"
