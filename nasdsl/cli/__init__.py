"""The command line: parses arguments, calls the library, prints.

Exit status: 0 done; 1 the input is wrong; 2 the command line is wrong; 3 this machine could not; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from nasdsl import __version__
from nasdsl.diagnostics.errors import NasError


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    args = _parser().parse_args(argv)
    try:
        status: int = args.func(args) or 0
        sys.stdout.flush()
        return status
    except NasError as error:
        text = str(error)
        print(text if text.startswith(("error", "warning")) else f"error: {text}", file=sys.stderr)
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


def _parser() -> argparse.ArgumentParser:
    from nasdsl.cli import check, compile_, profile, show
    from nasdsl.cli import search as search_verbs

    parser = argparse.ArgumentParser(
        prog="nasdsl",
        description="Architecture-search spaces as text: check, compile to PyTorch, search, lower to ONNX.",
    )
    parser.add_argument("--version", action="version", version=f"nasdsl {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for module in (check, show, compile_, profile, search_verbs):
        module.add(verbs)
    return parser
