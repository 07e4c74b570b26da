"""`nasdsl export`: an architecture with weights as ONNX."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from nasdsl.cli.arguments import add_space, load_space, read_architecture


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("export", help="an architecture with weights as ONNX, compared with PyTorch first")
    add_space(parser)
    parser.add_argument("--arch", required=True, metavar="A.json", help="the architecture")
    parser.add_argument("--weights", required=True, metavar="W.safetensors", help="weights of its network")
    parser.add_argument("--data", metavar="D", help="data set whose classes and colours the model is to name")
    parser.add_argument("-o", "--output", required=True, metavar="M.onnx", help="the file to write")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_export)


def _export(args: argparse.Namespace) -> int:
    from nasdsl.lowering.onnx import OPSET
    from nasdsl.search.weights import export

    architecture = read_architecture(args.arch)
    space = load_space(args, args.preset or architecture.preset)
    output = Path(args.output)
    difference = export(space, architecture, Path(args.weights), output, data=args.data)
    size = output.stat().st_size
    if args.json:
        document = {"onnx": str(output), "opset": OPSET, "max_abs_diff": difference, "bytes": size}
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
    else:
        sys.stdout.write(f"{output}: {size:,} bytes, differs from PyTorch by at most {difference:.1e}\n")
    return 0
