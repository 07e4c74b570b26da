"""The picture of a space or of one of its architectures: the whole network, then every block that decides something."""

from __future__ import annotations

from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph, Kind
from nasdsl.report.diagram_builder import DiagramBuilder
from nasdsl.report.draw.flow import flow_figure
from nasdsl.report.draw.grid import GridFigure
from nasdsl.report.draw.palette import GREY, Palette
from nasdsl.report.draw.shapes import Figure, Group, Shape, Text, stacked, svg, text_width
from nasdsl.report.patterns import INDEX, domains_words, patterns, value_words
from nasdsl.report.reading import Reading
from nasdsl.report.registry import Instances, Registry


def picture(graph: Graph, architecture: Architecture | None = None) -> str:
    """The picture as one SVG document, the same bytes for the same input.

    Every live decision of the space is in it, at least as the title of what it decides.

    Raises:
        NasError: The architecture is none of this space.
    """
    found = figures(graph, architecture)
    return svg(stacked(found), title(graph, architecture))


def figures(graph: Graph, architecture: Architecture | None = None) -> list[Figure]:
    """The figures one by one, each with its caption.

    Raises:
        NasError: The architecture is none of this space.
    """
    registry = Registry(Reading(graph, architecture))
    palette = Palette(
        [v for d in graph.decisions.values() for v in d.domain if d.kind is Kind.CHOOSE and isinstance(v, str)]
    )
    inner = [_figure(registry, instances, palette) for instances in registry.figures]
    overview = flow_figure(DiagramBuilder(registry, 0).build(), palette, caption=title(graph, architecture))
    rest = _rest(registry)
    return [overview, *inner, *([rest] if rest else [])]


def title(graph: Graph, architecture: Architecture | None = None) -> str:
    """What a picture is of."""
    preset = f", preset {graph.preset}" if graph.preset else ""
    return f"{graph.name}{preset}" + (f", architecture {architecture.hash}" if architecture else "")


def _figure(registry: Registry, instances: Instances, palette: Palette) -> Figure:
    if instances.grid:
        return GridFigure(registry, instances.grid, palette).figure(instances.grid)
    scope = registry.drawn_from(instances)
    caption = _caption(registry, instances)
    return flow_figure(DiagramBuilder(registry, scope).build(), palette, caption=caption, page=1500)


def _caption(registry: Registry, instances: Instances) -> str:
    """`normal (6 ×, one set of decisions)`."""
    blocks = dict.fromkeys(registry.graph.scopes[scope].block for scope in instances.scopes)
    name = next(iter(blocks)) if len(blocks) == 1 else INDEX.sub("", next(iter(blocks)))
    first = registry.graph.scopes[instances.scopes[0]]
    if sum(registry.graph.scopes[f.scopes[0]].block == first.block for f in registry.figures if not f.grid) > 1:
        name = first.path or name
    count, sets = len(instances.scopes), len({tuple(decided) for decided in instances.decided})
    if count == 1:
        return name
    if registry.reading.values is not None:
        return f"{name} ({count} ×)"
    sharing = "one set of decisions" if sets == 1 else f"{sets} sets of decisions"
    return f"{name} ({count} ×, {'each decides for itself' if sets == count else sharing})"


def _rest(registry: Registry) -> Figure | None:
    """Decisions that no vertex shows: numbers that are used in many places at once."""
    missing = [registry.graph.decisions[path] for path in registry.missing()]
    if not missing:
        return None
    shapes: list[Shape] = []
    width, y = 0.0, 0.0
    for pattern in patterns(missing):
        y += 15
        paths = [d.path for d in pattern.decisions]
        values = [registry.reading.value(path) for path in paths]
        words = domains_words(pattern)
        if registry.reading.values is not None:
            words = ", ".join(value_words(v) for v in values if v is not None)
        text = Text(0, y, f"{pattern.path}: {words}", 11, GREY, "start")
        lines = "\n".join(line for path in paths for line in registry.title_of(path))
        shapes.append(Group((text,), lines, "decision"))
        width = max(width, text_width(text.content, 11))
    return Figure(width, y + 4, tuple(shapes), "also decided")
