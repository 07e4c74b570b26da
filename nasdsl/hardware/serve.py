"""A device for others: an HTTP server that measures what it is sent, one request at a time.

Nothing that is sent is executed but the operations of this compiler and ONNX models; nothing is unpickled. Who knows
the token can use the machine's processor and memory, so it is for a network that is trusted, or behind TLS.
"""

from __future__ import annotations

import hmac
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any

import onnx
from onnx.external_data_helper import uses_external_data
from pydantic import BaseModel, ValidationError

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware import wire
from nasdsl.hardware.device import Device

READ_TIMEOUT_S = 30.0
"""How long a client may be silent while it sends."""
MOST_CONNECTIONS = 16
TOKEN_HELP = "name a file that does not exist: a token is made and written to it"


class DeviceServer(ThreadingHTTPServer):
    """Serves one device.

    Args:
        device: What measures.
        token: What clients must know; at least 16 characters.
        address: Host and port; port 0 takes a free one (see `server_port`).
        certificate: With `key`: files for TLS.
        key: The private key.

    Raises:
        NasError: The token is too short, the files are not a certificate and its key, or the port is taken.
    """

    daemon_threads = True

    def __init__(
        self, device: Device, token: str, address: tuple[str, int], *, certificate: str = "", key: str = ""
    ) -> None:
        if len(token) < 16 or not token.isascii():
            raise NasError("a token has at least 16 ASCII characters", help=TOKEN_HELP, status=2)
        self.device = device
        self.measuring = Lock()
        self._token = token.encode()
        self._slots = BoundedSemaphore(MOST_CONNECTIONS)
        context = _context(certificate, key) if certificate else None
        try:
            super().__init__(address, _Handler)
        except OSError as error:
            raise NasError(f"cannot serve at {address[0]}:{address[1]}: {error.strerror}", status=3) from None
        if context is not None:
            # The handshake is the work of the connection's thread: a silent client must not hold up the others.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def knows(self, header: str) -> bool:
        """Whether a request has the token; takes as long whatever is wrong."""
        return hmac.compare_digest(header.encode("utf-8", "replace"), b"Bearer " + self._token)

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for each connection, so many at once."""
        if not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Handle a connection and give its place free."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is the client's affair."""


class _Refusal(Exception):
    def __init__(self, status: int, error: str, help: str | None = None) -> None:  # noqa: A002
        super().__init__(error)
        self.status = status
        self.content = wire.ErrorWire(error=error, help=help)


class _Handler(BaseHTTPRequestHandler):
    server: DeviceServer
    timeout = READ_TIMEOUT_S
    server_version = "nasdsl"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer({wire.DEVICE: self._device})

    def do_POST(self) -> None:
        self._answer({wire.KERNELS: self._kernels, wire.MODEL: self._model})

    def _answer(self, known: dict[str, Any]) -> None:
        status, content = 200, wire.ErrorWire(error="")
        try:
            if not self.server.knows(self.headers.get("Authorization", "")):
                raise _Refusal(401, "the token is wrong", "the client's token must be that of `serve-device`")
            if self.path not in known:
                raise _Refusal(404, "there is no such thing here", "client and server should be of one version")
            content = known[self.path]()
        except _Refusal as refusal:
            status, content = refusal.status, refusal.content
        except NasError as error:
            status, content = 422, wire.ErrorWire(error=error.message, help=error.help)
        self._send(status, content)

    def _send(self, status: int, content: BaseModel) -> None:
        data = content.model_dump_json().encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _body(self, most: int) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 16):
            raise _Refusal(411, "a request says its length")
        if int(length) > most:
            raise _Refusal(413, f"a request of {int(length):,} bytes, at most {most:,} are allowed")
        content = self.rfile.read(int(length))
        if len(content) != int(length):
            raise _Refusal(400, "the request ended too early")
        return content

    def _device(self) -> wire.DeviceWire:
        device = self.server.device
        return wire.DeviceWire(
            device=device.name,
            machine=device.describe(),
            threads=device.threads,
            batch=device.batch,
            precision=device.precision,
            libraries=dict(device.libraries()),
        )

    def _kernels(self) -> wire.MeasurementsWire:
        try:
            request = wire.KernelsWire.model_validate_json(self._body(wire.MOST_JSON))
        except ValidationError as error:
            first = error.errors()[0]
            raise _Refusal(400, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        signatures = [wire.from_wire(kernel, f"kernel {i}") for i, kernel in enumerate(request.kernels)]
        with self._turn():
            found = [measurement for _, measurement in self.server.device.measure(signatures, request.footprint)]
        return wire.MeasurementsWire(
            measurements=[wire.MeasurementWire(ms=m.ms, alone_ms=m.alone_ms, rounds=m.rounds) for m in found]
        )

    def _model(self) -> wire.ModelWire:
        content = self._body(wire.MOST_MODEL)
        _whole(content)
        with self._turn(), tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.onnx")
            path.write_bytes(content)
            return wire.ModelWire(ms=self.server.device.measure_model(path))

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """The device, for one request."""
        if not self.server.measuring.acquire(blocking=False):
            raise _Refusal(503, "the device is measuring for someone else", "try again later")
        try:
            yield
        finally:
            self.server.measuring.release()


def _whole(content: bytes) -> None:
    """Check that a model has all of its weights in itself: it must not name files of this machine."""
    try:
        model = onnx.load_from_string(content)
    except Exception as error:  # of protobuf
        raise _Refusal(400, f"it is no ONNX model: {error}") from None
    if any(uses_external_data(tensor) for tensor in _tensors(model.graph)) or model.functions:
        raise _Refusal(400, "a model must hold its weights itself, and have no functions of its own")


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for item in graph.sparse_initializer:
        yield from (item.values, item.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.initializer:
                    yield from _tensors(inner)


def _context(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key or None)
    except (OSError, ssl.SSLError) as error:
        raise NasError(f"{certificate} is no certificate with its key: {error}", status=2) from None
    return context
