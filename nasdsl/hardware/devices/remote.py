"""A device on another machine, which runs `nasdsl serve-device`."""

from __future__ import annotations

import http.client
import os
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import ClassVar, TypeVar
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ValidationError

from nasdsl.diagnostics.errors import NasError
from nasdsl.files import expanded
from nasdsl.hardware import wire
from nasdsl.hardware.device import Measurement, device_name
from nasdsl.hardware.named import how_to_name
from nasdsl.hardware.passage import MOST_BYTES
from nasdsl.hardware.watch import checked_timeout
from nasdsl.passes.kernels import Signature

TOKEN = "NASDSL_TOKEN"
"""The variable with the token, where no file is named."""
OPEN_TIMEOUT_S = 10.0
"""How long a machine may take to say what it serves."""

Answer = TypeVar("Answer", bound=BaseModel)


class Remote:
    """Measures over HTTP; a request has as many kernels as are measured in turn, so that little is lost when it fails.

    Args:
        name: What it is called: give every machine a name of its own, its lookup table has it too.
        threads: Must be those with which the device is served, like batch and precision.
        batch: Images that are computed at once.
        precision: Of weights and maps.
        url: Such as `http://pi4:8517`, or with https.
        token_file: A file with the token; else the variable `NASDSL_TOKEN`.
        ca_file: With https: the certificate to trust, if it is not signed by a known authority.
        timeout_s: How long an answer may take.

    Raises:
        NasError: An argument is wrong or differs from what the machine serves (status 2), or it does not answer (3).
    """

    kind: ClassVar[str] = "remote"
    options: ClassVar[tuple[str, ...]] = ("url", "token_file", "ca_file", "timeout_s")

    def __init__(
        self,
        *,
        name: str = "remote",
        threads: int = 1,
        batch: int = 1,
        precision: str = "fp32",
        url: str = "",
        token_file: str | Path = "",
        ca_file: str | Path = "",
        timeout_s: float = 600.0,
    ) -> None:
        self.name = device_name(name, batch=batch, precision=precision)
        self.threads, self.batch, self.precision = threads, batch, precision
        self._url, self._timeout_s, self._ca_file = _address(name, url), checked_timeout(timeout_s), str(ca_file)
        self._token = _token(name, str(token_file))
        self._served = self._ask("GET", wire.DEVICE, b"", wire.DeviceWire, min(self._timeout_s, OPEN_TIMEOUT_S))
        for what in ("threads", "batch", "precision"):
            wanted, found = getattr(self, what), getattr(self._served, what)
            if wanted != found:
                raise NasError(
                    f"{url} serves `{self._served.device}` with {what} = {found}, wanted is {wanted}",
                    help="start `nasdsl serve-device` there with what you want, or ask for what it has",
                    status=2,
                )

    def describe(self) -> str:
        """The other machine, and its device."""
        return f"{self._served.machine} ({self._served.device})"

    def libraries(self) -> Mapping[str, str]:
        """The versions there."""
        return self._served.libraries

    def measure(self, signatures: Iterable[Signature], footprint: int = 0) -> Iterator[tuple[str, Measurement]]:
        """Measure kernels there, some in each request."""
        rest = iter(signatures)
        while some := list(islice(rest, wire.MOST_KERNELS)):
            kernels = [wire.to_wire(signature) for signature in some]
            request = wire.KernelsWire(kernels=kernels, footprint=min(footprint, MOST_BYTES))
            answer = self._ask(
                "POST", wire.KERNELS, request.model_dump_json().encode(), wire.MeasurementsWire, self._timeout_s
            )
            if len(answer.measurements) != len(some):
                raise self._gone(f"answered {len(answer.measurements)} measurements for {len(some)} kernels")
            for signature, found in zip(some, answer.measurements, strict=True):
                yield signature.text, found.measurement()

    def measure_model(self, path: str | Path) -> float:
        """The latency of an ONNX file there, in ms."""
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise NasError(f"cannot read {path}: {error.strerror}") from None
        return self._ask("POST", wire.MODEL, content, wire.ModelWire, self._timeout_s).ms

    def measure_models(self, paths: Sequence[str | Path]) -> list[float]:
        """The latencies of ONNX files there, in ms, one after the other."""
        return [self.measure_model(path) for path in paths]

    def _ask(self, method: str, path: str, body: bytes, kind: type[Answer], timeout_s: float) -> Answer:
        connection = self._connection(timeout_s)
        try:
            connection.request(
                method, self._url.path.rstrip("/") + path, body, {"Authorization": f"Bearer {self._token}"}
            )
            response = connection.getresponse()
            content = response.read(wire.MOST_JSON)
        except TimeoutError:
            raise self._gone(f"did not answer within {timeout_s:g} s") from None
        except (OSError, http.client.HTTPException) as error:
            raise self._gone(f"does not answer: {str(error) or type(error).__name__}") from None
        finally:
            connection.close()
        try:
            if response.status == 200:
                return kind.model_validate_json(content)
            refused = wire.ErrorWire.model_validate_json(content)
        except ValidationError:
            raise self._gone(f"answered what is no answer of nasdsl (status {response.status})") from None
        raise NasError(f"{self._url.netloc}: {refused.error}", help=refused.help, status=3)

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        try:
            host, port = self._url.hostname or "", self._url.port or wire.PORT
            if self._url.scheme == "http":
                return http.client.HTTPConnection(host, port, timeout=timeout_s)
            trust = ssl.create_default_context(cafile=self._ca_file or None)
        except (OSError, ValueError, http.client.InvalidURL) as error:
            raise NasError(f"`{self.name}`: {error}", help="check its url and ca_file", status=2) from None
        return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=trust)

    def _gone(self, why: str) -> NasError:
        return NasError(
            f"the device at {self._url.netloc} {why}",
            help="is `nasdsl serve-device` running there? What was measured before is kept; the same command goes on",
            status=3,
        )


def _address(name: str, url: str) -> SplitResult:
    """The address of a machine, in its parts."""
    try:
        found = urlsplit(url)
    except ValueError:
        found = urlsplit("")
    if found.scheme not in ("http", "https") or not found.hostname:
        raise NasError(
            f"`{name}` needs the address of its machine, such as http://pi4:{wire.PORT}, found {url!r}",
            help=how_to_name("pi4", "remote", url=f"http://pi4:{wire.PORT}", token_file="~/pi4.token"),
            status=2,
        )
    return found


def _token(name: str, path: str) -> str:
    """The token in a file, or in the environment."""
    try:
        found = expanded(path).read_text(encoding="ascii") if path else os.environ.get(TOKEN, "")
    except (OSError, UnicodeDecodeError) as error:
        raise NasError(f"cannot read the token of `{name}` in {path}: {error}", status=2) from None
    token = found.strip()
    if not token:
        raise NasError(f"`{name}` needs a token", help=f"set its option token_file, or {TOKEN}", status=2)
    if not (token.isascii() and token.isprintable()):
        raise NasError(
            f"the token of `{name}` in {path or TOKEN} is none: it is one line of ASCII characters", status=2
        )
    return token
