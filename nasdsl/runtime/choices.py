"""What has been decided for one forward pass of a supernet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, TypeVar

from torch import Tensor

from nasdsl.runtime.layers import total
from nasdsl.runtime.space import Cell, Choose, Pick, Space
from nasdsl.runtime.weighted import mixture

Thunk = Callable[[], Tensor]
"""Computes a map when it is wanted."""

Key = int | str | tuple[int | str, ...]
"""A value of a decision, or the values that have an alternative in common."""

T = TypeVar("T")


def once(compute: Callable[[], T]) -> Callable[[], T]:
    """What some alternatives need and others do not: computed when it is first asked for, and not again."""
    return cache(compute)


@dataclass(frozen=True)
class Zero:
    """An alternative that is a map of zeros. It adds nothing to others, so it is made only where it stands alone."""

    compute: Thunk

    def __call__(self) -> Tensor:
        """The map."""
        return self.compute()


@dataclass(frozen=True)
class Draw:
    """What a choose, width, depth or pick has been decided to be.

    Attributes:
        place: The place of the value in its domain; of a pick the place of its subset. In a mixture that of the
            greatest weight.
        weights: [n]. In a hard draw 1 at `place` and 0 elsewhere, with the gradient of the soft weights; in a mixture
            the soft weights. None: no gradient is wanted.
        others: The places of the alternatives that run beside it and are added up with their weights.
    """

    place: int
    weights: Tensor | None = None
    others: tuple[int, ...] = ()

    @property
    def runs(self) -> frozenset[int]:
        """The places of all alternatives that run."""
        return frozenset((self.place, *self.others))


@dataclass(frozen=True)
class Drawn:
    """All decisions of one forward pass.

    Attributes:
        space: Whose they are.
        draws: All decisions but routes.
        ways: For each route the cells it takes; empty where grids are mixed.
        strides: For each route the weights of the links it takes, one less than cells; as `Draw.weights`.
        shares: For each grid, where grids are mixed: by link its share of the map that enters its target, [links].
    """

    space: Space
    draws: Mapping[str, Draw]
    ways: Mapping[str, tuple[Cell, ...]] = field(default_factory=dict)
    strides: Mapping[str, tuple[Tensor, ...]] = field(default_factory=dict)
    shares: Mapping[str, Tensor] = field(default_factory=dict)


class Choices:
    """A view of what has been decided: decisions are read by their names in a block instance.

    `a / "normal"` is the view of the instance `normal`; `(a / "normal")["w"]` the decided number `normal.w`.

    Args:
        drawn: What has been decided.
        prefix: Path of the instance.
    """

    def __init__(self, drawn: Drawn, prefix: str = "") -> None:
        self.drawn = drawn
        self._prefix = prefix

    def __truediv__(self, name: str) -> Choices:
        """The view of an inner instance."""
        return Choices(self.drawn, self._path(name))

    @property
    def root(self) -> Choices:
        """The view of the whole space."""
        return Choices(self.drawn)

    def _path(self, name: str) -> str:
        return f"{self._prefix}.{name}" if self._prefix else name

    def __getitem__(self, name: str) -> int:
        """The value of a decided number."""
        path = self._path(name)
        decision = self.drawn.space.decisions[path]
        assert isinstance(decision, Choose), f"{path} is no number"
        value = decision.domain[self.drawn.draws[path].place]
        assert isinstance(value, int), f"{path} is no number"
        return value

    def mix(self, name: str, alternatives: Mapping[Key, Thunk]) -> Tensor:
        """The chosen alternative, or the weighted sum of those that run.

        Args:
            name: A choice or a depth.
            alternatives: What computes the map for each value; a tuple of values has one map.
        """
        path = self._path(name)
        draw, decision = self.drawn.draws[path], self.drawn.space.decisions[path]
        assert isinstance(decision, Choose), f"{path} is no choice"
        arms = [(_places(decision, key), compute) for key, compute in alternatives.items()]
        if draw.weights is None:
            return next(compute for places, compute in arms if draw.place in places)()
        weights = draw.weights.unbind()
        arms = [arm for arm in arms if not draw.runs.isdisjoint(arm[0])]
        arms = [arm for arm in arms if not isinstance(arm[1], Zero)] or arms
        return mixture((total([weights[place] for place in places]), compute()) for places, compute in arms)

    def picked(self, name: str, members: Mapping[Key, Thunk] | Callable[[Any], Tensor]) -> list[Tensor]:
        """The members that are picked, in order; where several subsets run, the weighted sum of what each has there.

        Args:
            name: A pick.
            members: What computes the map of each, or a function that computes the map of any.
        """
        path = self._path(name)
        draw, decision = self.drawn.draws[path], self.drawn.space.decisions[path]
        assert isinstance(decision, Pick), f"{path} is no pick"
        if draw.others:
            return _mixed_members(decision, draw, _thunks(decision, members))
        chosen = decision.subsets[draw.place]
        found = []
        for label, compute in _thunks(decision, members).items():
            if label in chosen:
                part = compute()
                if draw.weights is not None:
                    having = [place for place, subset in enumerate(decision.subsets) if label in subset]
                    part = part * draw.weights[having].sum()
                found.append(part)
        return found

    def scaled(self, x: Tensor, *names: str) -> Tensor:
        """The map itself; through it numbers that shaped it get their gradient (the score of FasterSeg's widths)."""
        for name in names:
            draw = self.drawn.draws[self._path(name)]
            if draw.weights is not None:
                x = x * draw.weights[draw.place]
        return x


def _mixed_members(decision: Pick, draw: Draw, members: Mapping[Key, Thunk]) -> list[Tensor]:
    """For each place of a subset the sum, over the subsets that run, of weight times the member that stands there."""
    assert draw.weights is not None, "several run for their weights"
    weights = draw.weights.unbind()
    shares: list[dict[Key, list[Tensor]]] = [{} for _ in range(decision.count)]
    for place in sorted(draw.runs):
        standing = [label for label in members if label in decision.subsets[place]]
        for share, label in zip(shares, standing, strict=True):
            share.setdefault(label, []).append(weights[place])
    wanted = {label for share in shares for label in share}
    maps = {label: compute() for label, compute in members.items() if label in wanted}
    return [mixture((total(parts), maps[label]) for label, parts in share.items()) for share in shares]


def _thunks(decision: Pick, members: Mapping[Key, Thunk] | Callable[[Any], Tensor]) -> Mapping[Key, Thunk]:
    """What computes the map of each member."""
    return {label: partial(members, label) for label in decision.domain} if callable(members) else members


def _places(decision: Choose, key: Key) -> Sequence[int]:
    return [decision.domain.index(value) for value in (key if isinstance(key, tuple) else (key,))]
