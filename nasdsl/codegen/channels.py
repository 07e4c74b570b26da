"""What an instance knows of decisions: how it reads them, and the channels that follow from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import lcm
from typing import Any

from nasdsl.codegen.arguments import with_separate_arguments
from nasdsl.codegen.blocks import Block, Item, Outliner, Shared
from nasdsl.codegen.classnames import body_name
from nasdsl.codegen.group import Group, steps_of
from nasdsl.codegen.layout import flat, literal, quoted
from nasdsl.ir.graph import Graph, Kind, Node, Scope
from nasdsl.number import Number, quotient
from nasdsl.passes.module_paths import identifier, module_tree
from nasdsl.passes.openings import with_shared_openings


class Channels:
    """The decisions and channels of a graph, as block instances see them.

    Attributes:
        original: The graph.
        graph: The graph with separate arguments (see `nasdsl.codegen.arguments`).
        outliner: Its blocks.
        top: The block of the graph itself.
        levels: All blocks, those that hold others after these; instances of one block, if possible, together.
    """

    def __init__(self, graph: Graph) -> None:
        self.original = graph
        arguments = with_separate_arguments(module_tree(with_shared_openings(graph)).graph)
        self.graph = graph = arguments.graph
        self.outliner = Outliner(arguments)
        self.top = self.outliner.top()
        self._cell_scopes = {graph.nodes[join].scope for grid in graph.grids.values() for join in grid.cells.values()}
        self._widths = self._width_owners()
        self._numbers_inside = self._attributes_inside()
        self._felt_in: dict[int, dict[Any, list[str]]] = {}
        self._of: dict[int, tuple[Group, int]] = {}
        self.levels = self._levels()
        self._multiples = self._multiplied_parameters(block for level in self.levels for block in level)

    def _levels(self) -> list[list[Block]]:
        heights: dict[int, int] = {}
        blocks: list[Block] = []
        self._height(self.top, heights, blocks)
        names = {id(block): body_name(self.graph.scopes[block.scope]) for block in blocks}
        inner: dict[str, dict[str, None]] = {name: {} for name in names.values()}
        for block in blocks:
            inner[names[id(block)]] |= {names[id(child)]: None for step in steps_of(block) for child in step.child}
        order = _by_use(inner, names[id(self.top)])
        levels: dict[int, list[Block]] = {}
        for block in blocks:
            levels.setdefault(order.get(names[id(block)], heights[id(block)]), []).append(block)
        return [level for _, level in sorted(levels.items())]

    def _height(self, block: Block, known: dict[int, int], blocks: list[Block]) -> int:
        if id(block) not in known:
            inner = [child for step in steps_of(block) for child in step.child]
            known[id(block)] = 1 + max((self._height(child, known, blocks) for child in inner), default=-1)
            blocks.append(block)
        return known[id(block)]

    def of(self, block: Block) -> tuple[Group, int]:
        """The class of an instance, and its place among the class's instances."""
        return self._of[id(block)]

    def scope_of(self, group: Group) -> Scope:
        """The scope of the first instance of a class."""
        return self.graph.scopes[group.blocks[0].scope]

    def path(self, block: Block) -> str:
        """The prefix of the decisions declared in an instance."""
        return self.graph.scopes[block.scope].path

    def relative(self, path: str, block: Block) -> str:
        """A decision's path as the instance calls it; "" if the decision is none of its own."""
        prefix = self.path(block)
        if not prefix:
            return path
        return path[len(prefix) + 1 :] if path.startswith(f"{prefix}.") else ""

    def condition(self, path: str, block: Block) -> tuple[str, str]:
        """How an instance reads a decision: the view of the decisions and the name in it."""
        name = self.relative(path, block)
        return ("arch", name) if name else ("arch.root", path)

    def view(self, path: str, block: Block) -> str:
        """The view of the decisions that an inner instance gets."""
        if path == self.path(block):
            return "arch"
        view, name = self.condition(path, block)
        return f"{view} / {flat(literal(name))}" if path else "arch.root"

    def number_text(self, number: Number | None, block: Block, name: str) -> str | None:
        """A number that an instance can compute from decisions of its own, else None: it must be told.

        Args:
            number: The number.
            block: The instance.
            name: What it is: begins like one of `TOLD`. Channels are said in terms of those of maps, where they can be.
        """
        if number is None:
            return None
        by_shape = self._by_shape(number, block) if name[0] == "c" else ""
        if by_shape:
            return by_shape
        if not self._at_hand(number, block):
            return None
        scale = lcm(*(coefficient.denominator for _, coefficient in number.terms))
        total = ""
        for monomial, coefficient in number.terms:
            integer = int(coefficient * scale)
            factors = [self._read(symbol, block) for symbol in monomial]
            term = " * ".join(factors if abs(integer) == 1 and factors else [str(abs(integer)), *factors])
            minus = " - " if total else "-"
            total += (minus if integer < 0 else " + " if total else "") + term
        if scale == 1:
            return total
        return f"{total} // {scale}" if len(number.terms) == 1 else f"({total}) // {scale}"

    def _at_hand(self, number: Number, block: Block) -> bool:
        """Whether an instance can read all that a number depends on: decisions of its own, grids that it walks."""
        cases = [symbol for symbol in number.symbols if symbol in self.graph.cases]
        walked = {symbol for symbol in cases if self.outliner.grid_of(symbol) in self._walks(block)}
        owned = {symbol for symbol in walked if self._owns(block, symbol)}
        own = all(symbol in walked or self.relative(symbol, block) for symbol in number.symbols)
        return number.constant is not None or own or bool(owned)

    def _walks(self, block: Block) -> set[Any]:
        """The grids that an instance walks, or is given the walk of."""
        return {*block.arguments, *(ref for item in block.items for ref in item.makes)}

    def _owns(self, block: Block, case: str) -> bool:
        return self.outliner.grid_owner(self.outliner.grid_of(case)) == block.scope

    def _read(self, symbol: str, block: Block) -> str:
        """How an instance reads a decided number, or, through a walk, the channels of a route's last map."""
        if symbol in self.graph.cases:
            route, (_, rate) = self.outliner.last_of(symbol)
            place = list(self.graph.grids).index(self.outliner.grid_of(symbol))
            return f"{{walk {place}}}.last({quoted(route)}, {rate}).shape[1]"
        view, name = self.condition(symbol, block)
        return f"{view}[{flat(literal(name))}]"

    def _by_shape(self, number: Number, block: Block) -> str:
        """A number that is that of an argument's channels times decisions of the instance: `arch["e"] * x.shape[1]`."""
        for ref, name in zip(block.arguments, block.names, strict=True):
            if isinstance(ref, int) and name:
                channels = self.graph.nodes[ref].type.channels.substitute(block.values)
                known = (body_name(self.graph.scopes[block.scope]), name) in self._multiples
                text = self._multiple(number, channels, block, identifier(name))
                if text and (channels.constant is None or known):
                    return text
        return ""

    def _multiple(self, number: Number, channels: Number, block: Block, x: str) -> str:
        """A number that depends on decisions in terms of the channels of a map; "" if they do not help."""
        known = quotient(number, channels)
        if known is None or number.constant is not None:
            return ""
        symbols, ratio = known
        own = [self.relative(symbol, block) for symbol in symbols]
        if not all(own) or not (own or any(symbol in self.graph.cases for symbol in number.symbols)):
            return ""
        factors = [str(ratio.numerator)] if ratio.numerator != 1 else []
        factors += [*(f"arch[{flat(literal(symbol))}]" for symbol in own), f"{x}.shape[1]"]
        return " * ".join(factors) + (f" // {ratio.denominator}" if ratio.denominator != 1 else "")

    def _multiplied_parameters(self, blocks: Iterable[Block]) -> set[tuple[str, str]]:
        """The parameters of blocks whose channels instances multiply by their own decisions.

        Where they are constant the text may mean the number as well; then it is written as in the other instances.
        Where they are constant in all, but not the same, the product is what the instances have in common.
        """
        numbers: dict[int, set[Number]] = {}
        for node in self.graph.nodes:
            if node.type.channels.symbols:
                for scope in self.outliner.tree.chain(node.scope):
                    numbers.setdefault(scope, set()).add(node.type.channels)
        factors: dict[tuple[str, str], dict[Number, set[frozenset[Any]]]] = {}
        for block in blocks:
            for ref, name in zip(block.arguments, block.names, strict=True):
                if isinstance(ref, int) and name:
                    channels = self.graph.nodes[ref].type.channels
                    mine = self._own_factors(numbers.get(block.scope, ()), channels, block)
                    key = body_name(self.graph.scopes[block.scope]), name
                    factors.setdefault(key, {}).setdefault(channels, set()).add(mine)
        return {key for key, of in factors.items() if _are_products(of)}

    def _own_factors(self, numbers: Iterable[Number], channels: Number, block: Block) -> frozenset[Any]:
        """By which decisions of its own, and constants, an instance multiplies channels to make some of the numbers."""
        found = set()
        for number in numbers:
            factors = quotient(number, channels)
            own = tuple(self.relative(symbol, block) for symbol in factors[0]) if factors else ()
            if factors and own and all(own):
                found.add((own, factors[1]))
        return frozenset(found)

    def told_text(self, block: Block, item: Item, name: str) -> str | None:
        """How a sliced operation says one of its numbers, with `{x}` for its input; None: it must be told."""
        number = sliced_number(item, name)
        assert item.node is not None, "only operations are sliced"
        if name == "c" and any(symbol in self.graph.cases for symbol in number.symbols):
            kind = self.graph.nodes[item.node.inputs[0].node].type
            text = self._multiple(number, kind.channels.substitute(block.values), block, "{x}")
            if text:
                return text
        return self.number_text(number, block, name)

    def _width_owners(self) -> dict[str, list[str]]:
        """The decided numbers by the path of the innermost instance they belong to, without those of cells."""
        scopes = [self.graph.scopes[scope] for scope in (0, *self.outliner.tree.parent)]
        paths = {scope.path for scope in scopes}
        cells = {scope.path for scope in scopes if scope.id in self._cell_scopes}
        owners: dict[str, list[str]] = {}
        for decision in self.graph.decisions.values():
            if decision.kind in (Kind.WIDTH, Kind.CHOOSE) and isinstance(decision.domain[0], int):
                owner = decision.path
                while owner and owner not in paths:
                    owner = owner.rpartition(".")[0]
                if owner not in cells:
                    owners.setdefault(owner, []).append(decision.path)
        return owners

    def scaled(self, block: Block, item: Item) -> tuple[str, ...]:
        """The widths, decided in this instance, for whose gradient a step's map is where it is felt.

        That is where a map of this width is read by something that makes another width, or leaves the instance.
        """
        if block.is_cell or item.grid is not None or len(item.makes) != 1 or not isinstance(item.makes[0], int):
            return ()
        (made,) = item.makes
        readers = [other for other in block.items if made in other.reads]
        found = []
        for symbol in self._felt(block).get(made, ()):
            ends = [symbol not in self._symbols(ref) for other in readers for ref in other.makes]
            if made in block.results or not readers or any(ends):
                found.append(self.relative(symbol, block))
        return tuple(found)

    def _felt(self, block: Block) -> dict[Any, list[str]]:
        """For each map made in an instance the widths decided there that it has, or, where none has, that it uses."""
        if id(block) in self._felt_in:
            return self._felt_in[id(block)]
        mine = self._widths.get(self.path(block), [])
        felt: dict[Any, list[str]] = {}
        for symbol in mine:
            makers = [
                ref for item in block.items if item.grid is None for ref in item.makes if symbol in self._symbols(ref)
            ]
            if not makers:
                users = [item for item in block.items if item.grid is None and symbol in self._used_symbols(item)]
                makers = [ref for item in users for ref in item.makes]
            for ref in makers:
                felt.setdefault(ref, []).append(symbol)
        self._felt_in[id(block)] = felt
        return felt

    def _symbols(self, ref: Any) -> tuple[str, ...]:
        return self.graph.nodes[ref].type.channels.symbols if isinstance(ref, int) else ()

    def _used_symbols(self, item: Item) -> set[str]:
        """The decided numbers that a call or an operation has among its attributes, whatever they are fixed to be."""
        if not item.child:
            return _attribute_symbols(item.node) if item.node else set()
        inner = self._numbers_inside[item.child[0].scope] | set(item.symbols)
        return inner.union(*(self.outliner.variants(ref) for ref in item.reads if isinstance(ref, Shared)))

    def _attributes_inside(self) -> dict[int, set[str]]:
        """For each instance the decided numbers among the attributes of its operations and of those within it."""
        found: dict[int, set[str]] = {scope: set() for scope in (0, *self.outliner.tree.parent)}
        for node in self.graph.nodes:
            symbols = _attribute_symbols(node)
            for scope in self.outliner.tree.chain(node.scope) if symbols else ():
                found[scope] |= symbols
        return found


def _attribute_symbols(node: Node) -> set[str]:
    return {symbol for number in node.attrs.values() if isinstance(number, Number) for symbol in number.symbols}


def _by_use(inner: Mapping[str, Iterable[str]], top: str) -> dict[str, int]:
    """Names in an order in which each comes after those inside it, close to its first use; {} if there is none."""
    order: dict[str, int] = {}
    path: dict[str, Iterator[str]] = {top: iter(inner[top])}
    while path:
        name, rest = next(reversed(path.items()))
        child = next((each for each in rest if each not in order), None)
        if child is None:
            order[name] = len(order)
            path.popitem()
        elif child in path:
            return {}
        else:
            path[child] = iter(inner[child])
    return order


def _are_products(factors: Mapping[Number, set[frozenset[Any]]]) -> bool:
    """Whether maps of these channels are multiplied by decisions: where the channels are decided in any way, where they
    are constant in the same way everywhere.
    """
    if any(channels.constant is None and any(ways) for channels, ways in factors.items()):
        return True
    alike = {factor for ways in factors.values() for factor in ways}
    return len(factors) > 1 and len(alike) == 1 and any(alike)


def sliced_number(item: Item, name: str) -> Number:
    """What a sliced operation is told (one of `nasdsl.ops.operation.TOLD`), in terms of all decisions."""
    assert item.node is not None, "only operations are sliced"
    number = item.node.type.channels if name == "c" else item.node.attrs[name]
    assert isinstance(number, Number), "channels and kernels are numbers"
    return number
