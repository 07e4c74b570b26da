"""The outliner, first half: every block instance as a list of what its `forward` does.

An instance is cut out of the graph with the maps that cross its border: those it reads (the arguments of `forward`) and
those that are read outside (its results). Inside a grid the links are called by a walker, which lies where the grid was
declared and is an argument like a map.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field

from nasdsl.codegen.arguments import Arguments
from nasdsl.ir.graph import Atom, Cell, Grid, Node
from nasdsl.number import Number, quotient
from nasdsl.ops.operation import TOLD, TorchForm
from nasdsl.passes.module_paths import ModuleTree


@dataclass(frozen=True, slots=True)
class Shared:
    """The module of a shared block, by the first of the instances that share it."""

    scope: int


Ref = int | str | Shared
"""A map (the node that makes it), a grid (its path) or a module that several calls share."""


@dataclass(slots=True)
class Item:
    """One step of a `forward`: an operation, the call of an inner instance, a selecting node or the walk of a grid.

    Attributes:
        reads: The maps and grids it reads, in order, each once.
        makes: The map or maps it makes; for a walk its grid.
        node: The operation or selecting node, else None.
        forms: The PyTorch forms of an operation: one, or one for each value of `symbols`.
        child: The inner instances it calls: one, or one for each value of `symbols`; else empty.
        symbols: The choices among numbers of which each value has its own module.
        grid: The grid it walks, else None.
        cells: Of a walk, for each of its cells the calls that make the cell's instances.
        shared: Of the call of a shared block its module.
    """

    reads: tuple[Ref, ...]
    makes: tuple[Ref, ...]
    node: Node | None = None
    forms: tuple[TorchForm, ...] = ()
    child: tuple[Block, ...] = ()
    symbols: tuple[str, ...] = ()
    grid: Grid | None = None
    cells: dict[int, Item] = field(default_factory=dict)
    shared: Shared | None = None

    @property
    def key(self) -> int:
        """Where it stands among the others if the data leave a choice."""
        if self.is_alias:
            return -1
        return min(ref for ref in self.makes if isinstance(ref, int)) if self.grid is None else self.grid.links[0].node

    @property
    def is_alias(self) -> bool:
        """Whether what it makes is what it reads."""
        return bool(self.forms) and self.forms[0].call == "{x}"


@dataclass(slots=True)
class Block:
    """A block instance, under given values of choices among numbers.

    Attributes:
        scope: Its scope.
        values: Those values.
        arguments: What it reads from outside: by its parameters, in their order, then as it is used.
        names: By what parameter it reads the first of them; "" for what it reads from around the block.
        results: The maps read outside, in order.
        items: What it does, in order.
        holds: The modules that its calls share, each as a step that is not done.
        is_cell: Whether it is a cell of a grid: then the walk calls its items one by one.
    """

    scope: int
    values: Mapping[str, int]
    arguments: tuple[Ref, ...]
    names: tuple[str, ...]
    results: tuple[int, ...]
    items: tuple[Item, ...]
    holds: tuple[Item, ...] = ()
    is_cell: bool = False


class Outliner:
    """Cuts a graph into blocks.

    Args:
        arguments: The graph, with separate arguments.
    """

    def __init__(self, arguments: Arguments) -> None:
        self.graph = graph = arguments.graph
        self.names = arguments.names
        self.tree = ModuleTree(graph)
        self._grid_of_route = {d.path: d.grid for d in graph.decisions.values() if d.grid}
        self._joins = {join: path for path, grid in graph.grids.items() for join in grid.cells.values()}
        self._home = self._homes()
        self._blocks: dict[tuple[int, tuple[tuple[str, int], ...]], Block] = {}
        self._variants: dict[int, tuple[str, ...]] = {}
        self._reads, self._makes = self._borders()

    def top(self) -> Block:
        """The whole graph."""
        return self._block(0, {})

    def _homes(self) -> dict[int, int]:
        """The instance that is a module for every scope; nodes outside of such instances belong to it."""
        home: dict[int, int] = {}
        for scope in self.graph.scopes:
            if scope.id == 0 or scope.id in self.tree.parent:
                home[scope.id] = scope.id
        return home

    def reads_of(self, node: Node) -> tuple[Ref, ...]:
        """What a node reads: routes read their grid, joins read nothing themselves.

        An operation reads a grid, too, if it is told the channels of a route's last map and does not read the map.
        """
        if node.op in ("route_end", "route_last"):
            return (self._grid_of_route[str(node.attrs["route"])],)
        if node.op == "join":
            return ()
        cases = [symbol for number in self._told(node) for symbol in number.symbols if symbol in self.graph.cases]
        return tuple(dict.fromkeys((*(i.node for i in node.inputs), *map(self.grid_of, cases))))

    def _told(self, node: Node) -> list[Number]:
        """What an operation is told that is no multiple, by decisions of its instance, of the channels it reads."""
        given = self.graph.nodes[node.inputs[0].node].type.channels if node.inputs else Number.of(0)
        path = self.graph.scopes[node.scope].path
        found = []
        for number in (node.attrs[name] for name in TOLD if name in node.attrs):
            factors = quotient(number, given) if isinstance(number, Number) else None
            if isinstance(number, Number) and not (
                factors and all(not path or symbol.startswith(f"{path}.") for symbol in factors[0])
            ):
                found.append(number)
        return found

    def last_of(self, case: str) -> tuple[str, Cell]:
        """The route whose last map has these channels, and one of the cells where it can be."""
        atom, _ = self.graph.cases[case].cases[0]
        assert isinstance(atom.value, tuple), "routes lead through cells"
        return atom.decision, atom.value

    def grid_of(self, case: str) -> str:
        """The grid of that route."""
        return self._grid_of_route[self.last_of(case)[0]]

    def _borders(self) -> tuple[dict[int, dict[Ref, None]], dict[int, dict[int, None]]]:
        """For each instance what it reads from outside and what is read from it."""
        reads: dict[int, dict[Ref, None]] = {scope: {} for scope in self._home}
        makes: dict[int, dict[int, None]] = {scope: {} for scope in self._home}
        inside = {scope: set(self.tree.chain(scope)) for scope in self._home}
        self.inside = inside
        owner = {path: self.grid_owner(path) for path in self.graph.grids}
        self._used = {task.output for task in self.graph.tasks}
        self._used |= {i.node for node in self.graph.nodes for i in node.inputs}
        for node in self.graph.nodes:
            for ref in self.reads_of(node):
                made_in = inside[self.graph.nodes[ref].scope] if isinstance(ref, int) else inside[owner[str(ref)]]
                for scope in self.tree.chain(node.scope):
                    if scope not in made_in:
                        reads[scope][ref] = None
                if isinstance(ref, int):
                    self._mark(ref, inside[node.scope], makes)
        for task in self.graph.tasks:
            self._mark(task.output, {0}, makes)
        for grid in self.graph.grids.values():
            start = self.start(grid)
            for scope in self.tree.chain(owner[grid.path]):
                if scope not in inside[self.graph.nodes[start].scope]:
                    reads[scope][start] = None
            self._mark(start, inside[owner[grid.path]], makes)
            for link in grid.links:
                self._mark(link.node, inside[owner[grid.path]], makes)
        for child in filter(self.tree.is_held, self.tree.parent):
            shared = Shared(self.tree.first(child))
            for scope in self.tree.chain(self.tree.parent[child]):
                if self.tree.first(scope) == self.tree.holder[shared.scope]:
                    break
                reads[scope][shared] = None
        return reads, makes

    def _mark(self, node: int, reader: set[int], makes: dict[int, dict[int, None]]) -> None:
        if self.graph.nodes[node].op == "join":
            return
        for scope in self.tree.chain(self.graph.nodes[node].scope):
            if scope not in reader:
                makes[scope][node] = None

    def grid_owner(self, path: str) -> int:
        """The instance in which a grid is walked."""
        grid = self.graph.grids[path]
        cell = self.graph.nodes[grid.cells[grid.source]].scope
        return self.tree.parent[cell]

    def start(self, grid: Grid) -> int:
        """The map that enters a grid."""
        return self.graph.nodes[grid.cells[grid.source]].inputs[0].node

    def _block(self, scope: int, values: Mapping[str, int]) -> Block:
        key = (scope, tuple(sorted(values.items())))
        if key not in self._blocks:
            self._blocks[key] = self._made_block(scope, values)
        return self._blocks[key]

    def _made_block(self, scope: int, values: Mapping[str, int]) -> Block:
        for child in self.tree.holds(scope):
            self._variants[child] = self.tree.scope_variants(child, values)
        holds = tuple(self._hold(child, values) for child in self.tree.holds(scope))
        cell_scopes = {self.graph.nodes[join].scope for join in self._joins}
        items = [
            self._call(child, values)
            for child in self.tree.children[scope]
            if child not in cell_scopes and self._makes[child]
        ]
        for path, grid in self.graph.grids.items():
            if self.grid_owner(path) == scope:
                items.append(self._walk(grid, values))
        live = (n for n in self.tree.nodes[scope] if n.op not in ("input", "join") and n.id in self._used)
        items += [self._operation(node, values) for node in live]
        results = tuple(sorted(self._makes[scope]))
        is_cell = scope in cell_scopes
        arguments = self._arguments(scope)
        names = tuple(self.names.get((scope, ref), "") if isinstance(ref, int) else "" for ref in arguments)
        return Block(scope, values, arguments, names, results, self._ordered(items), holds, is_cell)

    def _arguments(self, scope: int) -> tuple[Ref, ...]:
        parameters = self.graph.scopes[scope].parameters

        def rank(ref: Ref) -> int:
            name = self.names.get((scope, ref), "") if isinstance(ref, int) else ""
            return parameters.index(name) if name in parameters else len(parameters)

        return tuple(sorted(self._reads[scope], key=rank))

    def _operation(self, node: Node, values: Mapping[str, int]) -> Item:
        selecting = node.op in ("mix", "route_end", "route_last")
        symbols = self.tree.node_variants(node, values)
        assignments = self.tree.assignments(symbols)
        forms = () if selecting else tuple(self.tree.form(node, {**values, **extra}) for extra in assignments)
        return Item(self.reads_of(node), (node.id,), node, forms, symbols=symbols)

    def variants(self, shared: Shared) -> tuple[str, ...]:
        """The choices among numbers for whose values a shared module is there once each."""
        return self._variants[shared.scope]

    def _hold(self, scope: int, values: Mapping[str, int]) -> Item:
        symbols = self._variants[scope]
        blocks = tuple(self._block(scope, {**values, **extra}) for extra in self.tree.assignments(symbols))
        return Item((), (), child=blocks, symbols=symbols)

    def _call(self, scope: int, values: Mapping[str, int]) -> Item:
        if self.tree.is_held(scope):
            shared = Shared(self.tree.first(scope))
            symbols = self._variants[shared.scope]
            unknown = self.tree.assignments([symbol for symbol in symbols if symbol not in values])
            blocks = tuple(self._block(scope, {**values, **extra}) for extra in unknown)
            return Item(blocks[0].arguments, blocks[0].results, child=blocks, symbols=symbols, shared=shared)
        symbols = self.tree.scope_variants(scope, values)
        blocks = tuple(self._block(scope, {**values, **extra}) for extra in self.tree.assignments(symbols))
        return Item(blocks[0].arguments, blocks[0].results, child=blocks, symbols=symbols)

    def _walk(self, grid: Grid, values: Mapping[str, int]) -> Item:
        """The walk of a grid; the cells are items of their own, which the walk calls."""
        joins = dict.fromkeys(grid.cells.values())
        cells: dict[int, Item] = {}
        reads: dict[Ref, None] = {self.start(grid): None}
        for cell in grid.cells.values():
            scope = self.graph.nodes[cell].scope
            if scope in self.tree.parent and self.tree.children[scope]:
                cells[scope] = self._call(scope, values)
                inside = [ref for ref in self._reads[scope] if ref not in joins]
                reads.update(dict.fromkeys(inside))
        return Item(tuple(reads), (grid.path,), grid=grid, cells=cells)

    def _ordered(self, items: list[Item]) -> tuple[Item, ...]:
        """In an order in which everything is made before it is read, else as in the graph."""
        maker = {ref: place for place, item in enumerate(items) for ref in item.makes}
        waiting = [{maker[ref] for ref in item.reads if ref in maker} - {place} for place, item in enumerate(items)]
        ready = [(item.key, place) for place, item in enumerate(items) if not waiting[place]]
        heapq.heapify(ready)
        order: list[Item] = []
        while ready:
            _, done = heapq.heappop(ready)
            order.append(items[done])
            for place, needs in enumerate(waiting):
                if done in needs:
                    needs.remove(done)
                    if not needs:
                        heapq.heappush(ready, (items[place].key, place))
        assert len(order) == len(items), "block instances do not wait for one another"
        return tuple(order)


def conditional(node: Node) -> Atom | None:
    """The condition on a member of a sum or concat, if some have one: they are all about one pick."""
    atoms = (i.when for i in node.inputs if i.when is not None)
    return None if node.op == "mix" else next(atoms, None)
