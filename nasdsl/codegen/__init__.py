"""Readable PyTorch from a graph: the supernet of a space, or one network. Never imports torch."""

from nasdsl.codegen.network import network_source
from nasdsl.codegen.supernet import supernet_source
from nasdsl.passes.module_paths import module_paths

__all__ = ["module_paths", "network_source", "supernet_source"]
