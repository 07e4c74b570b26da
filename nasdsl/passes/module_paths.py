"""Where generated code keeps the weights of each node: the tree of modules, and the attribute paths in it.

The tree follows the block instances. An instance that only passes its work on to one other (a link that is one block,
an alternative of a choice that has been decided) is not a module of its own: the other takes its name. Where a choice
among numbers decides channels, everything that depends on it is there once for each value. What the calls of a shared
block have in common is one module; it belongs to the innermost instance that encloses all of them. Where different maps
of the calls are used, what they have in common is a module piece by piece.

Modules are called as what they make is called in the text: `stem` if one makes it, `stem_conv_bn` and `stem_conv2x` if
there are several. Those of `x[3] = sum(edge(x[j]) for j in 0..3)` are the list `x_3`.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

from nasdsl.ir.graph import Graph, Kind, Node
from nasdsl.number import Number
from nasdsl.ops.catalogue import OPERATIONS, SELECTING
from nasdsl.ops.extern import extern_form
from nasdsl.ops.operation import TorchForm
from nasdsl.passes.apart import calls_apart, with_scopes_of_their_own
from nasdsl.passes.shared import Sharing
from nasdsl.types import MapType

# What `torch.nn.Module` calls its own, as of PyTorch 2.13: a submodule of this name would hide it.
_MODULE_NAMES = frozenset(
    """
    T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval
    expected_cost expected_latency_ms extra_repr float forward get_buffer get_extra_state get_parameter get_submodule
    half ipu load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters
    register_backward_hook register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook
    register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
    set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu zero_grad
    """.split()  # noqa: SIM905 - a list of sixty strings is no easier to read
)

RESERVED = frozenset(
    [*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "F", "arch", "nn", "runtime", "self", "torch"]
)
"""Names that generated code must not bind."""


def identifier(name: str, taken: Iterable[str] = RESERVED) -> str:
    """A Python name made of any text, not among those taken.

    >>> identifier("x[2].edge[0]"), identifier("sum"), identifier("a", {"a", "a_2"})
    ('x_2_edge_0', 'sum_2', 'a_3')
    """
    base = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "x"
    base = f"_{base}" if base[0].isdigit() else base
    found, number = base, 1
    while found in taken:
        number += 1
        found = f"{base}_{number}"
    return found


COLUMN = 3
"""Cells from which on neighbours are the elements of a column."""

Values = Mapping[str, int]
"""Values of choices among numbers, by path."""


class ModuleTree:
    """The block instances of a graph that become modules.

    Attributes:
        graph: The graph.
        parent: For each such instance the one it is an attribute of.
        children: The other way round, in order.
        nodes: For each instance the nodes that are its own.
        attribute: The name of an instance in its parent, or in the instance that holds it.
        columns: The cells of grids that are elements of a column: `trunk_8.3` for the cell [3, 8].
        node_attribute: The name of a node's module in its instance; only nodes with state have one.
        stateful: The nodes that have modules.
        sharing: Which instances and nodes share their weights.
        apart: The instances of shared blocks that have no module in common, only parts of them.
        holder: For each shared instance (the first of those that share) the instance whose attribute it is.
        held: The other way round, in order.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: dict[int, list[Node]] = {scope.id: [] for scope in graph.scopes}
        for node in graph.nodes:
            self.nodes[node.scope].append(node)
        self._first = self._first_nodes()
        self.parent: dict[int, int] = {}
        self.children: dict[int, list[int]] = {0: []}
        self.attribute: dict[int, str] = {}
        self.columns: set[int] = set()
        self.node_attribute: dict[int, str] = {}
        self.stateful = {n.id for n in graph.nodes if n.op not in SELECTING | {"input"} and self.form(n, {}).module}
        self._needs: dict[Number, frozenset[str]] = {}
        self._inner: dict[int, list[int]] = {}
        for scope in graph.scopes[1:]:
            if scope.parent is not None and scope.id in self._first:
                self._inner.setdefault(scope.parent, []).append(scope.id)
        self.sharing = Sharing(graph)
        self.apart = calls_apart(graph, self.sharing, self.stateful)
        self._called_as: dict[int, int] = {}
        self._place(0)
        self._with_state = {scope for node in self.stateful for scope in self._around(graph.nodes[node].scope)}
        self.holder, self.held = self._holders()
        self._name_attributes()

    def _first_nodes(self) -> dict[int, int]:
        """The first node in each instance that has any, also within others."""
        first: dict[int, int] = {}
        for node in self.graph.nodes:
            scope: int | None = node.scope
            while scope is not None and scope not in first:
                first[scope] = node.id
                scope = self.graph.scopes[scope].parent
        return first

    def _place(self, scope: int) -> None:
        for inner in sorted(self._inner.get(scope, ()), key=self._first.__getitem__):
            child = inner
            while not self.nodes[child] and len(self._inner[child]) == 1:
                (child,) = self._inner[child]
            self.parent[child] = scope
            self.children[scope].append(child)
            self.children[child] = []
            self._called_as[child] = inner
            self._place(child)

    def _around(self, scope: int | None) -> Iterator[int]:
        while scope is not None:
            yield scope
            scope = self.graph.scopes[scope].parent

    def chain(self, scope: int) -> Iterator[int]:
        """An instance and those around it, from the inside out."""
        yield scope
        while scope in self.parent:
            scope = self.parent[scope]
            yield scope

    def first(self, scope: int) -> int:
        """The first of the instances that have the weights of this one; itself if it has none."""
        return self.sharing.scopes[scope] if scope in self._with_state and scope not in self.apart else scope

    def is_held(self, child: int) -> bool:
        """Whether an instance is one of several that share their weights, so that a holder has its module."""
        return self.first(child) in self.holder

    def _holders(self) -> tuple[dict[int, int], dict[int, list[int]]]:
        around: dict[int, list[list[int]]] = {}
        for child, parent in self.parent.items():
            if all(self.first(scope) == scope for scope in self.chain(parent)):
                around.setdefault(self.first(child), []).append(list(self.chain(parent)))
        holder, held = {}, dict[int, list[int]]()
        for first, chains in sorted(around.items()):
            if len(chains) > 1:
                holder[first] = next(scope for scope in chains[0] if all(scope in chain for chain in chains))
                held.setdefault(holder[first], []).append(first)
        return holder, held

    def holds(self, scope: int) -> list[int]:
        """The shared instances whose modules are attributes of an instance: calls of the same block hold alike."""
        return self.held.get(self.first(scope), [])

    def _name_attributes(self) -> None:
        for scope in (0, *self.parent):
            taken = set(_MODULE_NAMES | RESERVED)

            def free(name: str, taken: set[str] = taken) -> str:
                found = identifier(name, taken)
                taken.add(found)
                return found

            mine = [node for node in self.nodes[scope] if node.id in self.stateful]
            inner = {c: self._name(self._called_as[c]) for c in self.children[scope] if not self.is_held(c)}
            columns = self._columns(inner)
            self.columns |= columns.keys()
            lists = self._lists(inner) | columns
            units = [node.name for node in mine]
            stateful = {child: name for child, name in inner.items() if child in self._with_state}
            units += dict.fromkeys(lists[c][0] if c in lists else name for c, name in stateful.items())
            short = self._short_names(scope, units)
            for node in mine:
                self.node_attribute[node.id] = free(short[node.name])
            for child in self.holds(scope):
                self.attribute[child] = free(self._shared_name(child, scope))
            known: dict[str, str] = {}
            for child, name in inner.items():
                if child not in lists:
                    self.attribute[child] = free(short.get(name, name))
                    continue
                base, place = lists[child]
                if base not in known:
                    known[base] = free(short[base])
                self.attribute[child] = f"{known[base]}.{place}"
        for child in filter(self.is_held, self.parent):
            self.attribute[child] = self.attribute[self.first(child)]

    def _lists(self, names: Mapping[int, str]) -> dict[int, tuple[str, int]]:
        """Instances that differ in an index that counts from 0, as elements of a list: its name, and the place."""
        found: dict[str, dict[int, int]] = {}
        for child, name in names.items():
            indexed = re.fullmatch(r"(.+\..+)\[(\d+)\]", name)
            if indexed and child in self._with_state and not self.scope_variants(child, {}):
                found.setdefault(indexed[1], {})[int(indexed[2])] = child
        return {
            child: (base, place)
            for base, members in found.items()
            if len(members) > 1 and set(members) == set(range(len(members)))
            for place, child in members.items()
        }

    def _columns(self, names: Mapping[int, str]) -> dict[int, tuple[str, int]]:
        """The same for cells of a grid with one second coordinate: neighbours from which alike links lead on."""
        columns: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for child, name in names.items():
            in_grid = self.graph.grids and self.graph.scopes[child].cell is not None  # in a network none is left
            cell = re.fullmatch(r"(.+)\[(\d+),(\d+)\]", name) if in_grid else None
            if cell and child in self._with_state and not self.scope_variants(child, {}):
                columns.setdefault((cell[1], cell[3]), []).append((int(cell[2]), child))
        found: dict[int, tuple[str, int]] = {}
        for (grid, rate), cells in columns.items():
            runs: list[list[tuple[int, int]]] = []
            for first, child in sorted(cells):
                before = runs[-1][-1] if runs else None
                if before is None or before[0] + 1 != first or self._ways(before[1]) != self._ways(child):
                    runs.append([])
                runs[-1].append((first, child))
            for run in (run for run in runs if len(run) >= COLUMN):
                base = f"{grid}[{rate}]" + (f" from {run[0][0]}" if run[0] != min(cells) and len(runs) > 1 else "")
                found |= {child: (base, first) for first, child in run}
        return found

    def _ways(self, cell: int) -> list[str]:
        return [self._name(self._called_as[child]) for child in self.children[cell]]

    def _short_names(self, scope: int, units: Sequence[str]) -> dict[str, str]:
        """What modules are called: as what they make, where one alone makes it; alternatives keep their labels.

        Modules that make several maps are called after their block: `fpn` of `p[3], p[4] = fpn(x)`.
        """
        several: dict[str, set[str]] = {}
        for made, name in self.graph.scopes[scope].results.items():
            for child in self._around(self.graph.nodes[made].scope):
                several.setdefault(self.graph.scopes[child].name, set()).add(name[len(name.partition("[")[0]) :])
        choices = {node.name for node in self.nodes[scope] if node.op == "mix"}
        makes = Counter(unit.partition(".")[0] for unit in units)
        short: dict[str, str] = {}
        for unit in units:
            bound, dot, rest = unit.partition(".")
            alone = dot and makes[bound] == 1 and unit.rpartition(".")[0] not in choices
            short[unit] = bound if alone else unit
            if alone and unit in several:
                indices = several[unit]
                short[unit] = rest + (indices.pop() if len(indices) == 1 else "")
        return short

    def _shared_name(self, child: int, holder: int) -> str:
        """What a shared instance is called: after its block, not after one of its calls."""
        called = self._called_as[child]
        scope, within = self.graph.scopes[child if called in self.apart else called], ""
        while not scope.weights and scope.parent is not None:
            within = f".{scope.name}{within}"
            scope = self.graph.scopes[scope.parent]
        name = scope.weights.removeprefix(f"{self.graph.scopes[holder].path}.")
        return name + within

    def _name(self, scope: int) -> str:
        """What an instance is called: ways out of a grid cell after the direction, so that cells look alike."""
        me = self.graph.scopes[scope]
        target = re.fullmatch(r"to\[(-?\d+),(-?\d+)\]", me.name)
        if target is None or me.cell is None or len(me.cell[1]) != 2:
            return me.name
        rate, here = int(target[2]), me.cell[1][1]
        return "to_same" if rate == here else "to_down" if rate > here else "to_up"

    def form(self, node: Node, values: Values) -> TorchForm:
        """The PyTorch form of an operation, given values of choices among numbers."""
        inputs = [self.at(self.graph.nodes[i.node].type, values) for i in node.inputs]
        attrs: dict[str, Any] = {
            name: value.substitute(values) if isinstance(value, Number) else value for name, value in node.attrs.items()
        }

        def widths(number: Number) -> tuple[int, ...]:
            return tuple(map(int, self.values(number, values)))

        if node.op == "extern":
            return extern_form(len(node.inputs), attrs)
        return OPERATIONS[node.op].torch(inputs, self.at(node.type, values), attrs, widths)

    def at(self, kind: MapType, values: Values) -> MapType:
        """A type, given values of choices among numbers."""
        return MapType(kind.channels.substitute(values), kind.size, kind.rate) if values else kind

    def values(self, number: Number, values: Values) -> tuple[Fraction, ...]:
        """All values of a number, ascending, given values of choices among numbers."""
        return number.values(lambda symbol: self.domain(symbol, values))

    def domain(self, symbol: str, values: Values) -> Sequence[int | Fraction]:
        """The values a symbol can take, given values of choices among numbers."""
        if symbol in values:
            return (values[symbol],)
        if symbol not in self.graph.cases:
            return self.graph.domain(symbol)
        numbers = [number for _, number in self.graph.cases[symbol].cases]
        return sorted({v for n in numbers for v in n.values(lambda inner: self.domain(inner, values))})

    def chosen_numbers(self, number: Number) -> frozenset[str]:
        """The choices among numbers that a number depends on."""
        if number not in self._needs:
            found: set[str] = set()
            for symbol in number.symbols:
                if symbol in self.graph.cases:
                    for _, case in self.graph.cases[symbol].cases:
                        found |= self.chosen_numbers(case)
                elif self.graph.decisions[symbol].kind is Kind.CHOOSE:
                    found.add(symbol)
            self._needs[number] = frozenset(found)
        return self._needs[number]

    def _node_needs(self, node: Node) -> frozenset[str]:
        numbers = [node.type.channels, *(self.graph.nodes[i.node].type.channels for i in node.inputs)]
        numbers += [number for number in node.attrs.values() if isinstance(number, Number)]
        return frozenset().union(*(self.chosen_numbers(number) for number in numbers))

    def node_variants(self, node: Node, known: Values) -> tuple[str, ...]:
        """The choices among numbers for whose values a node's module is there once each, beside those already known."""
        return tuple(sorted(self._node_needs(node) - set(known))) if node.id in self.stateful else ()

    def scope_variants(self, scope: int, known: Values) -> tuple[str, ...]:
        """The same for an instance; choices declared in it are its own business."""
        own = f"{self.graph.scopes[scope].path}."
        needs: set[str] = set()
        stack = [scope]
        while stack:
            inner = stack.pop()
            stack += [child for child in self.children[inner] if not self.is_held(child)] + self.holds(inner)
            for node in self.nodes[inner]:
                needs.update(self.node_variants(node, known))
        return tuple(sorted(symbol for symbol in needs if not symbol.startswith(own)))

    def assignments(self, symbols: Sequence[str]) -> list[dict[str, int]]:
        """Every joint value of some choices among numbers."""
        domains = [[int(value) for value in self.graph.domain(symbol)] for symbol in symbols]
        return [dict(zip(symbols, values, strict=True)) for values in product(*domains)]

    def paths(self, values: Values) -> dict[int, str]:
        """For each node with state the attribute path of its module."""
        found: dict[int, str] = {}
        self._walk(0, "", {}, values, found)
        return {node: found[self.sharing.nodes[node]] for node in sorted(self.stateful)}

    def _walk(self, scope: int, prefix: str, known: Values, values: Values, found: dict[int, str]) -> None:
        for node in self.nodes[scope]:
            if node.id in self.stateful:
                key = variant_key([values[symbol] for symbol in self.node_variants(node, known)])
                found[node.id] = prefix + self.node_attribute[node.id] + key
        for child in [*self.holds(scope), *(c for c in self.children[scope] if not self.is_held(c))]:
            symbols = self.scope_variants(child, known)
            key = variant_key([values[symbol] for symbol in symbols])
            deeper = {**known, **{symbol: values[symbol] for symbol in symbols}}
            self._walk(child, f"{prefix}{self.attribute[child]}{key}.", deeper, values, found)


def module_tree(graph: Graph) -> ModuleTree:
    """The modules of a graph. An operation that is an alternative of a choice is one of the instance that chooses; one
    that calls of a shared block have in common by itself is an instance.
    """
    tree = ModuleTree(_with_plain_alternatives(graph))
    alone = {node for node in tree.stateful if tree.graph.nodes[node].scope in tree.apart}
    return ModuleTree(with_scopes_of_their_own(tree.graph, alone)) if alone else tree


def _with_plain_alternatives(graph: Graph) -> Graph:
    """The graph without scopes that only put a name around one operation."""
    inside = Counter(node.scope for node in graph.nodes)
    outer = {scope.parent for scope in graph.scopes}
    nodes = list(graph.nodes)
    for node in graph.nodes:
        scope = graph.scopes[node.scope]
        if scope.block == node.op and scope.parent is not None and inside[scope.id] == 1 and scope.id not in outer:
            nodes[node.id] = replace(node, scope=scope.parent, name=scope.name)
    return replace(graph, nodes=tuple(nodes))


def accessor(attribute: str) -> str:
    """An attribute, or an element of a list, as Python reads it.

    >>> accessor("x_3.0"), accessor("stem")
    ('x_3[0]', 'stem')
    """
    name, dot, place = attribute.partition(".")
    return f"{name}[{place}]" if dot else attribute


def variant_key(values: Sequence[int]) -> str:
    """What follows the attribute of a module that is there once for each value: ".8"; nothing if there are none."""
    return "." + "_".join(map(str, values)) if values else ""


def module_paths(graph: Graph, values: Values | None = None) -> dict[int, str]:
    """For each node with weights the attribute path of its module in the generated code: `stem_conv_bn_relu.conv`.

    Args:
        graph: A space or a network.
        values: In a space: values of the choices among numbers, which decide among modules that are there once each.
    """
    return module_tree(graph).paths(values or {})
