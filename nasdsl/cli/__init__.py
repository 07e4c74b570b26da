"""The command line: parses arguments, calls the library, prints.

Exit status: 0 done; 1 the input is wrong; 2 the command line is wrong; 3 this machine could not; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Any

from nasdsl import __version__
from nasdsl.diagnostics.errors import NasError


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    _print_anything()
    parser = _parser(argv[0] if argv else "")
    if not argv:
        parser.print_help(sys.stderr)
        return 2
    args = parser.parse_args(argv)
    try:
        status: int = args.func(args) or 0
        sys.stdout.flush()
        return status
    except NasError as error:
        _print_error(error)
        return error.status
    except KeyboardInterrupt as interrupt:
        print(f"\nstopped{f': {interrupt}' if str(interrupt) else ''}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except MemoryError:
        print("error: not enough memory\nhelp: a smaller preset, or fewer --param widths and layers", file=sys.stderr)
        return 3
    except OSError as error:
        print(f"error: {error.filename or 'a file'} cannot be written: {error.strerror or error}", file=sys.stderr)
        print("help: nothing half-written was left; free some space or choose another place", file=sys.stderr)
        return 3


def _print_anything() -> None:
    """Let characters that a terminal does not have, such as those of a file's name, be shown as numbers."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _print_error(error: NasError) -> None:
    from nasdsl.diagnostics.diagnostic import InvalidSpace

    if isinstance(error, InvalidSpace):
        from nasdsl.cli.messages import print_diagnostics

        print_diagnostics(error.diagnostics)
    else:
        print(f"error: {error}", file=sys.stderr)


def _parser(verb: str) -> argparse.ArgumentParser:
    """The arguments of a verb that is run at every keystroke, or those of all verbs: the others take long to import."""
    parser = argparse.ArgumentParser(
        prog="nasdsl",
        description="Architecture-search spaces as text: check, compile to PyTorch, search, lower to ONNX.",
    )
    parser.add_argument("--version", action="version", version=f"nasdsl {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for module in _modules(verb):
        module.add(verbs)
    return parser


def _modules(verb: str) -> tuple[Any, ...]:
    if verb == "check":
        from nasdsl.cli import check

        return (check,)
    if verb == "fmt":
        from nasdsl.cli import fmt

        return (fmt,)
    from nasdsl.cli import (
        check,
        compile_,
        cost,
        count,
        devices,
        explain,
        fmt,
        import_,
        import_table,
        marginals,
        profile,
        sample,
        search,
        serve_device,
        show,
        strategies,
    )

    first = (check, fmt, explain, show, count, marginals, sample, cost, compile_, import_, import_table)
    return (*first, devices, serve_device, profile, strategies, search)
