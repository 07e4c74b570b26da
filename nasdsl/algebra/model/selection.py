"""Which decisions a user means, and numbers for their values."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Mapping
from typing import TypeVar

from nasdsl.algebra.model.model import Model
from nasdsl.algebra.model.routes import Groups
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph, Kind

KINDS = {"choices": Kind.CHOOSE, "picks": Kind.PICK, "widths": Kind.WIDTH, "depths": Kind.DEPTH, "routes": Kind.ROUTE}

Number = TypeVar("Number", int, float)


def selected(graph: Graph, which: str) -> list[str]:
    """The decisions of a kind such as "routes", or whose paths fit a pattern such as "trunk[*,8].w".

    Raises:
        NasError: There is none.
    """
    if which in KINDS:
        paths = [path for path, decision in graph.decisions.items() if decision.kind is KINDS[which]]
    else:
        pattern = re.compile("".join(".*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", which)))
        paths = [path for path in graph.decisions if pattern.fullmatch(path)]
    if not paths:
        raise NasError(f"`{graph.name}` has no decision that `{which}` means", help="`nasdsl show --all` lists them")
    return paths


def by_decision(
    model: Model, paths: Collection[str], numbers: Mapping[int, Mapping[int, Number]]
) -> dict[str, dict[Hashable, Number]]:
    """Numbers for the values of variables as numbers for the values of decisions.

    Args:
        model: The space.
        paths: The decisions.
        numbers: For each variable of theirs a number for each of its values; what is missing is zero.

    Returns:
        For each decision a number for each of its values. A pick's are its subsets. For a route: a number for each link
        that it can take, ((cell), (cell)): the sum over what the link carries when the route is on it.
    """
    found: dict[str, dict[Hashable, Number]] = {}
    for path in paths:
        if path in model.choices:
            own = numbers[model.choices[path]]
            values = model.graph.variables[model.choices[path]].values
            found[path] = {value: own.get(n, 0) for n, value in enumerate(values) if n}
    for flow in model.flows.values():
        for route in (route.path for route in flow.routes if route.path in paths):
            found[route] = {
                link: sum(
                    n for value, n in numbers[passage.groups].items() if _carries(model, passage.groups, value, route)
                )
                for link, passage in flow.links.items()
                if route in flow.ahead[link[1]]
            }
    return {path: found[path] for path in paths}


def variables_of(model: Model, paths: Collection[str]) -> set[int]:
    """The variables whose values say those of some decisions (see `by_decision`)."""
    found = {model.choices[path] for path in paths if path in model.choices}
    for flow in model.flows.values():
        if any(route.path in paths for route in flow.routes):
            found |= {passage.groups for passage in flow.links.values()}
    return found


def _carries(model: Model, variable: int, value: int, route: str) -> bool:
    groups: Groups = model.graph.variables[variable].values[value]  # type: ignore[assignment]
    return any(route in group for group in groups)
