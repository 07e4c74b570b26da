"""nasdsl: a language and a compiler for neural-architecture-search spaces.

A ``.nas`` text describes a space of networks. nasdsl checks it, compiles it to a PyTorch supernet, searches it
under a latency target and lowers the network it finds to ONNX.

>>> import nasdsl
>>> nasdsl.load("spaces/darts.nas").sample(seed=0).space
'darts'
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nasdsl.builder import SpaceBuilder as SpaceBuilder
    from nasdsl.diagnostics.diagnostic import InvalidSpace as InvalidSpace
    from nasdsl.diagnostics.errors import NasError as NasError
    from nasdsl.ir.architecture import Architecture as Architecture
    from nasdsl.space import Space as Space
    from nasdsl.space import load as load

__version__ = "0.1.0"

# ONNX Runtime from 1.29 on reports what models it is given, by name and hashes, unless this is set before it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_HOMES = {
    "Architecture": "nasdsl.ir.architecture",
    "InvalidSpace": "nasdsl.diagnostics.diagnostic",
    "NasError": "nasdsl.diagnostics.errors",
    "Space": "nasdsl.space",
    "SpaceBuilder": "nasdsl.builder",
    "load": "nasdsl.space",
}

__all__ = ["Architecture", "InvalidSpace", "NasError", "Space", "SpaceBuilder", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that `import nasdsl` takes no time."""
    if name not in _HOMES:
        raise AttributeError(f"module 'nasdsl' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
