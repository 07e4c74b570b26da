"""Calls: of blocks, operations, functions and choices."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import zip_longest
from typing import Any

from nasdsl.diagnostics.diagnostic import Label
from nasdsl.elaborate.expressions import Expressions, Place
from nasdsl.elaborate.imports import STANDARD_FOLDER, STANDARD_LIBRARY
from nasdsl.elaborate.values import (
    BlockValue,
    Choice,
    ExternValue,
    Frame,
    Function,
    Guarded,
    MapValue,
    Mistake,
    NeedsMap,
    Partial,
    describe,
)
from nasdsl.ir.graph import Atom, Input, Node
from nasdsl.number import Number
from nasdsl.ops.extern import check_extern
from nasdsl.ops.operation import Operation, RuleError
from nasdsl.source import Span
from nasdsl.syntax import ast
from nasdsl.types import MapType

MAX_CALLS = 50
"""Deepest nesting of block calls."""
_OF_A_MAP = ("channels", "rate", "sides")
"""The functions of a feature map."""
_NOT_GIVEN = "not given"
"""What is said of a call without an argument that it needs."""


class Calls(Expressions):
    """Evaluates calls."""

    def __init__(self, graph: Any) -> None:
        super().__init__(graph)
        self._depth = 0
        self._shared: dict[str, tuple[list[Node], Span]] = {}

    def pipe(self, node: ast.Pipe, at: Place) -> Any:
        value = self.evaluate(node.value, at)
        partial = self.operation(node.operation, at)
        return self.apply(partial.function, (value, *partial.positional), partial.named, at, partial.span)

    def operation(self, node: ast.Expression, at: Place) -> Partial:
        """What stands right of `>>` or is an alternative: an operation with all its arguments but the map."""
        if isinstance(node, ast.Conditional):
            return self.operation(self.branch(node, at), at)
        call = node if isinstance(node, ast.Call) else None
        function = self.evaluate(call.function if call else node, at)
        if isinstance(function, Partial) and call is None:
            return function
        if not isinstance(function, Function):
            hint = "write x >> f(...) with an operation or a block f" if isinstance(function, MapValue) else None
            raise Mistake("E0304", f"an operation was expected, found {describe(function)}", node.span, help=hint)
        positional, named = self._arguments(call, at) if call else ((), {})
        return Partial(function, positional, named, node.span)

    def call(self, node: ast.Call, at: Place) -> Any:
        function = self.evaluate(node.function, at)
        if not isinstance(function, Function):
            hint = None
            if isinstance(function, MapValue):
                hint = "a map is not called; apply an operation to it: x >> f(...)"
            raise Mistake("E0304", f"{describe(function)} cannot be called", node.function.span, help=hint)
        positional, named = self._arguments(node, at)
        try:
            return self.apply(function, positional, named, at, node.span)
        except Mistake as mistake:
            if isinstance(function, Operation) and node.generator is None:
                raise self._with_operands(mistake, node, (*positional, *named.values())) from None
            raise

    def _with_operands(self, mistake: Mistake, node: ast.Call, values: tuple[Any, ...]) -> Mistake:
        """The mistake with the type of each map that the call reads."""
        found = mistake.diagnostic
        maps = [(a, v) for a, v in zip(node.arguments, values, strict=True) if isinstance(v, MapValue)]
        if found.code != "E0301" or len(maps) < 2:
            return mistake
        labels = tuple(Label(a.value.span, str(self.graph.nodes[v.node].type)) for a, v in maps)
        return Mistake(found.code, found.message, found.span, found.note, help=found.help, labels=labels)

    def _arguments(self, node: ast.Call, at: Place) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if node.generator is not None:
            return self._generated(node.arguments[0].value, node.generator, at), {}
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for argument in node.arguments:
            if argument.name is None:
                if named:
                    message = "an argument without a name stands after one with a name"
                    raise Mistake("E0204", message, argument.span, help="name it, or move it to the front")
                positional.append(self.evaluate(argument.value, at))
                continue
            if argument.name in named:
                raise Mistake("E0204", f"`{argument.name}` is given twice", argument.span, "again")
            inner = replace(at, binding=at.named(argument.name), turn="")
            named[argument.name] = self.evaluate(argument.value, inner)
        return tuple(positional), named

    def _generated(self, item: ast.Expression, generator: ast.Generator, at: Place) -> tuple[Any, ...]:
        values: list[Any] = []
        for frame, items, atom in self.turns(generator, at):
            label = f"[{', '.join(str(self.plain(generator.domain, i)) for i in items if not isinstance(i, MapValue))}]"
            value = self.evaluate(item, Place(frame, at.binding, at.turn + label))
            values.append(Guarded(self.feature_map(value, item.span), atom) if atom else value)
        return tuple(values)

    def apply(
        self, function: Function, positional: tuple[Any, ...], named: Mapping[str, Any], at: Place, span: Span
    ) -> Any:
        """The value of a function for some arguments."""
        if isinstance(function, Operation):
            return self._apply_operation(function, positional, named, at, span)
        if isinstance(function, BlockValue):
            return self.apply_block(function, positional, named, at, span)
        if isinstance(function, ExternValue):
            return self._apply_extern(function, positional, named, at, span)
        if isinstance(function, Choice):
            return self._apply_choice(function, positional, named, at, span)
        if named:
            raise Mistake("E0204", f"`{function.name}` has no argument called `{next(iter(named))}`", span)
        try:
            return function.function(*positional)
        except TypeError:
            if function.name in _OF_A_MAP and len(positional) == 1 and not isinstance(positional[0], MapValue):
                message = f"`{function.name}` is that of a feature map, found {describe(positional[0])}"
                raise NeedsMap("E0204", message, span, positional[0]) from None
            message = f"`{function.name}` cannot be called with {len(positional)} arguments of these kinds"
            raise Mistake("E0204", message, span) from None

    def _apply_operation(
        self, operation: Operation, positional: tuple[Any, ...], named: Mapping[str, Any], at: Place, span: Span
    ) -> MapValue:
        if operation.arity is None:
            inputs, rest = (*positional, *named.values()), ()
            named = {}
            if not inputs:
                raise Mistake("E0204", f"`{operation.name}` needs at least one map", span)
        else:
            inputs, rest = positional[: operation.arity], positional[operation.arity :]
            if len(inputs) < operation.arity:
                message = f"`{operation.name}` reads {operation.arity} maps, found {len(inputs)}"
                raise Mistake("E0204", message, span, help=f"write x >> {operation.name}(...)")
            if isinstance(inputs[0], Number):
                raise self._without_map(operation.name, inputs[0], span)
        sources = tuple(self._input(value, span) for value in inputs)
        names = [parameter.name for parameter in operation.parameters]
        given = match_arguments(operation.name, names, rest, named, span)
        attrs: dict[str, Any] = {}
        for parameter in operation.parameters:
            if parameter.name in given:
                value = given[parameter.name]
                wanted = bool if isinstance(parameter.default, bool) else Number
                if not isinstance(value, wanted):
                    expected = "true or false" if wanted is bool else "a number"
                    message = f"`{parameter.name}` of `{operation.name}` is {describe(value)}, {expected} was expected"
                    raise Mistake("E0204", message, span)
                attrs[parameter.name] = value
            elif parameter.default is not None:
                attrs[parameter.name] = _attribute(parameter.default)
            elif not parameter.inferred:
                raise Mistake("E0204", f"`{operation.name}` needs `{parameter.name}`", span, _NOT_GIVEN)
        name = at.named(operation.name)
        return MapValue(self.graph.apply(operation.name, sources, attrs, at.frame.scope, name, span))

    def _apply_extern(
        self, function: ExternValue, positional: tuple[Any, ...], named: Mapping[str, Any], at: Place, span: Span
    ) -> MapValue:
        """A node whose type is the declared one; arguments that are maps are its inputs."""
        extern = function.extern
        given = match_arguments(function.name, [p.name for p in extern.parameters], positional, named, span)
        frame = Frame(function.frame, at.frame.scope)
        self._parameters_into(frame, extern.parameters, given, function.name, span)
        inputs: list[Input] = []
        attrs: dict[str, Any] = {"target": extern.target.value}
        for parameter in extern.parameters:
            value = frame.names[parameter.name]
            if isinstance(value, MapValue):
                inputs.append(Input(value.node, called=value.called))
            elif isinstance(value, Number | bool | str):
                attrs[parameter.name] = value
            else:
                message = f"`{parameter.name}` of `{function.name}` is {describe(value)}"
                raise Mistake("E0204", message, span, help="an extern takes maps, numbers and strings")
        if not inputs:
            raise Mistake("E0204", f"`{function.name}` needs at least one map", span)
        kind = self._declared_type(extern, frame, self.graph.nodes[inputs[0].node].type)
        try:
            check_extern(kind, attrs)
        except RuleError as error:
            raise Mistake("E0301", error.message, span, help=error.help) from None
        name = at.named(function.name)
        return MapValue(self.graph.node("extern", tuple(inputs), attrs, kind, at.frame.scope, name, span))

    def _declared_type(self, extern: ast.Extern, frame: Frame, read: MapType) -> MapType:
        at = Place(frame)
        channels = self.number(extern.shape[0], at)
        if len(extern.shape) == 1:
            return MapType(channels, None, Fraction(0))
        height, width = (self.integer(item, at) for item in extern.shape[1:])
        if min(height, width) < 1:
            raise Mistake("E0306", f"a size must be positive, found {height}x{width}", extern.span)
        rates = {read.rate * read.size[0] / height, read.rate * read.size[1] / width} if read.size else set()
        return MapType(channels, (height, width), rates.pop() if len(rates) == 1 else Fraction(0))

    def _input(self, value: Any, span: Span) -> Input:
        if isinstance(value, Guarded):
            return Input(value.value.node, value.when, value.value.called)
        found = self.feature_map(value, span)
        return Input(found.node, called=found.called)

    def apply_block(
        self,
        function: BlockValue,
        positional: tuple[Any, ...],
        named: Mapping[str, Any],
        at: Place,
        span: Span,
        *,
        inside: int | None = None,
    ) -> Any:
        """The value of a block: its body elaborated in a scope of its own, or in the scope `inside`."""
        if self._depth >= MAX_CALLS:
            raise Mistake("E0701", f"blocks call one another deeper than the limit of {MAX_CALLS}", span)
        block = function.block
        given = match_arguments(function.name, [p.name for p in block.parameters], positional, named, span)
        for name, value in given.items():
            if isinstance(value, Guarded):
                message = f"a picked map cannot be an argument of `{function.name}`"
                raise Mistake("E0303", message, span, help=f"consume the pick with sum(...) or concat(...): `{name}`")
        scope = self._block_scope(function, at) if inside is None else inside
        frame = Frame(function.frame, scope)
        first = len(self.graph.nodes)
        self._depth += 1
        try:
            self._parameters_into(frame, block.parameters, given, function.name, span)
            self._call_by_parameters(frame, block.parameters)
            value = self._body(function, frame)
        except Mistake as mistake:
            if positional and _forgot_map(mistake, positional[0], span) and _reads_map(block):
                raise self._without_map(function.name, positional[0], span, block.parameters[0].span) from None
            raise _seen_from(mistake, function, span) from None
        finally:
            self._depth -= 1
        if block.sharing == "shared":
            self._check_shared(self.graph.scopes[scope].weights, function, self.graph.nodes[first:], span)
        return value

    def _without_map(self, name: str, value: Any, span: Span, declared: Span | None = None) -> Mistake:
        """The mistake of a call whose first argument is no map, though it should be one.

        What a block of the standard library calls is not to blame, and neither is an operation that a block applies to
        its first argument: the block may have been given the value itself.
        """
        message = f"the first argument of `{name}` is a map, found {describe(value)}"
        image = next((node.name for node in self.graph.nodes if node.op == "input"), "x")
        call = span.text if "\n" not in span.text else f"{name}(...)"
        hint = f"write {image} >> {call}"
        if declared is None or span.source.name.startswith((STANDARD_LIBRARY, STANDARD_FOLDER)):
            return NeedsMap("E0303", message, span, value, help=hint)
        labels = (Label(declared, "declared here"),) if declared.source == span.source else ()
        return Mistake("E0303", message, span, help=hint, labels=labels)

    def _parameters_into(
        self, frame: Frame, parameters: tuple[ast.Parameter, ...], given: Mapping[str, Any], name: str, span: Span
    ) -> None:
        """Give the parameters of a block or an extern their values."""
        for parameter in parameters:
            if parameter.name in given:
                frame.names[parameter.name] = given[parameter.name]
            elif parameter.default is not None:
                frame.names[parameter.name] = self.evaluate(parameter.default, Place(frame))
            else:
                raise Mistake("E0204", f"`{name}` needs `{parameter.name}`", span, _NOT_GIVEN)
            frame.places[parameter.name] = parameter.span

    def _call_by_parameters(self, frame: Frame, parameters: tuple[ast.Parameter, ...]) -> None:
        """Have the maps that a block is given called by its parameters; by those of the outer block of an alias."""
        scope = self.graph.scopes[frame.scope]
        if not scope.parameters:
            names = tuple(parameter.name for parameter in parameters)
            self.graph.scopes[frame.scope] = replace(scope, parameters=names)
        for parameter in parameters:
            value = frame.names[parameter.name]
            if isinstance(value, MapValue) and frame.scope not in dict(value.called):
                frame.names[parameter.name] = replace(value, called=(*value.called, (frame.scope, parameter.name)))

    def _block_scope(self, function: BlockValue, at: Place) -> int:
        return self._instance_of(function, at.frame.scope, at.named(function.name))

    def _instance_of(self, function: BlockValue, above: int, name: str) -> int:
        sharing = function.block.sharing
        return self.graph.scope(
            above,
            name,
            function.name,
            function.block.span,
            tied_to=function.frame.body.scope if sharing else None,
            shared=sharing == "shared",
        )

    def _check_shared(self, weights: str, function: BlockValue, nodes: list[Node], span: Span) -> None:
        """All calls of a shared block must make the same operations, since they share their weights."""
        known = self._shared.setdefault(weights, (nodes, span))
        for mine, its in zip_longest(nodes, known[0]):
            if mine is None or its is None or self._form(mine) != self._form(its):
                what = f"`{(mine or its).op}`"
                kinds = [self._reads(node) for node in (mine, its) if node is not None]
                found = f": {what} reads {kinds[0]} here, {kinds[1]} there" if len(kinds) == 2 else f" {what}"
                message = f"two calls of the shared block `{function.name}` differ{found}"
                raise Mistake(
                    "E0405", message, span, "this call", labels=(Label(known[1], "the first call"),),
                    help="they share their weights, so they need maps of equal channels; else declare it `tied`",
                )  # fmt: skip

    def _form(self, node: Node) -> tuple[Any, ...]:
        channels = [self.graph.nodes[i.node].type.channels for i in node.inputs]
        return node.op, node.attrs, node.type.channels, channels

    def _reads(self, node: Node) -> str:
        return " and ".join(str(self.graph.nodes[i.node].type) for i in node.inputs)

    def _body(self, function: BlockValue, frame: Frame) -> Any:
        """A block that only calls another block stands for it: no scope of its own."""
        body = function.block.body
        if function.block.short and isinstance(body[0], ast.Return) and isinstance(body[0].values[0], ast.Call):
            call = body[0].values[0]
            target = self.evaluate(call.function, Place(frame))
            if isinstance(target, BlockValue) and not target.block.sharing:
                positional, named = self._arguments(call, Place(frame))
                scope = self.graph.scopes[frame.scope]
                self.graph.scopes[frame.scope] = replace(scope, body=target.name, body_span=target.block.span)
                return self.apply_block(target, positional, named, Place(frame), call.span, inside=frame.scope)
        return self.run_body(body, frame, function.block.span)

    run_body: Callable[[tuple[ast.Statement, ...], Frame, Span], Any]

    def _apply_choice(
        self, choice: Choice, positional: tuple[Any, ...], named: Mapping[str, Any], at: Place, span: Span
    ) -> Any:
        results = []
        above = at.frame.scope
        for label, partial in choice.alternatives:
            name = f"{at.named(choice.name)}.{label}"
            clash = sorted(set(named) & set(partial.named))
            if clash:
                message = f"`{clash[0]}` is already given where `{label}` is declared"
                raise Mistake("E0204", message, span, labels=(Label(partial.span, "here"),))
            _check_positions(label, partial, positional[1:], span)
            arguments = (positional[0], *partial.positional, *positional[1:])
            results.append(
                self._alternative(partial.function, arguments, {**partial.named, **named}, above, name, span)
            )
        counts = [len(maps) for maps in results]
        if len(set(counts)) > 1:
            labels = tuple(Label(p.span, f"returns {n}") for (_, p), n in zip(choice.alternatives, counts, strict=True))
            raise Mistake("E0308", f"the alternatives of `{choice.name}` return {counts} maps", span, labels=labels)
        if not choice.decision:
            selected = list(results[0])
        else:
            selected = [self._mixed(choice, maps, at, span) for maps in zip(*results, strict=True)]
        return selected[0] if len(selected) == 1 else tuple(selected)

    def _mixed(self, choice: Choice, maps: tuple[MapValue, ...], at: Place, span: Span) -> MapValue:
        inputs = [
            Input(each.node, Atom(choice.decision, _plain_label(label)), each.called)
            for each, (label, _) in zip(maps, choice.alternatives, strict=True)
        ]
        return MapValue(self.graph.select("mix", inputs, {}, at.frame.scope, at.named(choice.name), span))

    def _alternative(
        self,
        function: Function,
        positional: tuple[Any, ...],
        named: Mapping[str, Any],
        above: int,
        name: str,
        span: Span,
    ) -> tuple[MapValue, ...]:
        if isinstance(function, BlockValue):
            scope = self._instance_of(function, above, name)
            value = self.apply_block(function, positional, named, Place(Frame(None, scope)), span, inside=scope)
        else:
            label = function.name
            scope = self.graph.scope(above, name, label, span)
            value = self.apply(function, positional, named, Place(Frame(None, scope)), span)
        return tuple(self.feature_map(item, span) for item in (value if isinstance(value, tuple) else (value,)))


def _forgot_map(mistake: Mistake, first: Any, span: Span) -> bool:
    """Whether the first argument of a call that failed may stand where the map should."""
    if isinstance(mistake, NeedsMap):
        return mistake.value is first
    return isinstance(first, Number) and mistake.diagnostic.note == _NOT_GIVEN and mistake.diagnostic.span == span


def _reads_map(block: ast.Block) -> bool:
    """Whether a block, as far as its text shows, takes its first argument for a map."""
    name = re.escape(block.parameters[0].name)
    return re.search(rf"\b{name}\s*>>|\b({'|'.join(_OF_A_MAP)}|sum|concat)\({name}\b", block.span.text) is not None


def _seen_from(mistake: Mistake, function: BlockValue, span: Span) -> Mistake:
    """A mistake inside the standard library is shown where its block is called."""
    found, library = mistake.diagnostic, function.block.span.source
    if (
        found.span.source != library
        or span.source == library
        or not library.name.startswith((STANDARD_LIBRARY, STANDARD_FOLDER))
    ):
        return mistake
    mine = tuple(label for label in found.labels if label.span.source != library)
    note = f"in `{function.name}`"
    return Mistake(found.code, found.message, span, note, help=found.help, labels=mine)


def _check_positions(label: str, partial: Partial, rest: tuple[Any, ...], span: Span) -> None:
    """Check that no argument of a choice's use takes the place of one that the alternative gives by name."""
    function = partial.function
    if isinstance(function, BlockValue):
        names = [parameter.name for parameter in function.block.parameters][1:]
    elif isinstance(function, Operation) and function.arity == 1:
        names = [parameter.name for parameter in function.parameters]
    else:
        return
    names = names[len(partial.positional) :]
    for i, name in enumerate(names[: len(rest)]):
        if name in partial.named:
            written = re.fullmatch(r"\w+\(([\w\s,]*)\)", span.text)
            text = written[1].split(",")[i].strip() if written else ""
            free = [each for each in names if each not in partial.named]
            meant = text if text in free else next(iter(free), "")
            hint = f"name it at the use: {meant} = {text or '...'}" if meant else "leave it out at the use"
            message = f"`{name}` of `{function.name}` is given twice, by position and by name"
            labels = (Label(partial.span, f"`{name}` is given by name here"),)
            raise Mistake("E0204", message, span, "by position here", labels=labels, help=hint)


def _plain_label(label: str) -> str | int:
    return int(label) if label.isdigit() else label


def _attribute(default: Any) -> Any:
    return default if isinstance(default, bool | str) else Number.of(default or 0)


def match_arguments(
    function: str, names: list[str], positional: tuple[Any, ...], named: Mapping[str, Any], span: Span
) -> dict[str, Any]:
    """Arguments by the names of the parameters."""
    if len(positional) > len(names):
        expected = f"{len(names)} arguments ({', '.join(names)})" if names else "no arguments"
        message = f"`{function}` takes at most {expected}; found {len(positional)} by position"
        raise Mistake("E0204", message, span)
    given = dict(zip(names, positional, strict=False))
    for name, value in named.items():
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"it has: {', '.join(names) or 'none'}"
            raise Mistake("E0204", f"`{function}` has no argument called `{name}`", span, help=hint)
        if name in given:
            raise Mistake("E0204", f"`{name}` of `{function}` is given twice, by position and by name", span)
        given[name] = value
    return given
