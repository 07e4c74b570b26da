"""`nasdsl import`: architectures as they were published, and back."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from nasdsl.cli.arguments import add_space, load_space, read_architecture
from nasdsl.diagnostics.errors import NasError
from nasdsl.files import write_atomically


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("import", help="an architecture in the notation in which it was published")
    parser.add_argument("kind", metavar="KIND", help="darts, nasbench201, fbnet or fasterseg")
    parser.add_argument("notation", metavar="TEXT", help="the text, a file that holds it, or - for standard input")
    add_space(parser)
    parser.add_argument(
        "--back", action="store_true", help="the other way: TEXT is an architecture; print its notation"
    )
    parser.add_argument("-o", "--output", metavar="A.json", help="the file to write (default: print it)")
    parser.set_defaults(func=_import)


def _import(args: argparse.Namespace) -> int:
    from nasdsl.notations import read_notation, write_notation

    if args.back:
        architecture = read_architecture(args.notation)
        space = load_space(args, args.preset or architecture.preset)
        text = write_notation(args.kind, architecture, space.graph) + "\n"
    else:
        text = read_notation(args.kind, _text(args.notation), load_space(args).graph).to_json()
    if args.output:
        write_atomically(args.output, text)
    else:
        sys.stdout.write(text)
    return 0


def _text(notation: str) -> str:
    """The text itself, or what the file of that name holds."""
    if notation == "-":
        return sys.stdin.read()
    try:
        return Path(notation).read_text(encoding="utf-8") if Path(notation).is_file() else notation
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise NasError(f"{notation}: cannot be read: it is no UTF-8 text") from None
        return notation
