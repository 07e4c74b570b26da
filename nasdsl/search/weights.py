"""Weights of a derived network from a file, and the network with them as ONNX."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from nasdsl.codegen import module_paths, network_source
from nasdsl.data.dataset import open_data
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from nasdsl.lowering.export import export_onnx
from nasdsl.search.generated import module_from
from nasdsl.search.objective import Objective
from nasdsl.search.onnx_network import ModelFacts
from nasdsl.space import Space


def export(space: Space, architecture: Architecture, weights: Path, output: Path, *, data: str | None) -> float:
    """Write an architecture's network with trained weights as ONNX; returns how far it is from PyTorch at most.

    Args:
        space: The architecture's space.
        architecture: The decisions.
        weights: A safetensors file with the network's state dict.
        output: The file to write.
        data: The data set whose classes the model is to name, as on the command line; without it `eval` and
            `predict` cannot use the model.

    Raises:
        NasError: The weights are not those of this network, or the two disagree.
    """
    graph = space.derive(architecture)
    network = with_weights(graph, architecture, weights)
    metadata = {}
    if data is not None:
        size = next(graph.inputs()).type.size
        assert size is not None, "inputs are maps"
        classes = open_data(data, size=size).classes
        objective = Objective.of(space.graph, classes.names)
        metadata = ModelFacts(objective.main.name, tuple(objective.metrics()), classes).metadata()
    return export_onnx(graph, network, output, paths=module_paths(graph), metadata=metadata)


def with_weights(graph: Graph, architecture: Architecture, path: Path) -> nn.Module:
    """The network of a derived graph with the weights of a safetensors file.

    Raises:
        NasError: The file cannot be read, or its weights are not those of this network.
    """
    network: nn.Module = module_from(network_source(graph, architecture=architecture, facts={}), "network").Network()
    try:
        found = load_file(path)
    except FileNotFoundError:
        raise NasError(f"{path}: there is no such file", help="give the weights.safetensors of a run") from None
    except (SafetensorError, OSError) as error:
        raise NasError(f"{path} cannot be read as safetensors: {error}") from None
    wanted = network.state_dict()
    wrong = [name for name in wanted if name not in found or found[name].shape != wanted[name].shape]
    surplus = [name for name in found if name not in wanted]
    if wrong or surplus:
        what = f"`{(wrong or surplus)[0]}` is " + ("missing or of another shape" if wrong else "not part of it")
        raise NasError(
            f"{path} does not hold the weights of this architecture's network: {what}",
            help="give the architecture.json and weights.safetensors of one run",
        )
    network.load_state_dict(found)
    return network
