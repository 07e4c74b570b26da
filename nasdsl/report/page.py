"""A space, or one of its architectures, as one self-contained HTML page: the text, and the figures one by one."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph, Node
from nasdsl.passes.annotations import latency_ranges, range_text
from nasdsl.passes.derive import derive
from nasdsl.report.draw.shapes import Figure, svg
from nasdsl.report.patterns import domain_words, value_words
from nasdsl.report.picture import figures, title
from nasdsl.report.text import text

STYLE = """
body { font: 15px/1.5 Helvetica, Arial, sans-serif; max-width: 1400px; margin: 2em auto; padding: 0 1em;
  color: #1f2328; background: #ffffff; }
pre, td { font: 12.5px/1.45 Menlo, Consolas, monospace; }
pre { background: #f6f8fa; padding: 1em; overflow-x: auto; border-radius: 6px; white-space: pre-wrap; }
figure { margin: 1.5em 0; overflow-x: auto; }
figcaption { font-weight: bold; margin-bottom: 0.4em; }
table { border-collapse: collapse; }
td, th { text-align: left; padding: 0.15em 1em 0.15em 0; border-bottom: 1px solid #d0d7de; vertical-align: top; }
"""


def page(
    graph: Graph,
    architecture: Architecture | None = None,
    *,
    latency: Mapping[str, float] | None = None,
    device: str = "",
) -> str:
    """The page; it has no scripts and refers to nothing outside itself.

    Args:
        graph: The space.
        architecture: One of its architectures, to describe that.
        latency: Latency in milliseconds by signature, to say what operations take.
        device: Whose.

    Raises:
        NasError: The architecture is none of this space, or the table lacks an entry.
    """
    name = escape(title(graph, architecture))
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{name}</title><style>{STYLE}</style></head><body>",
        f"<h1>{name}</h1>",
        f"<pre>{escape(text(graph, architecture, latency=latency, device=device))}</pre>",
        *map(_figure, figures(graph, architecture)),
        "<h2>Decisions</h2>",
        *_table(graph, architecture),
        *(_operations(derive(graph, architecture) if architecture else graph, latency, device) if latency else []),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _figure(figure: Figure) -> str:
    drawing = svg(Figure(figure.width, figure.height, figure.shapes), figure.caption)
    return f"<figure><figcaption>{escape(figure.caption)}</figcaption>\n{drawing}</figure>"


def _table(graph: Graph, architecture: Architecture | None) -> list[str]:
    rows = ["<table><tr><th>decision</th><th>form</th><th>" + ("value" if architecture else "from") + "</th></tr>"]
    for path, decision in graph.decisions.items():
        if architecture is not None and path not in architecture.decisions:
            continue
        words = value_words(architecture.decisions[path]) if architecture else domain_words(decision)
        cells = (path, decision.kind.value, words)
        rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    return [*rows, "</table>"]


def _operations(graph: Graph, latency: Mapping[str, float], device: str) -> list[str]:
    """What every operation takes, with what an engine fuses into it; over all values of the decisions."""
    rows = [
        f"<h2>Operations on {escape(device)}</h2>",
        "<table><tr><th>operation</th><th>makes</th><th>takes</th></tr>",
    ]
    for number, found in latency_ranges(graph, latency).items():
        node = graph.nodes[number]
        cells = (f"{_place(graph, node)}{node.op}", str(node.type), range_text([found]))
        rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    return [*rows, "</table>"]


def _place(graph: Graph, node: Node) -> str:
    """The block instances around a node, the outermost first."""
    names: list[str] = []
    scope: int | None = node.scope
    while scope:
        names.append(graph.scopes[scope].name)
        scope = graph.scopes[scope].parent
    return "".join(f"{name}." for name in reversed(names))
