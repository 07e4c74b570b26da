"""The weights of a derived network, taken out of its supernet."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from nasdsl.ir.graph import Attribute, Graph, Kind, Node
from nasdsl.number import Number
from nasdsl.passes.module_paths import module_paths
from nasdsl.runtime.layers import BatchNorm2d, Conv2d, Linear, centre


def inherit(supernet: nn.Module, graph: Graph, derived: Graph) -> dict[str, Tensor]:
    """The state dict with which a derived network computes what the supernet computes for its architecture.

    Args:
        supernet: The generated supernet of `graph`.
        graph: The space.
        derived: A network of it: its nodes know their `origin`.

    Returns:
        Copies, by the names of the generated network of `derived`. Nodes that stand for one of the space (a grid cell
        that two routes reach by different ways) get equal weights.
    """
    sources = module_paths(graph, _chosen_numbers(graph, derived))
    found: dict[str, Tensor] = {}
    for node_id, target in module_paths(derived).items():
        node = derived.nodes[node_id]
        assert node.origin is not None, "the network was derived"
        module = supernet.get_submodule(sources[node.origin])
        for name, tensor in _weights(module, node, derived).items():
            found[f"{target}.{name}"] = tensor.detach().clone()
    return found


def _weights(module: nn.Module, node: Node, derived: Graph) -> Mapping[str, Tensor]:
    """The part of a module's state that a network's node uses."""
    c_in, c = _channels(derived.nodes[node.inputs[0].node]), _channels(node)
    if isinstance(module, BatchNorm2d):
        return module.at[str(c)].state_dict()
    state = module.state_dict()
    if isinstance(module, Conv2d):
        per_group = 1 if module.groups == module.in_channels == module.out_channels else c_in // module.groups
        state["weight"] = centre(state["weight"][:c, :per_group], _whole(node.attrs["k"]))
        if "bias" in state:
            state["bias"] = state["bias"][:c]
    elif isinstance(module, Linear):
        state["weight"] = state["weight"][:c, :c_in]
        if "bias" in state:
            state["bias"] = state["bias"][:c]
    return state


def _channels(node: Node) -> int:
    return _whole(node.type.channels)


def _whole(number: Attribute) -> int:
    assert isinstance(number, Number), "channels and kernels are numbers"
    assert number.constant is not None, "a network has no decisions"
    return int(number.constant)


def _chosen_numbers(graph: Graph, derived: Graph) -> dict[str, int]:
    """The values of the choices among numbers; what is dead in the network is its first."""
    decided = derived.decided or {}
    found: dict[str, int] = {}
    for path, decision in graph.decisions.items():
        if decision.kind is Kind.CHOOSE and isinstance(decision.domain[0], int):
            value = decided.get(path, decision.domain[0])
            assert isinstance(value, int), "a choice among numbers is decided by one"
            found[path] = value
    return found
