"""`nasdsl fmt`: the one canonical layout of .nas files."""

from __future__ import annotations

import argparse
import difflib
import sys
from typing import Any

from nasdsl.diagnostics.errors import NasError
from nasdsl.source import Source

STDIN = "-"
"""The file name that stands for the standard input."""


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("fmt", help="lay .nas files out, in place")
    parser.add_argument("files", nargs="+", metavar="FILE", help=".nas files; - reads stdin and writes to stdout")
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if a file would change")
    parser.add_argument("--diff", action="store_true", help="write nothing; show what would change")
    parser.set_defaults(func=_fmt)


def _fmt(args: argparse.Namespace) -> int:
    changed, wrong = 0, 0
    for file in args.files:
        try:
            changed += _format(file, args)
        except NasError as error:
            _complain(error)
            wrong += 1
    if len(args.files) > 1:
        would = "would change" if args.check or args.diff else "changed"
        print(f"{changed} of {len(args.files)} files {would}", file=sys.stderr)
    return int(wrong > 0 or (args.check and changed > 0))


def _format(file: str, args: argparse.Namespace) -> bool:
    """Format a file, or show what that would change; returns whether its layout is another."""
    from nasdsl.syntax.parser import read_source
    from nasdsl.syntax.printer import format_source

    source = _standard_input() if file == STDIN else read_source(file)
    text = format_source(source)
    changed = text != source.text
    if args.diff:
        sys.stdout.write(_difference(source, text))
    if args.check:
        if changed:
            print(f"{source.name}: would change", file=sys.stderr)
    elif file == STDIN and not args.diff:
        sys.stdout.write(text)
    elif changed and not args.diff:
        _replace(file, text)
        print(f"{file}: changed", file=sys.stderr)
    return changed


def _standard_input() -> Source:
    from nasdsl.syntax.encoding import decoded

    return decoded("<stdin>", sys.stdin.buffer.read())


def _difference(source: Source, text: str) -> str:
    before, after = source.text.splitlines(keepends=True), text.splitlines(keepends=True)
    lines = difflib.unified_diff(before, after, source.name, source.name)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _replace(file: str, text: str) -> None:
    """Write a file whole or not at all; a link stays a link, and the permissions stay."""
    from nasdsl.files import resolved, write_atomically

    path = resolved(file)
    mode = path.stat().st_mode
    write_atomically(path, text)
    path.chmod(mode)


def _complain(error: NasError) -> None:
    from nasdsl.cli.messages import print_diagnostics
    from nasdsl.diagnostics.diagnostic import InvalidSpace

    if isinstance(error, InvalidSpace):
        print_diagnostics(error.diagnostics)
    else:
        print(f"error: {error}", file=sys.stderr)
