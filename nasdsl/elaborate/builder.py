"""Collects the nodes, scopes and decisions of the graph that is being made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import Any

from nasdsl.diagnostics.diagnostic import Label
from nasdsl.elaborate.imports import STANDARD_FOLDER, STANDARD_LIBRARY
from nasdsl.elaborate.values import Mistake
from nasdsl.ir.graph import Atom, Cases, Decision, Grid, Input, Kind, Node, Scope
from nasdsl.number import Number, quotient
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.ops.operation import DecidedError, RuleError, type_of
from nasdsl.source import Span
from nasdsl.types import MapType

MAX_NODES = 200_000
"""Most nodes a graph may have."""
MAX_JOINT_DOMAIN = 65_536
"""Most combinations of decisions a number may depend on."""


class GraphBuilder:
    """The graph so far. Every node that enters is type-checked here."""

    def __init__(self, name: str, span: Span) -> None:
        self.nodes: list[Node] = []
        self.scopes: list[Scope] = [Scope(0, None, name, name, span, "")]
        self.decisions: dict[str, Decision] = {}
        self.grids: dict[str, Grid] = {}
        self.cases: dict[str, Cases] = {}
        self._case_scopes: dict[str, int] = {}
        self.results: dict[tuple[int, int], str] = {}
        self._child_names: set[tuple[int, str]] = set()
        self._ordinals: set[int] = set()
        self._whole: set[Number] = set()

    def scope(
        self,
        parent: int,
        name: str,
        block: str,
        span: Span,
        *,
        path: str | None = None,
        cell: Any = None,
        tied_to: int | None = None,
        shared: bool = False,
    ) -> int:
        """A new scope; a name that is taken gets an ordinal, and then no decision may be declared inside.

        An instance of a tied block has the path of the scope it is `tied_to` and of the block, whatever its name.
        """
        above = self.scopes[parent]
        unique = self._unique(parent, name)
        if tied_to is not None:
            path = _joined(self.scopes[tied_to].path, block)
        elif path is None:
            path = _joined(above.path, unique)
        weights = _joined(self._instance(tied_to or 0), block) if shared else ""
        scope = Scope(len(self.scopes), parent, unique, block, span, path, cell or above.cell, weights)
        self.scopes.append(scope)
        if (unique != name or parent in self._ordinals) if tied_to is None else tied_to in self._ordinals:
            self._ordinals.add(scope.id)
        return scope.id

    def _instance(self, scope: int) -> str:
        """What tells an instance from all others, but not from those it shares its weights with."""
        me = self.scopes[scope]
        if me.weights or me.parent is None:
            return me.weights
        return _joined(self._instance(me.parent), me.name)

    def _unique(self, parent: int, name: str) -> str:
        unique, count = name, 1
        while (parent, unique) in self._child_names:
            count += 1
            unique = f"{name}_{count}"
        self._child_names.add((parent, unique))
        return unique

    def declare(self, decision: Decision, scope: int) -> None:
        """Add a decision; a tied block declares the same one again, which must agree."""
        if scope in self._ordinals:
            call = self.scopes[scope]
            raise Mistake(
                "E0207",
                f"several calls of `{call.block}` in one expression declare decisions of one name",
                decision.span,
                "declared here",
                help="give the results of the calls names of their own, or label them: sum(near = f(x), far = f(y))",
            )
        known = self.decisions.setdefault(decision.path, decision)
        if (known.domain, known.count, known.soft) != (decision.domain, decision.count, decision.soft):
            raise Mistake(
                "E0403",
                f"`{decision.path}` is tied, but its domain differs between two uses",
                decision.span,
                f"here {_braces(decision.domain)}",
                labels=(Label(known.span, f"first {_braces(known.domain)}"),),
            )

    def node(
        self,
        op: str,
        inputs: tuple[Input, ...],
        attrs: Mapping[str, Any],
        kind: MapType,
        scope: int,
        name: str,
        span: Span,
    ) -> int:
        """Add a node whose type is known; returns its id."""
        if len(self.nodes) >= MAX_NODES:
            raise Mistake("E0701", f"the graph has more than {MAX_NODES} nodes, the limit", span)
        self._check_whole(kind.channels, span)
        self._check_numbers(op, attrs, span)
        if inputs:
            self._check_in_sight(op, attrs, self.nodes[inputs[0].node].type.channels, scope, span)
        unique = self._unique(scope, name)
        self.nodes.append(Node(len(self.nodes), op, inputs, attrs, kind, scope, unique, span))
        return len(self.nodes) - 1

    def apply(
        self, op: str, inputs: tuple[Input, ...], attrs: dict[str, Any], scope: int, name: str, span: Span
    ) -> int:
        """Add a node of a catalogued operation, inferring and checking its type."""
        operation = OPERATIONS[op]
        if isinstance(attrs.get("c"), Number):
            self._check_whole(attrs["c"], span)
        for decided in operation.elastic:
            self._check_number(op, decided, attrs[decided], span)
            self._check_joint(f"`{decided}` = {attrs[decided]} takes", attrs[decided].symbols, span)
        types = [self.nodes[i.node].type for i in inputs]
        try:
            attrs |= {k: v for k, v in operation.infer(types, attrs).items() if k not in attrs}
            for division in operation.divisions(types, attrs):
                what = f"whether {division.divisor} divides {division.dividend} is asked for"
                self._check_joint(what, division.open, span)
            kind = type_of(operation, types, attrs, self.domain)
        except DecidedError as error:
            number = attrs[error.attribute]
            hint = self._among_operations(op, error.attribute, number, scope)
            raise Mistake("E0301", error.message, span, f"found {number}", help=error.help or hint) from None
        except RuleError as error:
            raise Mistake("E0301", error.message, span, help=error.help) from None
        if any(i.when is not None for i in inputs):
            self._check_picked(op, inputs, span)
            kind = self._picked(inputs, kind, span) if op == "concat" else kind
        return self.node(op, inputs, attrs, kind, scope, name, span)

    def _among_operations(self, op: str, attribute: str, number: Number, scope: int) -> str:
        """What to write instead of an attribute that decisions decide."""
        call, at = op, self.scopes[scope]
        while at.parent is not None and at.span.source.name.startswith((STANDARD_LIBRARY, STANDARD_FOLDER)):
            call, at = at.block, self.scopes[at.parent]
        values = number.values(self.domain)[:2]
        named = all(value.denominator == 1 and value >= 0 for value in values)
        labels = [f"{attribute}{value}" for value in values] if named else ["a", "b"]
        items = ", ".join(
            f"{label}: {call}({attribute} = {value})" for label, value in zip(labels, values, strict=False)
        )
        return f"choose among operations instead: choose op in {{ {items} }}"

    def _check_picked(self, op: str, inputs: tuple[Input, ...], span: Span) -> None:
        """Only what takes any number of maps may be given picked ones, and always as many."""
        if OPERATIONS[op].arity is not None:
            message = f"`{op}` reads maps that are always there, found picked ones"
            raise Mistake("E0303", message, span, help="consume the pick with sum(...) or concat(...)")
        pick = next(self.decisions[i.when.decision] for i in inputs if i.when is not None)
        left_out = len(pick.domain) - len(inputs)
        if left_out:
            raise Mistake(
                "E0301", f"how many maps `{op}` reads depends on what `{pick.path}` picks", span,
                f"{left_out} of the {len(pick.domain)} members are left out",
                help="read every member of a pick, or let the pick have fewer members",
            )  # fmt: skip

    def _picked(self, inputs: tuple[Input, ...], kind: MapType, span: Span) -> MapType:
        """The type of a concatenation of picked maps: as many of the (equal) maps as the pick takes."""
        decisions = {i.when.decision for i in inputs if i.when is not None}
        channels = {self.nodes[i.node].type.channels for i in inputs}
        if len(decisions) != 1 or len(channels) != 1 or any(i.when is None for i in inputs):
            raise Mistake(
                "E0301", "`concat` of picked maps needs maps of equal channels from one pick", span,
                help="bring them to the same number of channels, for example with conv_bn(c, k = 1)",
            )  # fmt: skip
        count = self.decisions[decisions.pop()].count
        return MapType(channels.pop() * count, kind.size, kind.rate)

    def select(self, op: str, inputs: list[Input], attrs: Mapping[str, Any], scope: int, name: str, span: Span) -> int:
        """Add a node that passes on one of several maps, which must have one type."""
        kinds = [self.nodes[i.node].type for i in inputs]
        for i, kind in zip(inputs, kinds, strict=True):
            if (kind.channels, kind.size) != (kinds[0].channels, kinds[0].size):
                decision = self.decisions.get(i.when.decision) if i.when else None
                raise Mistake(
                    "E0308",
                    f"`{_condition(inputs[0])}` gives {kinds[0]}, `{_condition(i)}` gives {kind}",
                    span,
                    "must have one type in every architecture",
                    help="give every alternative the same channels and the same stride",
                    labels=(Label(decision.span, "decided here"),) if decision else (),
                )
        return self.node(op, tuple(inputs), attrs, kinds[0], scope, name, span)

    def domain(self, symbol: str) -> tuple[int | Fraction, ...]:
        """The values of a symbol, ascending."""
        if symbol in self.cases:
            return tuple(sorted({v for _, number in self.cases[symbol].cases for v in number.values(self.domain)}))
        return tuple(sorted(v for v in self.decisions[symbol].domain if isinstance(v, int)))

    def _check_whole(self, channels: Number, span: Span) -> None:
        if channels in self._whole:
            return
        self._check_joint(f"the channels {channels} take", channels.symbols, span)
        for value in channels.values(self.domain):
            if value.denominator != 1 or value < 1:
                text = str(channels) if channels.symbols else ""
                raise Mistake(
                    "E0306",
                    f"channels must be a positive integer, found {f'{text} = ' if text else ''}{value}",
                    span,
                    help="choose the parameters of the space so that every width comes out whole",
                )
        self._whole.add(channels)

    def _check_joint(self, what: str, symbols: tuple[str, ...], span: Span) -> None:
        combinations = prod(len(self.domain(symbol)) for symbol in symbols)
        if combinations > MAX_JOINT_DOMAIN:
            raise Mistake("E0701", f"{what} {combinations} values, over the limit of {MAX_JOINT_DOMAIN}", span)

    def _check_numbers(self, op: str, attrs: Mapping[str, Any], span: Span) -> None:
        for name, value in attrs.items():
            if isinstance(value, Number):
                self._check_number(op, name, value, span)

    def _check_number(self, op: str, name: str, value: Number, span: Span) -> None:
        for symbol in value.symbols:
            if symbol in self.decisions and self.decisions[symbol].kind is Kind.DEPTH:
                raise Mistake(
                    "E0302", f"`{name}` of `{op}` depends on `{symbol}`, a depth", span,
                    "must not depend on it",
                    labels=(Label(self.decisions[symbol].span, "declared here"),),
                    help="a depth says how far a chain is live: y[d]; for numbers declare a width or a choice",
                )  # fmt: skip

    def _check_in_sight(self, op: str, attrs: Mapping[str, Any], given: Number, scope: int, span: Span) -> None:
        """The channels of a route's last map are known where its grid is, and where the map itself is read."""
        for name, number in attrs.items():
            for case in set(number.symbols) & set(self.cases) if isinstance(number, Number) else ():
                around: int | None = scope
                while around not in (None, self._case_scopes[case]):
                    around = self.scopes[around].parent
                share = quotient(number, given)
                if around is None and (share is None or share[0]):  # no constant share of what the operation reads
                    raise Mistake(
                        "E0302", f"`{name}` of `{op}` depends on the channels of `{case}`, whose grid is not in sight",
                        span, "only known in the block that has the grid",
                        help="bring the map to a number of channels of its own first: conv(c, k = 1)",
                    )  # fmt: skip

    def last_channels(self, name: str, cases: list[tuple[Atom, Number]], scope: int) -> Number:
        """The channels of one of several maps: a number if all agree, else a symbol for the case distinction.

        Args:
            name: What the symbol is called.
            cases: The channels of each map, and when it is the one.
            scope: That of the grid.
        """
        if len({number for _, number in cases}) == 1:
            return cases[0][1]
        self._case_scopes[name] = scope
        self.cases[name] = Cases(tuple(cases))
        return Number.symbol(name)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _condition(i: Input) -> str:
    if i.when is None:
        return "the map"
    return i.when.value if isinstance(i.when.value, str) else f"{i.when.decision} = {i.when.value}"


def _braces(domain: tuple[Any, ...]) -> str:
    return "{" + ", ".join(map(str, domain)) + "}"


def pruned(nodes: list[Node], roots: set[int]) -> tuple[tuple[Node, ...], dict[int, int]]:
    """The nodes that some root reads, renumbered, and the new number of each."""
    keep = set(roots)
    for node in reversed(nodes):
        if node.id in keep:
            keep.update(i.node for i in node.inputs)
    number = {old: new for new, old in enumerate(sorted(keep))}
    kept = tuple(
        replace(n, id=number[n.id], inputs=tuple(replace(i, node=number[i.node]) for i in n.inputs))
        for n in nodes
        if n.id in keep
    )
    return kept, number


def used_symbols(nodes: tuple[Node, ...], cases: Mapping[str, Cases]) -> set[str]:
    """The decisions and case distinctions that nodes depend on."""
    used: set[str] = set()
    for node in nodes:
        used.update(i.when.decision for i in node.inputs if i.when is not None)
        used.update(node.type.channels.symbols)
        for value in node.attrs.values():
            if isinstance(value, Number):
                used.update(value.symbols)
    for name in used & set(cases):
        for atom, number in cases[name].cases:
            used.add(atom.decision)
            used.update(number.symbols)
    return used
