"""`nasdsl serve-device`: let another machine measure on this one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from nasdsl.cli.quantities import natural, positive, seconds
from nasdsl.diagnostics.errors import NasError

PORT = 8517
LOCAL = ("127.0.0.1", "localhost")


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("serve-device", help="let another machine measure on this one (device `remote` there)")
    parser.add_argument("--device", default="ort_cpu", metavar="NAME", help="default ort_cpu")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="of the device (default 1)")
    parser.add_argument(
        "--host", default=LOCAL[0], metavar="H", help=f"where to listen (default {LOCAL[0]}: here only)"
    )
    parser.add_argument("--port", type=natural, default=PORT, metavar="N", help=f"default {PORT}; 0 takes a free one")
    parser.add_argument(
        "--token-file", required=True, metavar="F", help="what clients must know; made if it does not exist"
    )
    parser.add_argument("--cert", default="", metavar="F", help="a certificate, for https")
    parser.add_argument("--key", default="", metavar="F", help="its private key, if that is another file")
    parser.add_argument(
        "--timeout", type=seconds, metavar="T", help="give up a step of a measurement after it, such as 60s"
    )
    parser.set_defaults(func=_serve)


def _serve(args: argparse.Namespace) -> int:
    from nasdsl.hardware.device import open_device
    from nasdsl.hardware.serve import DeviceServer

    if args.key and not args.cert:
        raise NasError("--key without --cert", help="add the certificate: --cert F", status=2)
    if args.port > 65535:
        raise NasError(f"--port {args.port}: ports end at 65535", status=2)
    options = {"timeout_s": args.timeout} if args.timeout else {}
    device = open_device(args.device, threads=args.threads, **options)
    address = (args.host, args.port)
    with DeviceServer(device, _token(Path(args.token_file)), address, certificate=args.cert, key=args.key) as server:
        scheme = "https" if args.cert else "http"
        threads = f"{device.threads} thread{'s' * (device.threads != 1)}"
        print(f"{device.name} ({threads}) at {scheme}://{args.host}:{server.server_port}; token in {args.token_file}")
        if args.host not in LOCAL and not args.cert:
            print("warning: without --cert the token can be read on the way", file=sys.stderr)
        sys.stdout.flush()
        server.serve_forever()
    return 0


def _token(path: Path) -> str:
    """The token in a file, which is made, for its owner only, if it does not exist."""
    import os
    import secrets

    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            token = secrets.token_urlsafe(32)
            file.write(token + "\n")
            return token
    except FileExistsError:
        pass
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NasError(f"cannot read the token in {path}: {error}", status=2) from None
