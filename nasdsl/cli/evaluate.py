"""`nasdsl eval` and `nasdsl predict`: what a model file is worth, and what it sees."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from nasdsl.cli.arguments import folder
from nasdsl.cli.quantities import positive
from nasdsl.diagnostics.errors import NasError


def add(verbs: Any) -> None:
    """Add the verbs."""
    parser = verbs.add_parser("eval", help="metrics and latency of a model in ONNX Runtime")
    parser.add_argument("model", metavar="M.onnx", help="a model that `search` or `export` has written")
    parser.add_argument("--data", required=True, metavar="D", help="streets or camvid:DIR")
    parser.add_argument("--split", choices=("train", "val", "test"), default="test", help="default test")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="of ONNX Runtime (default 1)")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_eval)
    parser = verbs.add_parser("predict", help="draw what a model sees in pictures")
    parser.add_argument("model", metavar="M.onnx", help="a model that `search` or `export` has written")
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="pictures of any size")
    parser.add_argument(
        "-o", "--output", required=True, type=folder, metavar="DIR", help="gets NAME.overlay.png and NAME.classes.png"
    )
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="of ONNX Runtime (default 1)")
    parser.set_defaults(func=_predict)


def _eval(args: argparse.Namespace) -> int:
    from nasdsl.cli.live import watching
    from nasdsl.hardware.device import open_device
    from nasdsl.search.evaluate import judge_on
    from nasdsl.search.onnx_network import OnnxNetwork

    device = open_device("ort_cpu", threads=args.threads)
    model = OnnxNetwork(Path(args.model), args.threads)
    with watching() as observer:
        metrics = judge_on(model, args.data, args.split, observer)
        observer.phase("measure", 0, 0)
        latency = device.measure_model(args.model)
    if args.json:
        document = {"metrics": metrics, "latency_ms": latency, "fps": 1000 / latency}
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
        return 0
    for name, value in metrics.items():
        if isinstance(value, float):
            sys.stdout.write(f"{name} {value:.4f}\n")
        else:
            sys.stdout.writelines(f"  {part:<14} {share:.4f}\n" for part, share in value.items())
    sys.stdout.write(f"latency {latency:.3f} ms ({1000 / latency:.0f} fps) on ort_cpu, {args.threads} thread(s)\n")
    return 0


def _predict(args: argparse.Namespace) -> int:
    from nasdsl.data.pictures import read_image
    from nasdsl.search.onnx_network import OnnxNetwork
    from nasdsl.search.predict import predict

    model = OnnxNetwork(Path(args.model), args.threads)
    names = [Path(image).stem for image in args.images]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise NasError(
            f"two pictures are called `{twice[0]}`: one would overwrite the other", help="predict them apart"
        )
    images = [read_image(Path(image)) for image in args.images]
    for name, image in zip(names, images, strict=True):
        for path in predict(model, image, args.output, name):
            sys.stdout.write(f"{path}\n")
    return 0
