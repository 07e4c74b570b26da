"""`nasdsl explain`: what a diagnostic means, with a wrong and a right program."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from nasdsl.diagnostics.codes import TITLES
from nasdsl.diagnostics.explain import Explanation, explain


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("explain", help="what a diagnostic means, with a wrong and a right program")
    parser.add_argument("codes", nargs="*", metavar="CODE", help="such as E0207 (default: list all)")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_explain)


def _explain(args: argparse.Namespace) -> int:
    found = [explain(code) for code in args.codes or (TITLES if args.json else ())]
    if args.json:
        print(json.dumps({"codes": [asdict(item) | {"severity": item.severity} for item in found]}, indent=1))
        return 0
    from rich.console import Console

    console = Console(highlight=False)
    if not found:
        _list(console)
    for item in found:
        _show(console, item)
    return 0


def _list(console: Any) -> None:
    from rich.text import Text

    for code, title in TITLES.items():
        console.print(Text.assemble((code, "bold red" if code.startswith("E") else "bold yellow"), "  ", title))


def _show(console: Any, item: Explanation) -> None:
    from rich.text import Text

    style = "bold red" if item.severity == "error" else "bold yellow"
    console.print(Text.assemble((f"{item.severity}[{item.code}]", style), (f": {item.title}", "bold")))
    console.print()
    console.print(Text(item.text))
    texts = [("Wrong", "red", item.wrong), ("Right", "green", item.right)]
    texts += [(f"where {name} is", "cyan", text) for name, text in item.files.items()]
    for heading, colour, text in texts:
        console.print()
        console.print(Text(f"{heading}:", style=f"bold {colour}"))
        console.print()
        for line in text.splitlines():
            console.print(Text(f"    {line}"), soft_wrap=True)
    console.print()
