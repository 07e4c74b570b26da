"""`nasdsl show`: look at a space."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.cli.arguments import add_space, add_table, annotating_table, load_space, read_architecture
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.space import Space

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nasdsl.hardware.table import Table
    from nasdsl.ir.graph import Graph

FORMATS = ("text", "json", "svg", "html", "nodes")

ENDINGS = {"": "text", ".txt": "text", ".json": "json", ".svg": "svg", ".html": "html", ".htm": "html"}
"""The format of an output file, by the ending of its name."""


def add(verbs: Any) -> None:
    """Add the verbs."""
    show = verbs.add_parser("show", help="a space, or an architecture of it: as text, as a picture, as data")
    add_space(show)
    show.add_argument("--arch", metavar="A.json", help="show this architecture of the space")
    show.add_argument(
        "--format",
        choices=FORMATS,
        help="text: a summary (default); json: everything as data; svg: a picture; html: both, as a page; "
        "nodes: the graph, a line for each operation. Without it the ending of the output file counts",
    )
    show.add_argument("--all", action="store_true", help="text: a line for every decision")
    add_table(show, "a lookup table: says what operations take, and the whole")
    show.add_argument("-o", "--output", metavar="FILE", help="write here instead of printing")
    show.set_defaults(func=_show)


def _show(args: argparse.Namespace) -> int:
    form = args.format or _format_of(args.output)
    architecture = read_architecture(args.arch) if args.arch else None
    space = load_space(args, args.preset or architecture.preset if architecture else None)
    table = annotating_table(args, [space.graph])
    if table is not None and form == "svg":
        raise NasError("a picture says nothing about latency", help="text, json, html and nodes do", status=2)
    shown = _in_form(form, space, architecture, table, every=args.all)
    if args.output:
        from nasdsl.files import write_atomically

        write_atomically(args.output, shown)
    else:
        print(shown, end="")
    return 0


def _format_of(output: str | None) -> str:
    """The format that the ending of a file's name says, text without one.

    Raises:
        NasError: No format has this ending.
    """
    ending = Path(output).suffix.lower() if output else ""
    if ending not in ENDINGS:
        known = ", ".join(filter(None, ENDINGS))
        raise NasError(
            f"{output}: no format has the ending {ending}, expected one of {known}, or none for text",
            help="choose another name, or say what to write with --format",
            status=2,
        )
    return ENDINGS[ending]


def _in_form(form: str, space: Space, architecture: Architecture | None, table: Table | None, *, every: bool) -> str:
    latency, device = (table.latency_ms, table.title) if table is not None else (None, "")
    if form == "nodes":
        return _nodes(space.graph if architecture is None else space.derive(architecture), latency)
    if form == "json":
        from nasdsl.report.summary import summary

        return (
            json.dumps(summary(space.graph, architecture, latency=latency, device=device), indent=1, ensure_ascii=False)
            + "\n"
        )
    if form == "svg":
        from nasdsl.report.picture import picture

        return picture(space.graph, architecture)
    if form == "html":
        from nasdsl.report.page import page

        return page(space.graph, architecture, latency=latency, device=device)
    from nasdsl.report.text import text

    return text(space.graph, architecture, every=every, latency=latency, device=device)


def _nodes(graph: Graph, latency: Mapping[str, float] | None) -> str:
    from nasdsl.ir.text import dump
    from nasdsl.passes.annotations import latency_ranges, range_text

    found = latency_ranges(graph, latency) if latency is not None else {}
    return dump(graph, {node: range_text([own]) for node, own in found.items()})
