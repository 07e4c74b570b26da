"""A space as an array: its architectures by index, in the order that elimination gives.

A uniform index is a uniform architecture, and a range of indices is a shard.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from functools import cached_property

from nasdsl.algebra.elimination.descent import Descent
from nasdsl.algebra.model.batch import Batch
from nasdsl.algebra.model.model import Model
from nasdsl.algebra.sampling.arrays import BITS, ArraySampler
from nasdsl.algebra.sampling.mutants import ArrayMutator
from nasdsl.algebra.sampling.variation import Variation
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture


class Ranking:
    """The architectures of a space as an array.

    Args:
        model: The factor graph of the space.
        bits: Random bits of each draw of an array, unless it needs more.
    """

    def __init__(self, model: Model, bits: int = BITS) -> None:
        self.model, self._bits = model, bits
        self._descent = Descent(model.graph)
        self._arrays: ArraySampler | None = None
        self._mutator: ArrayMutator | None = None

    @property
    def size(self) -> int:
        """How many architectures there are."""
        return self._descent.total

    def __getitem__(self, index: int) -> Architecture:
        """The architecture with an index from 0.

        Raises:
            NasError: The index is out of range.
        """
        if not 0 <= index < self.size:
            raise NasError(
                f"there is no architecture {index}: `{self.model.space.name}` has {self.size}, counted from 0",
                help="give an index from 0 to one less than `nasdsl count` says",
            )
        return self.model.architecture(self._descent.assignment(index)[0])

    def __iter__(self) -> Iterator[Architecture]:
        """All architectures, one after the other."""
        return (self[index] for index in range(self.size))

    def index(self, architecture: Architecture) -> int:
        """The index of a valid architecture (see `nasdsl.passes.derive.validate`): `self[i]` has index i."""
        return self._descent.index(self.model.assignment(architecture))

    def sample(self, generator: random.Random) -> Architecture:
        """A uniformly random architecture.

        Raises:
            NasError: The space has none.
        """
        self._check()
        return self[generator.randrange(self.size)]

    @cached_property
    def variation(self) -> Variation:
        """Mutation and crossover."""
        return Variation(self.model, self._descent)

    def mutate(self, parent: Architecture, generator: random.Random) -> Architecture:
        """A mutant: see `Variation.mutate`."""
        return self.variation.mutate(parent, generator)

    def crossover(self, mother: Architecture, father: Architecture, generator: random.Random) -> Architecture:
        """A crossing: see `Variation.crossover`."""
        return self.variation.crossover(mother, father, generator)

    def mutants(self, parents: Batch | Iterable[Architecture], seed: int) -> Batch:
        """One mutant of each of many architectures, as arrays (see `Variation.mutate`); the same for the same seed.

        Raises:
            NasError: A parent is none of the space, the space has one architecture only, or numpy is missing.
        """
        if self._mutator is None:
            self._mutator = ArrayMutator(self.variation)
        return self._mutator.mutants(parents if isinstance(parents, Batch) else self._mutator.batch(parents), seed)

    def batches(self, count: int, seed: int) -> Iterator[Batch]:
        """Many uniformly random architectures as arrays, the same for the same seed.

        Raises:
            NasError: The space has none, or numpy is missing.
        """
        self._check()
        if self._arrays is None:
            self._arrays = ArraySampler(self._descent, self.model, self._bits)
        yield from self._arrays.draw(count, seed)

    def _check(self) -> None:
        if not self.size:
            raise NasError(f"`{self.model.space.name}` has no architecture", help="let its rules forbid less")
