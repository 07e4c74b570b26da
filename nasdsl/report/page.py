"""A space, or one of its architectures, as one self-contained HTML page: the text, and the figures one by one."""

from __future__ import annotations

from html import escape

from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
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


def page(graph: Graph, architecture: Architecture | None = None) -> str:
    """The page; it has no scripts and refers to nothing outside itself.

    Raises:
        NasError: The architecture is none of this space.
    """
    name = escape(title(graph, architecture))
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{name}</title><style>{STYLE}</style></head><body>",
        f"<h1>{name}</h1>",
        f"<pre>{escape(text(graph, architecture))}</pre>",
        *map(_figure, figures(graph, architecture)),
        "<h2>Decisions</h2>",
        *_table(graph, architecture),
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
