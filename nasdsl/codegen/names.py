"""The variables of a `forward`: what maps are called, how long a name is held, and which steps are always done."""

from __future__ import annotations

from nasdsl.codegen.blocks import Block, Item, Ref
from nasdsl.codegen.group import Group
from nasdsl.codegen.groups import Groups
from nasdsl.codegen.late import only_conditional
from nasdsl.ir.graph import Graph
from nasdsl.passes.module_paths import RESERVED, identifier


class Names:
    """Names the maps of one class.

    Args:
        groups: All classes.
        group: The class.

    Attributes:
        names: How maps and grids are called so far.
    """

    def __init__(self, groups: Groups, group: Group) -> None:
        self.groups, self.group = groups, group
        self.names: dict[Ref, str] = {}
        self.block = group.blocks[0]
        self.items = self.block.items
        self._bound: set[str] = set()
        self._pinned: set[str] = set()
        self._uses = self._count_uses()
        self._outputs = {*self.block.results, *(t.output for t in groups.graph.tasks if self.block.scope == 0)}
        self._maker = {ref: item for item in self.items for ref in item.makes}
        self._eager = {
            id(item) for item in self.items if item.grid is not None or group.always.intersection(item.makes)
        }
        self._lazy = {id(item) for item in self.items if self._is_lazy(item)}

    def _argument(self, ref: int) -> str:
        """What an argument is called: by its parameter, or as the text around the block calls it, if all agree."""
        place = self.block.arguments.index(ref)
        if self.block.names[place]:
            return self.block.names[place]
        called = {self._seen_around(block, block.arguments[place]) for block in self.group.blocks}
        if len(called) == 1:
            return called.pop()
        return next(x for x in ("x", "y", "z", "other") if x not in self._bound or x == "other")

    def _seen_around(self, block: Block, ref: Ref) -> str:
        """What a map is called in the innermost instance around a block that calls it anything."""
        tree, graph = self.groups.outliner.tree, self.groups.graph
        assert isinstance(ref, int), "asked before"
        for scope in tree.chain(tree.parent[block.scope]):
            if scope in tree.chain(graph.nodes[ref].scope):
                return called_in(graph, scope, ref)[0]
            if (scope, ref) in self.groups.outliner.names:
                return self.groups.outliner.names[scope, ref]
        raise AssertionError("the space is around everything")

    def _variable(self, ref: Ref, item: Item, taken: set[str]) -> str:
        """A name for a map that no other needs."""
        wanted = self._wanted(ref, item)
        held = self._held(item) | taken
        for name in wanted:
            if name not in held and name not in self._pinned:
                return name
        return identifier(wanted[-1], RESERVED | self._bound)

    def _wanted(self, ref: Ref, item: Item) -> list[str]:
        """Names for a map: as in the .nas file where it has one there, else that of the map it is made from."""
        wanted = [self._binding(ref)]
        if not wanted[0]:
            wanted = [self.names[r] for r in item.reads if isinstance(r, int) and r in self.names][:1]
            wanted = [name for name in wanted if name not in self._inputs() and not name.endswith((")", "]"))]
            wanted.append(self._full_name(ref))
        else:
            wanted.append(self._full_name(ref))
        return [identifier(name) for name in wanted]

    def _inputs(self) -> set[str]:
        """The variables of the images, which stay."""
        inputs = self.groups.graph.inputs() if self.block.scope == 0 else ()
        return {self.names[node.id] for node in inputs if node.id in self.names}

    def _binding(self, ref: Ref) -> str:
        assert isinstance(ref, int), "grids are named after themselves"
        return called_in(self.groups.graph, self.block.scope, ref)[1]

    def _full_name(self, ref: Ref) -> str:
        """The name of a node, or of the instance it lies in, as this class sees it."""
        assert isinstance(ref, int), "grids are named after themselves"
        return called_in(self.groups.graph, self.block.scope, ref)[2]

    def _held(self, item: Item) -> set[str]:
        """The names of maps that are still read after a step, or made by it."""
        place = next(i for i, other in enumerate(self.items) if other is item)
        later: set[Ref] = set(self.block.results)
        for other in self.items[place + 1 :]:
            later |= set(self._all_reads(other))
        later |= {task.output for task in self.groups.graph.tasks} if self.block.scope == 0 else set()
        return {self.names[ref] for ref in later if ref in self.names}

    def _all_reads(self, item: Item) -> list[Ref]:
        reads: list[Ref] = list(item.reads)
        for ref in item.reads:
            maker = self._maker.get(ref)
            if maker is not None and id(maker) in self._lazy:
                reads += self._all_reads(maker)
        return reads

    def _count_uses(self) -> dict[Ref, list[Item]]:
        uses: dict[Ref, list[Item]] = {}
        for item in self.items:
            for ref in item.reads:
                uses.setdefault(ref, []).append(item)
        return uses

    def _is_lazy(self, item: Item) -> bool:
        """Whether a step is written inside the one that reads it, which may not need it."""
        if id(item) in self._eager or len(item.makes) != 1 or item.makes[0] in self._outputs:
            return False
        users = self._uses.get(item.makes[0], [])
        node = users[0].node if len(users) == 1 else None
        if node is None or not only_conditional(users[0], item.makes[0]):
            return False
        return node.op == "mix" or sum(i.node == item.makes[0] for i in node.inputs) == 1


def called_in(graph: Graph, scope: int, ref: int) -> tuple[str, str, str]:
    """What an instance calls a map that is made in it.

    Returns:
        Its name; that which the text gives it, or ""; and one that no other map of the instance has.
    """
    node = graph.nodes[ref]
    inner = node.scope
    name = node.name
    while inner != scope:
        name, inner = graph.scopes[inner].name, graph.scopes[inner].parent or 0
    if node.op in ("route_end", "route_last"):
        return name, name, name
    first, dot, _ = name.partition(".")
    bound = graph.scopes[scope].results.get(ref) or (first if dot or "[" in first else "")
    return bound or name, bound, name
