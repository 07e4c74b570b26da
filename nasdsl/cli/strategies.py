"""`nasdsl strategies`: the ways of searching, and where each comes from."""

from __future__ import annotations

import argparse
import json
from typing import Any


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("strategies", help="the ways of searching, with their papers")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_strategies)


def _strategies(args: argparse.Namespace) -> int:
    from nasdsl.search.strategies import STRATEGIES

    if args.json:
        found = [{"name": name, "summary": kind.summary, "paper": kind.paper} for name, kind in STRATEGIES.items()]
        print(json.dumps({"strategies": found}, indent=1))
        return 0
    width = max(map(len, STRATEGIES))
    for name, kind in STRATEGIES.items():
        print(f"{name:<{width}}  {kind.summary}\n{'':<{width}}  {kind.paper}")
    return 0
