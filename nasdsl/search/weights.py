"""Weights of a derived network in a file, which says whose they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from nasdsl.codegen import network_source
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from nasdsl.search.generated import module_from

OWNER = "nasdsl.network"
"""The key under which such a file says whose weights it holds: the space and the hash of the architecture."""


def weights_file(network: nn.Module, architecture: Architecture) -> bytes:
    """A network's weights as a safetensors file that says whose they are."""
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    # One key: the library writes several in any order.
    return save(tensors, metadata={OWNER: json.dumps([architecture.space, architecture.hash])})


def with_weights(graph: Graph, architecture: Architecture, path: Path) -> nn.Module:
    """The network of a derived graph with the weights of a safetensors file.

    Raises:
        NasError: The file cannot be read, or its weights are not those of this network; the difference is named.
    """
    network: nn.Module = module_from(network_source(graph, architecture=architecture, facts={}), "network").Network()
    found, owner = _read(path)
    hint = "give the architecture.json and weights.safetensors of one run"
    mine = json.dumps([architecture.space, architecture.hash])
    if owner not in ("", mine):
        raise NasError(
            f"{path} holds the weights of {_of(owner)}, expected those of {_of(mine)}",
            help=hint,
        )
    differences = list(_differences(found, network.state_dict()))
    if differences:
        more = f", and {len(differences) - 1} more" if len(differences) > 1 else ""
        raise NasError(
            f"{path} does not hold the weights of this architecture's network: {differences[0]}{more}", help=hint
        )
    network.load_state_dict(found)
    return network


def _of(owner: str) -> str:
    try:
        space, architecture = json.loads(owner)
    except ValueError:
        return "another program"
    return f"the architecture {architecture} of the space `{space}`"


def _read(path: Path) -> tuple[dict[str, Tensor], str]:
    """The tensors of a file, and whose they are: "" where it does not say."""
    if path.is_dir():
        raise NasError(f"{path} is a folder", help="give the weights.safetensors in it")
    try:
        with safe_open(path, framework="pt") as file:
            owner = (file.metadata() or {}).get(OWNER, "")
        return load_file(path), owner
    except FileNotFoundError:
        raise NasError(f"{path}: there is no such file", help="give the weights.safetensors of a run") from None
    except (SafetensorError, OSError) as error:
        raise NasError(f"{path} cannot be read as safetensors: {error}") from None


def _differences(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Iterator[str]:
    for name, tensor in wanted.items():
        if name not in found:
            yield f"`{name}` is missing"
        elif found[name].shape != tensor.shape:
            yield f"`{name}` has the shape {list(found[name].shape)}, expected {list(tensor.shape)}"
        elif not found[name].isfinite().all():
            yield f"`{name}` has values that are not finite"
    for name in found:
        if name not in wanted:
            yield f"`{name}` is no part of it"
