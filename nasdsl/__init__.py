"""nasdsl: a language and a compiler for neural-architecture-search spaces.

A ``.nas`` text describes a space of networks. nasdsl checks it, compiles it to a PyTorch supernet, searches it
under a latency target and lowers the network it finds to ONNX.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
