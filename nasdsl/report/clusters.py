"""Which parts of a block instance are drawn as one vertex, and which of these read which."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from nasdsl.report.labels import block_label, node_label
from nasdsl.report.parts import Form, Part
from nasdsl.report.patterns import INDEX, name_of
from nasdsl.report.reading import flow_inputs
from nasdsl.report.registry import Registry
from nasdsl.types import MapType

MANY = 48
"""With more vertices, those that stand side by side and are alike are drawn as one."""


@dataclass(slots=True)
class Cluster:
    """Parts that are drawn as one vertex."""

    parts: list[Part]
    labels: list[str]
    times: int = 1
    input_of: int = -1
    """The outside node that this vertex stands for, -1 for none."""
    nodes: set[int] = field(default_factory=set)


class Clusters:
    """The clusters of one block instance, or of the whole space (scope 0)."""

    def __init__(self, registry: Registry, scope: int) -> None:
        self.registry, self.scope = registry, scope
        self.reading, self.parts, self.graph = registry.reading, registry.parts, registry.reading.graph
        self.clusters: list[Cluster] = []
        self.of_node: dict[int, int] = {}
        self._start()

    def _start(self) -> None:
        self.clusters = [Cluster([p], [self._label(p)], nodes=set(p.nodes)) for p in self.registry.parts_of(self.scope)]
        self._fold_runs()
        self._join_chains()
        self._name_inputs()
        self._fold_siblings()
        self._number()

    def _label(self, part: Part) -> str:
        if part.form is Form.NODE:
            return node_label(self.graph.nodes[part.nodes[0]])
        if part.form is Form.BLOCK:
            return block_label(self.graph.scopes[part.scopes[0]].name, self.graph.scopes[part.scopes[0]].block)
        return name_of(part.decision)

    def _number(self) -> None:
        self.of_node = {node: i for i, cluster in enumerate(self.clusters) for node in cluster.nodes}

    def _reads(self, cluster: Cluster) -> list[int]:
        """Outside nodes that a cluster reads."""
        reads = (i.node for node in sorted(cluster.nodes) for i in flow_inputs(self.reading, node))
        return [node for node in dict.fromkeys(reads) if node not in cluster.nodes]

    def _output_type(self, cluster: Cluster) -> MapType:
        return self.graph.nodes[max(self._outputs(cluster) or cluster.nodes)].type

    def _outputs(self, cluster: Cluster) -> list[int]:
        """The nodes of a cluster that are read outside of it, or by a task."""
        outputs = {task.output for task in self.graph.tasks}
        outside = self.reading.alive - cluster.nodes
        return [n for n in cluster.nodes if n in outputs or not outside.isdisjoint(self.parts.readers[n])]

    def _fold_runs(self) -> None:
        """Neighbours that are alike and read one another become one: `normal × 2`."""
        folded: list[Cluster] = []
        keys: list[object] = []
        for cluster in self.clusters:
            part = cluster.parts[0]
            key = None
            if part.form is Form.BLOCK and not self._is_exit(cluster):
                key = (self.registry.kind_of(part), str(self._output_type(cluster)))
            reads = self._reads(cluster)
            if folded and key is not None and key == keys[-1] and any(node in folded[-1].nodes for node in reads):
                self._unite(folded[-1].parts[0], part)
                folded[-1].parts.append(part)
                folded[-1].nodes |= cluster.nodes
                folded[-1].times += 1
                folded[-1].labels = [self._block(folded[-1].parts)]
            else:
                folded.append(cluster)
                keys.append(key)
        self.clusters = folded

    def _block(self, parts: Sequence[Part]) -> str:
        """The block of several instances; without its index where that differs."""
        blocks = {self.graph.scopes[part.scopes[0]].block for part in parts}
        return next(iter(blocks)) if len(blocks) == 1 else INDEX.sub("", min(blocks))

    def _is_exit(self, cluster: Cluster) -> bool:
        """Whether what a cluster makes is one of the maps that a selection in this scope reads."""
        readers = {r for n in cluster.nodes for r in self.parts.readers[n]}
        return any(self.graph.nodes[r].op == "mix" and self.graph.nodes[r].scope == self.scope for r in readers)

    def _unite(self, first: Part, second: Part) -> None:
        within = self.registry.within
        self.registry.unite(within(first.scopes[0]), within(second.scopes[0]))

    def _plain(self, cluster: Cluster) -> bool:
        """Nothing is decided in it, and it is no place where maps meet."""
        if any(p.form in (Form.GRID, Form.CHOICE) for p in cluster.parts):
            return False
        if self.parts.has_choices(tuple(cluster.nodes)):
            return False
        return not any(p.form is Form.NODE and self._meets(p.nodes[0]) for p in cluster.parts)

    def _meets(self, node: int) -> bool:
        made = self.graph.nodes[node]
        if made.op in ("input", "sum", "concat", "mix"):
            return True
        return made.op not in ("route_last", "route_end", "resize_like") and len(made.inputs) > 1

    def _join_chains(self) -> None:
        """A plain operation that alone reads another plain one becomes one box with it."""
        self._number()
        readers: dict[int, set[int]] = {}
        for i, cluster in enumerate(self.clusters):
            for node in self._reads(cluster):
                if node in self.of_node:
                    readers.setdefault(self.of_node[node], set()).add(i)
        into: dict[int, int] = {}
        for i, cluster in enumerate(self.clusters):
            sources = {self.of_node.get(node, -1) for node in self._reads(cluster)}
            source = next(iter(sources)) if len(sources) == 1 else -1
            if source < 0 or readers[source] != {i} or not self._plain(cluster):
                continue
            head = into.get(source, source)
            first = self.clusters[head]
            if (
                not self._plain(first)
                or not self._bound_alike(first, cluster)
                or any(t.output in first.nodes for t in self.graph.tasks)
            ):
                continue
            into[i] = head
            first.parts += cluster.parts
            first.labels += [f"{cluster.labels[-1]} × {cluster.times}"] if cluster.times > 1 else cluster.labels
            if first.times > 1:
                first.labels[0], first.times = f"{first.labels[0]} × {first.times}", 1
            first.nodes |= cluster.nodes
        self.clusters = [c for i, c in enumerate(self.clusters) if i not in into]

    def _bound_alike(self, first: Cluster, second: Cluster) -> bool:
        """Whether the operations of two clusters are bound to one name; the map of a route goes with what reads it."""
        names = {self.binding(part) for part in (*first.parts, *second.parts) if not self._of_route(part)}
        return len(names) <= 1

    def _of_route(self, part: Part) -> bool:
        return self.graph.nodes[part.nodes[0]].op in ("route_end", "route_last")

    def binding(self, part: Part) -> str:
        """The name that the value of a part is bound to in the text, "" for none."""
        named = self.graph.scopes[part.scopes[0]].name if part.scopes else self.graph.nodes[part.nodes[0]].name
        return named.removesuffix(name_of(named)).rstrip(".")

    def _name_inputs(self) -> None:
        """What comes from outside becomes a vertex; plain operations that alone read it are drawn with it."""
        self._number()
        readers: dict[int, list[int]] = {}
        for i, cluster in enumerate(self.clusters):
            for node in self._reads(cluster):
                if node not in self.of_node and not self._from_grid(cluster, node):
                    readers.setdefault(node, []).append(i)
        for node, reading in readers.items():
            cluster = self.clusters[reading[0]]
            alone = len(reading) == 1 and len(self._reads(cluster)) == 1 and self._plain(cluster)
            alone = alone and not self._is_exit(cluster) and not self.reading.decisions(sorted(cluster.nodes))
            if alone and len(self.clusters) > 2 and cluster.input_of < 0:
                cluster.input_of = node
            else:
                self.clusters.append(Cluster([], [], input_of=node, nodes={node}))
        self.clusters.sort(key=lambda c: (c.input_of < 0, min(c.nodes)))

    def _from_grid(self, cluster: Cluster, node: int) -> bool:
        """Whether a cluster reads a node as the map of a route, which its own vertex says already."""
        readers = [n for n in cluster.nodes if any(i.node == node for i in self.reading.inputs[n])]
        return all(self.graph.nodes[n].op in ("route_end", "route_last") for n in readers)

    def _fold_siblings(self) -> None:
        """In a crowded diagram, blocks of one kind that read from alike places become one."""
        if len(self.clusters) <= MANY:
            return
        self._number()
        rank: dict[int, int] = {}
        groups: dict[object, Cluster] = {}
        kept: list[Cluster] = []
        for i, cluster in enumerate(self.clusters):
            sources = [self.of_node[n] for n in self._reads(cluster) if n in self.of_node]
            rank[i] = max((rank.get(s, 0) + 1 for s in sources if s != i), default=0)
            part = cluster.parts[0] if cluster.parts else None
            key: Hashable = None
            if part is not None and part.form is Form.BLOCK and cluster.input_of < 0:
                key = (rank[i], self.registry.kind_of(part))
            elif part is not None and part.form is Form.NODE and len(cluster.parts) == 1 and cluster.input_of < 0:
                node = self.graph.nodes[part.nodes[0]]
                key = (rank[i], node.op, len(node.inputs), node.type.channels)
            if key is None or key not in groups:
                kept.append(cluster)
                if key is not None:
                    groups[key] = cluster
            else:
                first = groups[key]
                if part is not None and part.form is Form.BLOCK:
                    self._unite(first.parts[0], part)
                first.parts += cluster.parts
                first.nodes |= cluster.nodes
                first.times += cluster.times
                if part is not None and part.form is Form.BLOCK:
                    first.labels = [self._block(first.parts)]
        self.clusters = kept

    def _pairs(self) -> dict[tuple[int, int], bool]:
        """Which clusters read which, and whether only in some architectures."""
        pairs: dict[tuple[int, int], bool] = {}
        standing = {c.input_of: i for i, c in enumerate(self.clusters) if c.input_of >= 0}
        for b, cluster in enumerate(self.clusters):
            for node in sorted(cluster.nodes) if cluster.parts else ():
                outer = self.graph.nodes[node].op in ("sum", "concat", "mix")
                for i in flow_inputs(self.reading, node):
                    a = self.of_node.get(i.node, standing.get(i.node, b))
                    if a != b:
                        candidate = outer and i.when is not None and self.reading.values is None
                        pairs[a, b] = pairs.get((a, b), True) and candidate
        return pairs
