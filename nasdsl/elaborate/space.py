"""From the syntax of a space to its graph: parameters, presets, inputs, tasks, requirements."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from nasdsl.diagnostics.diagnostic import Diagnostic, InvalidSpace, Label
from nasdsl.diagnostics.errors import NasError
from nasdsl.elaborate.builder import GraphBuilder, pruned, used_symbols
from nasdsl.elaborate.expressions import Place
from nasdsl.elaborate.imports import Imports
from nasdsl.elaborate.presets import Restriction, Restrictions, path_pattern
from nasdsl.elaborate.requirements import Requirements
from nasdsl.elaborate.values import Builtin, Frame, MapValue, Mistake, Poison, Poisoned
from nasdsl.ir.graph import AtMost, Decision, Graph, Grid, Limit, Link, Prediction, Relation, Task, Term
from nasdsl.number import Number
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.source import Span
from nasdsl.syntax import ast
from nasdsl.types import MapType

ParameterValue = int | Fraction | str | tuple[Any, ...]


def elaborate(file: ast.File, *, preset: str = "", params: Mapping[str, ParameterValue] | None = None) -> Graph:
    """The graph of the one space in a file.

    Args:
        file: The syntax.
        preset: Name of a preset of the space; "" for none.
        params: Values of parameters; they go before those of the preset.

    Raises:
        InvalidSpace: The text has mistakes; all that could be found are in its diagnostics.
        NasError: The preset or a parameter does not exist.
    """
    spaces = [item for item in file.items if isinstance(item, ast.Space)]
    if len(spaces) != 1:
        raise InvalidSpace([_not_one_space(file, spaces)])
    try:
        return _SpaceElaborator(file, spaces[0]).graph_of(preset, params or {})
    except RecursionError:
        message = "expressions and calls are nested deeper than can be followed"
        hint = "name the parts: a = ..., or write a loop"
        raise InvalidSpace([Diagnostic("E0701", message, _deepest(spaces[0]).span, help=hint)]) from None


def preset_names(file: ast.File) -> tuple[str, ...]:
    """The presets that the file's spaces declare."""
    return tuple(
        statement.name
        for item in file.items
        if isinstance(item, ast.Space)
        for statement in item.body
        if isinstance(statement, ast.Preset)
    )


class _SpaceElaborator(Requirements):
    """Elaborates one space."""

    def __init__(self, file: ast.File, space: ast.Space) -> None:
        name_span = Span(space.span.source, space.span.start, space.span.start + len("space ") + len(space.name))
        super().__init__(GraphBuilder(space.name, name_span), Restrictions([]))
        self.space, self.name_span = space, name_span
        self.tasks: list[Task] = []
        self.limits: list[Limit] = []
        self.rules: list[AtMost | Relation] = []
        self.predictions: list[Prediction] = []
        self.params: dict[str, Any] = {}
        builtins = {name: Builtin(name, function) for name, function in self._builtins().items()}
        imports = Imports(OPERATIONS | {"true": True, "false": False} | builtins)
        self.globals = imports.names_of(file)
        self.diagnostics += imports.diagnostics
        self.frame = Frame(self.globals, 0)

    def _builtins(self) -> dict[str, Any]:
        def kind(x: Any) -> MapType:
            value: MapValue = _of(MapValue, x)
            return self.graph.nodes[value.node].type

        def whole(value: Any, rounding: Any) -> Number:
            return Number.of(rounding(_of(Fraction, _of(Number, value).constant)))

        def extreme(choose: Any, *values: Any) -> Number:
            items = values[0] if len(values) == 1 and isinstance(values[0], tuple) else values
            return Number.of(choose([_of(Fraction, _of(Number, item).constant) for item in items] or [None]))

        return {
            "channels": lambda x: kind(x).channels,
            "rate": lambda x: Number.of(kind(x).rate),
            "sides": lambda x: tuple(map(Number.of, _of(tuple, kind(x).size))),
            "floor": lambda x: whole(x, math.floor),
            "ceil": lambda x: whole(x, math.ceil),
            "min": lambda *values: extreme(min, *values),
            "max": lambda *values: extreme(max, *values),
            "size": lambda x: Number.of(len(_of(tuple, x))),
            "enumerate": lambda x: tuple((Number.of(i), item) for i, item in enumerate(_of(tuple, x))),
        }

    def graph_of(self, preset: str, params: Mapping[str, ParameterValue]) -> Graph:
        """Elaborate the space and return its graph."""
        try:
            chosen = self._preset(preset)
            self._parameters(params, chosen)
            if chosen:
                self._restrict(chosen)
            self.run_statements(self.space.body, self.frame)
            self._rules(chosen)
            if not self.diagnostics:
                for mistake in self.restrictions.unused(self.graph.decisions):
                    self.report(mistake)
                if not any(not task.aux for task in self.tasks):
                    raise Mistake(
                        "E0601", f"the space `{self.space.name}` has no task", self.name_span,
                        "nothing is demanded of it",
                        help="add: task name = ... { loss cross_entropy() metric accuracy }",
                    )  # fmt: skip
                for mistake in self._routes_without_end():
                    self.report(mistake)
        except Mistake as mistake:
            self.diagnostics.append(mistake.diagnostic)
        except Poisoned:
            pass
        if self.diagnostics:
            raise InvalidSpace(sorted(self.diagnostics, key=lambda d: (d.span.source.name, d.span.start)))
        return self._finish(preset)

    # parameters and presets

    def _preset(self, name: str) -> ast.Preset | None:
        presets = {s.name: s for s in self.space.body if isinstance(s, ast.Preset)}
        if not name:
            return None
        if name not in presets:
            near = difflib.get_close_matches(name, presets, 1)
            known = f"it has: {', '.join(presets)}" if presets else "it has none"
            hint = f"did you mean `{near[0]}`?" if near else known
            raise NasError(f"the space `{self.space.name}` has no preset `{name}`", help=hint)
        return presets[name]

    def _parameters(self, given: Mapping[str, ParameterValue], preset: ast.Preset | None) -> None:
        names = [parameter.name for parameter in self.space.parameters]
        for name in given:
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                hint = f"did you mean `{near[0]}`?" if near else f"it has: {', '.join(names) or 'none'}"
                raise NasError(f"the space `{self.space.name}` has no parameter `{name}`", help=hint)
        at = Place(self.globals)
        from_preset: dict[str, Any] = {}
        for argument in preset.arguments if preset else ():
            if argument.name not in names:
                message = f"the space has no parameter `{argument.name or argument.span.text}`"
                raise Mistake("E0606", message, argument.span, help=f"it has: {', '.join(names) or 'none'}")
            from_preset[argument.name] = self.evaluate(argument.value, at)
        for parameter in self.space.parameters:
            if parameter.name in given:
                value = _value(given[parameter.name])
            elif parameter.name in from_preset:
                value = from_preset[parameter.name]
            elif parameter.default is not None:
                value = self.evaluate(parameter.default, Place(self.frame))
            else:
                message = f"the parameter `{parameter.name}` has no value"
                raise Mistake("E0606", message, parameter.span, help=f"give one: --param {parameter.name}=...")
            self.define(self.frame, parameter.name, value, parameter.span)
            self.params[parameter.name] = _plain(value)

    def _restrict(self, preset: ast.Preset) -> None:
        items = []
        for entry in preset.body:
            if not isinstance(entry, ast.Restriction):
                continue
            pattern, text = path_pattern(entry.path, self._label)
            values = entry.value.items if isinstance(entry.value, ast.Sequence) and not entry.single else (entry.value,)
            items.append(Restriction(pattern, text, tuple(self._label(value) for value in values), entry.span))
        self.restrictions.items = items

    def _label(self, node: ast.Expression) -> int | str:
        """A value in a preset: a label written as a name, or a number."""
        if isinstance(node, ast.Name):
            return node.text
        return self.plain(node, self.evaluate(node, Place(self.frame)))

    # statements that only a space has

    def run(self, statement: ast.Statement, frame: Frame) -> None:
        if frame.body is not self.frame:
            super().run(statement, frame)
            return
        match statement:
            case ast.Input():
                self._input_map(statement, frame)
            case ast.Task():
                self._task(statement, frame)
            case ast.Require():
                self.require(statement, frame)
            case ast.AtMost():
                pass
            case ast.Predict():
                self._prediction(statement, frame)
            case ast.Preset():
                self._once(statement)
            case _:
                super().run(statement, frame)

    def _once(self, preset: ast.Preset) -> None:
        first = next(s for s in self.space.body if isinstance(s, ast.Preset) and s.name == preset.name)
        if first is not preset:
            labels = (Label(first.span, "first defined here"),)
            message = f"the preset `{preset.name}` is already defined"
            raise Mistake("E0202", message, preset.span, "again", labels=labels)

    def _input_map(self, node: ast.Input, frame: Frame) -> None:
        at = Place(frame)
        shape = [self.integer(argument.value, at) for argument in node.shape]
        if len(shape) != 3 or min(shape) < 1:
            message = (
                f"an input has a shape of three positive integers, found {node.span.text.split(':', 1)[1].strip()}"
            )
            raise Mistake("E0306", message, node.span, help="write: input image: [3, 224, 224]")
        channels, height, width = shape
        kind = MapType(Number.of(channels), (height, width), Fraction(1))
        value = MapValue(self.graph.node("input", (), {}, kind, 0, node.name, node.span))
        self.define(frame, node.name, value, node.span)

    def _task(self, node: ast.Task, frame: Frame) -> None:
        at = Place(frame)
        if node.guard is not None and not self.holds(node.guard, at):
            return
        _, name = self._path(node.target, frame)
        output = self.feature_map(self.evaluate(node.value, replace(at, binding=name)), node.value.span)
        losses = [clause for clause in node.clauses if clause.kind == "loss"]
        weights = [clause for clause in node.clauses if clause.kind == "weight"]
        if len(losses) != 1 or len(weights) > 1:
            count = f"{len(losses)} losses and {len(weights)} weights"
            message = f"a task has one loss and at most one weight, found {count}"
            labels = tuple(Label(clause.span, f"a {clause.kind}") for clause in (*losses, *weights))
            raise Mistake("E0602", message, node.target.span, help="write: loss cross_entropy()", labels=labels)
        for task in self.tasks:
            if task.name == name:
                labels = (Label(task.span, "first defined here"),)
                message = f"the task `{name}` is already defined"
                raise Mistake("E0202", message, node.target.span, "again", labels=labels)
        metrics = tuple(self._term(clause, at) for clause in node.clauses if clause.kind == "metric")
        weight = self.constant(weights[0].value, at) if weights else Fraction(1)
        loss = self._term(losses[0], at)
        self.tasks.append(Task(name, output.node, loss, metrics, weight, node.aux, node.target.span))

    def _term(self, clause: ast.Clause, at: Place) -> Term:
        node = clause.value
        call = node if isinstance(node, ast.Call) else None
        function = call.function if call else node
        if not isinstance(function, ast.Name) or (call and (call.generator or any(not a.name for a in call.arguments))):
            message = f"a {clause.kind} is a name with named arguments, found `{node.span.text}`"
            raise Mistake("E0602", message, node.span, help=f"write: {clause.kind} ohem(thresh = 0.7)")
        args: dict[str, Fraction | str] = {}
        for argument in call.arguments if call else ():
            value = self.evaluate(argument.value, at)
            args[argument.name or ""] = value if isinstance(value, str) else self.constant(argument.value, at)
        return Term(function.text, args, node.span)

    def _prediction(self, node: ast.Predict, frame: Frame) -> None:
        tasks, args = [], {}
        known = [task.name for task in self.tasks if not task.aux]
        for argument in node.arguments:
            if argument.name is not None:
                value = self.evaluate(argument.value, Place(frame))
                args[argument.name] = value if isinstance(value, str) else self.constant(argument.value, Place(frame))
                continue
            name = self._task_name(argument.value, Place(frame))
            if name not in known and isinstance(frame.names.get(name), Poison):
                raise Poisoned
            if name not in known:
                message = f"`{name}` is no task defined before"
                raise Mistake("E0608", message, argument.span, help=f"the tasks are: {', '.join(known) or 'none'}")
            tasks.append(name)
        for clause in node.clauses:
            if clause.kind != "metric":
                message = f"a prediction is judged, not learned: it has metrics, found `{clause.kind}`"
                raise Mistake("E0608", message, clause.span, help="give losses and weights to the tasks")
        metrics = tuple(self._term(clause, Place(frame)) for clause in node.clauses)
        self.predictions.append(Prediction(node.name, tuple(tasks), args, metrics, node.span))

    def _task_name(self, node: ast.Expression, at: Place) -> str:
        """A task as a prediction names it: `semantic`, `out["center"]`."""
        if isinstance(node, ast.Subscript) and isinstance(node.base, ast.Name):
            return f"{node.base.text}[{','.join(map(str, self.key(node.index, at)))}]"
        return node.span.text

    def _rules(self, preset: ast.Preset | None) -> None:
        """What is required of decisions, once all of them are known."""
        for entry in (*self.space.body, *(preset.body if preset else ())):
            try:
                if isinstance(entry, ast.AtMost):
                    self.at_most(entry, self._label)
                elif isinstance(entry, ast.Require) and preset and entry in preset.body:
                    self.require(entry, self.frame)
            except Mistake as mistake:
                self.report(mistake)
            except Poisoned:
                pass

    def _routes_without_end(self) -> Iterator[Mistake]:
        """Routes of which a task reads a part, and none the end: whether two ways are one network is not known."""
        g = self.graph
        nodes, _ = pruned(g.nodes, {task.output for task in self.tasks if not task.aux})
        ends = {node.attrs["route"] for node in nodes if node.op == "route_end"}
        read = {str(node.attrs["route"]): node.span for node in nodes if node.op == "route_last"}
        for node in nodes:
            for symbol in {s for value in node.attrs.values() if isinstance(value, Number) for s in value.symbols}:
                if symbol in g.cases:
                    read.setdefault(g.cases[symbol].cases[0][0].decision, node.span)
        for route, span in read.items():
            if route not in ends:
                labels = (Label(g.decisions[route].span, "the route"),)
                yield Mistake(
                    "E0505", f"a part of `{route}` is read, but never its end", span, labels=labels,
                    help=f"let a task read it: {route}.end",
                )  # fmt: skip

    # the end

    def _finish(self, preset: str) -> Graph:
        """The graph without what no task and no route needs."""
        g = self.graph
        roots = {task.output for task in self.tasks} | {node.id for node in g.nodes if node.op == "input"}
        nodes, number = pruned(g.nodes, roots)
        grids = {
            path: Grid(
                path,
                grid.source,
                {cell: number[node] for cell, node in grid.cells.items() if node in number},
                tuple(Link(k.source, k.target, number[k.node]) for k in grid.links if k.node in number),
            )
            for path, grid in g.grids.items()
            if any(node in number for node in grid.cells.values())
        }
        tasks = tuple(replace(task, output=number[task.output]) for task in self.tasks)
        used = used_symbols(nodes, g.cases) | {str(n.attrs["route"]) for n in nodes if "route" in n.attrs}
        decisions = {path: d for path, d in g.decisions.items() if path in used}
        cases = {name: value for name, value in g.cases.items() if name in used}
        rules = tuple(rule for rule in map(_of_live(decisions), self.rules) if rule is not None)
        results: dict[int, dict[int, str]] = {}
        for (scope, node), name in g.results.items():
            if node in number:
                results.setdefault(scope, {})[number[node]] = name
        scopes = tuple(replace(s, results=results.get(s.id, {})) for s in g.scopes)
        return Graph(
            self.space.name, self.params, nodes, scopes, decisions, grids, cases, tasks, tuple(self.limits),
            rules, tuple(self.predictions), preset, self.space.span,
        )  # fmt: skip


def _deepest(root: ast.Node) -> ast.Node:
    """The node that most others are around."""
    deepest, found = 0, root
    stack: list[tuple[object, int]] = [(root, 0)]
    while stack:
        part, depth = stack.pop()
        if isinstance(part, tuple):
            stack += [(item, depth) for item in part]
        elif isinstance(part, ast.Node):
            if depth > deepest:
                deepest, found = depth, part
            stack += [(inner, depth + 1) for inner in part.parts()]
    return found


def _not_one_space(file: ast.File, spaces: list[ast.Space]) -> Diagnostic:
    source = file.span.source
    if spaces:
        first, second = (Span(source, s.span.start, s.span.start + len("space")) for s in spaces[:2])
        message = f"a file holds one space, found {len(spaces)} spaces"
        labels = (Label(first, "the first space"),)
        return Diagnostic("E0105", message, second, "another", labels, "give each space a file of its own")
    if not file.items:
        message = "the file holds nothing but comments" if source.text.strip() else "the file is empty"
        hint = "write: space name { input image: [3, 224, 224]  task name = ... { ... } }"
        return Diagnostic("E0105", message, Span(source, 0, 0), help=hint)
    hint = "write: space name { ... }, or import the blocks in a file that has one"
    return Diagnostic("E0105", "the file has no space", file.items[0].span, help=hint)


def _of(kind: type, value: Any) -> Any:
    """The value, if it is of a kind; else the `TypeError` that says a function was called with the wrong kind."""
    if not isinstance(value, kind):
        raise TypeError
    return value


def _of_live(decisions: Mapping[str, Decision]) -> Callable[[AtMost | Relation], AtMost | Relation | None]:
    """Rules without decisions that never matter."""

    def restricted(rule: AtMost | Relation) -> AtMost | Relation | None:
        if isinstance(rule, Relation):
            return rule if all(path in decisions for path in rule.decisions) else None
        return replace(rule, decisions=tuple(path for path in rule.decisions if path in decisions))

    return restricted


def _value(value: ParameterValue) -> Any:
    """A parameter's value as an expression would have given it."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return tuple(_value(item) for item in value)
    return Number.of(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Number):
        return value.constant
    return tuple(_plain(item) for item in value) if isinstance(value, tuple) else value
