"""`nasdsl export`: an architecture with weights as ONNX, or as a program of PyTorch."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.cli.arguments import add_space, load_space, read_architecture
from nasdsl.cli.quantities import positive
from nasdsl.diagnostics.errors import NasError

if TYPE_CHECKING:
    from nasdsl.search.export import Exported, Judgement

DEFAULT_DATA = "streets"
"""What quantisation is calibrated on where no data set is named."""


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("export", help="an architecture with weights as ONNX, compared with PyTorch first")
    add_space(parser)
    parser.add_argument("--arch", required=True, metavar="A.json", help="the architecture")
    parser.add_argument("--weights", required=True, metavar="W.safetensors", help="weights of its network")
    parser.add_argument(
        "--data",
        metavar="D",
        help="data set whose classes and colours the model is to name, and on which --int8 is calibrated",
    )
    parser.add_argument("-o", "--output", required=True, metavar="M", help="the file to write: M.onnx, or M.pt2")
    parser.add_argument(
        "--format",
        choices=("onnx", "torch-export"),
        default="onnx",
        help="torch-export: an ExportedProgram for torch.export.load (default onnx)",
    )
    parser.add_argument("--opset", type=positive, metavar="N", help="version of the ONNX operator set (default 18)")
    parser.add_argument(
        "--dynamic",
        choices=("batch", "size", "none"),
        default="batch",
        help="what of the input is free: the batch size (the default); height and width too; nothing",
    )
    parser.add_argument("--int8", action="store_true", help="quantise; says what that costs on the test pictures")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_export)


def _export(args: argparse.Namespace) -> int:
    _refuse_contradictions(args)
    try:
        from nasdsl.cli.live import watching
        from nasdsl.lowering.opset import OPSET
        from nasdsl.search.export import Form, export
    except ImportError as error:
        raise NasError(f"`nasdsl export` needs {error.name}", help="pip install 'nasdsl[all]'", status=3) from None

    architecture = read_architecture(args.arch)
    space = load_space(args, args.preset or architecture.preset)
    output = Path(args.output)
    data = args.data or (DEFAULT_DATA if args.int8 else None)
    form = Form(args.format, args.opset or OPSET, args.dynamic, args.int8, data)
    with watching(quiet=not args.int8) as observer:
        exported = export(space, architecture, Path(args.weights), output, form, observer)
    if args.json:
        sys.stdout.write(json.dumps(_document(output, form.format, form.opset, exported), indent=1) + "\n")
        return 0
    sys.stdout.write(
        f"{output}: {exported.size:,} bytes, {'before quantisation it differs' if args.int8 else 'differs'} from "
        f"PyTorch by at most {exported.difference:.1e}\n"
    )
    if exported.fp32 and exported.int8:
        sys.stdout.writelines(_lines(exported.fp32, exported.int8))
    return 0


def _refuse_contradictions(args: argparse.Namespace) -> None:
    if args.format == "onnx":
        return
    for given, flag in ((args.opset, "--opset"), (args.int8, "--int8"), (args.dynamic == "size", "--dynamic size")):
        if given:
            raise NasError(
                f"{flag} is for ONNX, found --format {args.format}", help=f"leave out {flag} or --format", status=2
            )


def _document(output: Path, kind: str, opset: int, exported: Exported) -> dict[str, Any]:
    found: dict[str, Any] = {"onnx": str(output), "opset": opset} if kind == "onnx" else {"program": str(output)}
    found |= {"max_abs_diff": exported.difference, "bytes": exported.size}
    if exported.fp32 and exported.int8:
        found |= {"fp32": _as_data(exported.fp32), "int8": _as_data(exported.int8)}
    return found


def _as_data(judged: Judgement) -> dict[str, Any]:
    return {"metrics": judged.metrics, "latency_ms": judged.latency_ms, "bytes": judged.size}


def _lines(fp32: Judgement, int8: Judgement) -> list[str]:
    rows = [("", "fp32", "int8", "change")]
    for name, before in fp32.metrics.items():
        after = int8.metrics[name]
        rows.append((f"test {name}", f"{before:.4f}", f"{after:.4f}", f"{after - before:+.4f}"))
    ratio = f"x{int8.latency_ms / fp32.latency_ms:.2f}"
    rows.append(("latency, ms", f"{fp32.latency_ms:.3f}", f"{int8.latency_ms:.3f}", ratio))
    rows.append(("bytes", f"{fp32.size:,}", f"{int8.size:,}", f"x{int8.size / fp32.size:.2f}"))
    return [f"{name:<16}{before:>12}{after:>12}{change:>10}\n" for name, before, after, change in rows]
