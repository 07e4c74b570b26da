"""Makes the diagram of a block instance, or of the whole space."""

from __future__ import annotations

from collections.abc import Sequence

from nasdsl.ir.graph import Atom
from nasdsl.report.clusters import Cluster, Clusters
from nasdsl.report.diagram import Arrow, Diagram, Look, Option, Vertex, in_order
from nasdsl.report.labels import condition_words, count_words, decided_words, few, task_words, type_words
from nasdsl.report.parts import Form
from nasdsl.report.patterns import name_of
from nasdsl.report.reading import symbols
from nasdsl.report.registry import Registry


class DiagramBuilder(Clusters):
    """Makes the diagram of one block instance, or of the whole space (scope 0)."""

    def __init__(self, registry: Registry, scope: int) -> None:
        super().__init__(registry, scope)
        self.attached: set[str] = set()

    def build(self) -> Diagram:
        """The diagram; what it shows is marked as shown in the registry."""
        pairs = self._pairs()
        vertices = [self._vertex(i, pairs) for i in range(len(self.clusters))]
        arrows = [Arrow(a, b, candidate) for (a, b), candidate in pairs.items()]
        vertices, arrows = self._with_exits(vertices, arrows, pairs)
        if self.scope == 0:
            vertices, arrows = self._with_tasks(vertices, arrows)
        else:
            vertices, arrows = self._with_output(vertices, arrows)
        return in_order(vertices, arrows)

    def _vertex(self, index: int, pairs: dict[tuple[int, int], bool]) -> Vertex:
        cluster = self.clusters[index]
        if cluster.input_of >= 0:
            label, below = self._input_name(index)
            feeds = [b for a, b in pairs if a == index]
            hidden = below and all(self._chosen_cluster(b) or self._is_merge(b) for b in feeds)
            notes = () if hidden else tuple(cluster.labels)
            return Vertex(Look.INPUT, label, below, notes=notes, title=self._title(cluster, ()))
        part = cluster.parts[0]
        sole = self.parts.sole_choice(part) if part.form is not Form.NODE else ""
        notes = self._widths(cluster)
        if sole:
            return self._choice(index, sole, notes, pairs)
        if part.form is Form.NODE and self._meets(part.nodes[0]):
            return self._meeting(index, notes, pairs)
        figure = self.registry.figure_of(part)
        label = cluster.labels[0] + (f" × {cluster.times}" if cluster.times > 1 else "")
        lines = tuple(cluster.labels[1:])
        if part.form is Form.GRID:
            routes = self.graph.routes(part.decision)
            notes = (*few([r.path for r in routes if self.reading.lives(r.path)]), *notes)
        look = Look.BLOCK if figure >= 0 else Look.BOX
        if lines and part.form is not Form.GRID and (heading := self._heading(cluster)):
            look, label, lines = Look.HEADED, heading, tuple(cluster.labels)
        return Vertex(
            look,
            label,
            lines=few(lines),
            notes=(*notes, *self._size(cluster)),
            title=self._title(cluster, ()),
            figure=figure,
        )

    def _input_name(self, index: int) -> tuple[str, str]:
        """The name of an input; several of one name, such as the maps that one block returns, get numbers."""
        inputs = [c.input_of for c in self.clusters if c.input_of >= 0]
        names = {node: self.registry.input_name(self.scope, node) for node in inputs}
        label, below = names[self.clusters[index].input_of]
        same = sorted(node for node, name in names.items() if name == (label, below))
        return label, str(same.index(self.clusters[index].input_of) + 1) if len(same) > 1 else below

    def _heading(self, cluster: Cluster) -> str:
        """The name that a chain of operations is bound to, if all are bound to it and no task has it."""
        names = {self.binding(part) for part in cluster.parts}
        heading = names.pop() if len(names) == 1 else ""
        return "" if heading in {task.name for task in self.graph.tasks} else heading

    def _size(self, cluster: Cluster) -> tuple[str, ...]:
        made = {self.graph.nodes[n].type for n in self._outputs(cluster)}
        if self.scope != 0 or len(made) > 1 or cluster.parts[0].form is Form.GRID:
            return ()
        kind = self._output_type(cluster)
        return (type_words(self.registry.range_of(kind.channels), kind.size),)

    def _widths(self, cluster: Cluster) -> tuple[str, ...]:
        """The numbers that are decided here and used by this cluster first."""
        own = self.graph.scopes[self.scope].path
        lines = []
        for node in sorted(cluster.nodes):
            if node not in self.reading.alive:
                continue
            for symbol in symbols(self.graph.nodes[node]):
                decision = self.graph.decisions.get(symbol)
                if decision is None or symbol in self.attached or self.registry.selects(symbol):
                    continue
                home = self.registry.home_of(symbol)
                inside = any(
                    home.startswith(f"{self.graph.scopes[s].path}.") or home == self.graph.scopes[s].path
                    for p in cluster.parts
                    if self.registry.figure_of(p) < 0
                    for s in p.scopes
                )
                if home == own or inside:
                    self.attached.add(symbol)
                    lines.append(self._decided(symbol))
        return tuple(dict.fromkeys(lines))

    def _decided(self, path: str) -> str:
        """A decision in words: all about it the first time, then its name."""
        again = self.registry.is_shown(path)
        value = self.registry.show(path)
        return name_of(path) if again and value is None else decided_words(self.graph.decisions[path], value)

    def _choice(self, index: int, path: str, notes: tuple[str, ...], pairs: dict[tuple[int, int], bool]) -> Vertex:
        cluster, decision = self.clusters[index], self.graph.decisions[path]
        shown = [p for p in self.reading.decisions(sorted(cluster.nodes)) if self.registry.selects(p)]
        for other in shown:
            self.registry.show(other)
        value = self.registry.show(path)
        options = tuple(Option(str(v), v in decision.soft) for v in decision.domain)
        if value is not None:
            options = tuple(o for o in options if o.label == str(value))
        readers = [b for a, b in pairs if a == index]
        on_edge = len(readers) == 1 and self._is_merge(readers[0])
        on_edge = on_edge and sum(b == index for _, b in pairs) == 1 and not notes
        label = cluster.labels[0] + (f" × {cluster.times}" if cluster.times > 1 else "")
        title = self._title(cluster, shown)
        if on_edge:
            return Vertex(Look.PILL, label, options=options, title=title)
        figure = self.registry.figure_of(cluster.parts[0])
        return Vertex(
            Look.STACK, label, notes=(*notes, *self._size(cluster)), options=options, title=title, figure=figure
        )

    def _is_merge(self, index: int) -> bool:
        part = self.clusters[index].parts[0] if self.clusters[index].parts else None
        return part is not None and part.form is Form.NODE and self.graph.nodes[part.nodes[0]].op in ("sum", "concat")

    def _meeting(self, index: int, notes: tuple[str, ...], pairs: dict[tuple[int, int], bool]) -> Vertex:
        cluster = self.clusters[index]
        node = self.graph.nodes[cluster.parts[0].nodes[0]]
        times = f" × {cluster.times}" if cluster.times > 1 else ""
        if node.op == "input":
            return Vertex(Look.INPUT, node.name, notes=self._size(cluster), title=f"{node.name}: {node.type}")
        atoms = [i.when for n in sorted(cluster.nodes) for i in self.graph.nodes[n].inputs if i.when is not None]
        paths = list(dict.fromkeys(atom.decision for atom in atoms))
        words = tuple(dict.fromkeys(self._decided(path) for path in paths))
        title = self._title(cluster, paths)
        number = self._merge_number(index, pairs)
        if node.op == "mix":
            return Vertex(Look.VALUE, "select" + times, notes=(*words, *notes), title=title)
        if number >= 0:
            words = (
                tuple(count_words(self.graph.decisions[path]) for path in paths) if self.reading.values is None else ()
            )
            return Vertex(Look.VALUE, str(number), notes=(*words, *notes), title=title)
        return Vertex(Look.VALUE, node.op + times, notes=(*words, *notes, *self._size(cluster)), title=title)

    def _merge_number(self, index: int, pairs: dict[tuple[int, int], bool]) -> int:
        """The place of a sum of chosen operations among all of this diagram, from 0; -1 for other vertices."""
        if self.scope == 0:
            return -1
        merges = sorted({b for a, b in pairs if self._is_merge(b) and self._chosen_cluster(a)})
        return merges.index(index) if index in merges else -1

    def _chosen_cluster(self, index: int) -> bool:
        parts = self.clusters[index].parts
        return bool(parts) and parts[0].form is not Form.NODE and bool(self.parts.sole_choice(parts[0]))

    def _title(self, cluster: Cluster, decisions: Sequence[str]) -> str:
        scopes = [self.graph.scopes[s].name for p in cluster.parts if p.form is Form.BLOCK for s in p.scopes]
        lines = [", ".join(scopes)] if scopes else []
        for path in decisions:
            lines += self.registry.title_of(path)
        for path in self.reading.decisions(sorted(cluster.nodes)):
            if path in self.attached and path not in decisions:
                lines += [line for line in self.registry.title_of(path) if line not in lines]
        return "\n".join(lines)

    # what is added around

    def _with_exits(
        self, vertices: list[Vertex], arrows: list[Arrow], pairs: dict[tuple[int, int], bool]
    ) -> tuple[list[Vertex], list[Arrow]]:
        """Arrows into a selection say for which values they are read."""
        kept = []
        for arrow in arrows:
            atoms = self._conditions(arrow)
            if not atoms or self.reading.values is not None:
                kept.append(arrow)
                continue
            label = condition_words(atoms, self.graph.decisions[atoms[0].decision])
            vertices.append(Vertex(Look.EXIT, label))
            kept += [
                Arrow(arrow.source, len(vertices) - 1, True),
                Arrow(len(vertices) - 1, arrow.target, True),
            ]
        return vertices, kept

    def _conditions(self, arrow: Arrow) -> list[Atom]:
        target, source = self.clusters[arrow.target], self.clusters[arrow.source]
        if not target.parts or target.parts[0].form is not Form.NODE or target.times > 1:
            return []
        node = self.graph.nodes[target.parts[0].nodes[0]]
        if node.op != "mix":
            return []
        froms = source.nodes | {source.input_of}
        return [i.when for i in self.reading.inputs[node.id] if i.node in froms and i.when is not None]

    def _with_tasks(self, vertices: list[Vertex], arrows: list[Arrow]) -> tuple[list[Vertex], list[Arrow]]:
        for task in self.graph.tasks:
            if task.output not in self.of_node or (task.aux and self.reading.values is not None):
                continue
            label = f"{task.name} (training only)" if task.aux else task.name
            vertices.append(Vertex(Look.TASK, label, notes=task_words(task), faint=task.aux))
            arrows.append(Arrow(self.of_node[task.output], len(vertices) - 1))
        return vertices, arrows

    def _with_output(self, vertices: list[Vertex], arrows: list[Arrow]) -> tuple[list[Vertex], list[Arrow]]:
        """Marks what the instance returns."""
        name, below = self.registry.output_name(self.scope)
        inside = set(self.reading.below(self.scope))
        outputs = [
            i
            for i, c in enumerate(self.clusters)
            if c.parts and any(any(r not in inside for r in self.parts.readers[n]) or self._final(n) for n in c.nodes)
        ]
        for count, i in enumerate(outputs):
            vertex = vertices[i]
            below = below if len(outputs) == 1 else str(count + 1)
            if vertex.look is Look.VALUE and not any(a.source == i for a in arrows):
                notes = (vertex.label, *vertex.notes) if not vertex.label.isdigit() else vertex.notes
                vertices[i] = Vertex(Look.OUTPUT, name, below, notes, title=vertex.title)
            else:
                vertices.append(Vertex(Look.OUTPUT, name, below))
                arrows.append(Arrow(i, len(vertices) - 1))
        return vertices, arrows

    def _final(self, node: int) -> bool:
        return any(task.output == node for task in self.graph.tasks)
