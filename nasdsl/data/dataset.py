"""What a set of labelled street pictures is, and how one is named on the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from nasdsl.diagnostics.errors import NasError

Split = Literal["train", "val", "test"]

#: The splits that every data set has.
SPLITS: tuple[Split, ...] = get_args(Split)

#: What the labels of every batch hold where no class is asked for.
IGNORE = 255

#: The entry points under which other packages add kinds of data.
ENTRY_POINTS = "nasdsl.data"


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of a data set; a class is its index here.

    Attributes:
        names: What they are called.
        palette: Red, green and blue, 0 to 255, of each.
        things: Whether single objects of it are counted (cars, people) or not (road, sky).
        ignore: The label value of pixels that belong to no class; not an index into the above.
    """

    names: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    things: tuple[bool, ...]
    ignore: int

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.palette) == len(self.things):
            raise ValueError("names, palette and things must have one entry a class")
        if 0 <= self.ignore < len(self.names):
            raise ValueError(f"ignore={self.ignore} is the index of class {self.names[self.ignore]}")

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled picture; the arrays are read-only.

    Attributes:
        image: Red, green, blue, uint8 [H, W, 3].
        label: Class of every pixel, or `Classes.ignore`, uint8 [H, W].
        instances: class * 1000 + n on things, n from 1, and 0 elsewhere, uint16 [H, W]; None if the data has none.
        name: Unique within its split.
    """

    image: NDArray[np.uint8]
    label: NDArray[np.uint8]
    instances: NDArray[np.uint16] | None
    name: str

    @property
    def nbytes(self) -> int:
        """What the arrays occupy."""
        return self.image.nbytes + self.label.nbytes + (0 if self.instances is None else self.instances.nbytes)


class SegmentationData(Protocol):
    """Pictures with a class a pixel, in three splits.

    ``sample`` gives the same bytes whenever it is asked the same.
    """

    @property
    def name(self) -> str:
        """What the data set is called."""

    @property
    def classes(self) -> Classes:
        """Its classes."""

    def length(self, split: Split) -> int:
        """Number of samples of a split."""

    def sample(self, split: Split, index: int) -> Sample:
        """The index-th sample of a split, 0 <= index < length(split)."""


@dataclass(frozen=True, slots=True)
class DataKind:
    """A kind of data that ``--data`` can name.

    Attributes:
        usage: How it is written, such as ``camvid:DIR``; what stands before the colon is its name.
        summary: One line for the help.
        open: Makes the data set from what stands after the colon ("" if nothing does), the (height, width) at which
            made-up pictures are wanted, and the seed of the run.
    """

    usage: str
    summary: str
    open: Callable[[str, tuple[int, int], int], SegmentationData]

    @property
    def takes_folder(self) -> bool:
        """Whether something must stand after the colon."""
        return ":" in self.usage


#: Kinds that come with nasdsl: name, and the module whose KIND it is.
_BUILT_IN = {"streets": "nasdsl.data.streets", "camvid": "nasdsl.data.camvid"}


def data_kinds() -> dict[str, DataKind]:
    """Every kind of data there is, by name: the built-in ones and those of other packages' entry points."""
    kinds: dict[str, DataKind] = {}
    for name, module in _BUILT_IN.items():
        kinds[name] = import_module(module).KIND
    for entry in entry_points(group=ENTRY_POINTS):
        kinds.setdefault(entry.name, entry.load())
    return kinds


def open_data(spec: str, *, size: tuple[int, int], seed: int = 0) -> SegmentationData:
    """The data set that ``--data`` names.

    Args:
        spec: ``streets`` or ``camvid:DIR``.
        size: (height, width) of pictures that are made to order; pictures from files keep their own size.
        seed: Which of the endless sets of made-up pictures; pictures from files do not depend on it.

    Raises:
        NasError: status 2, there is no such kind or its folder is not named; status 1, the folder is not as expected.

    >>> data = open_data("streets", size=(64, 128))
    >>> data.sample("val", 0).image.shape
    (64, 128, 3)
    >>> open_data("street", size=(64, 128))
    Traceback (most recent call last):
    nasdsl.diagnostics.errors.NasError: unknown data 'street'
    help: did you mean 'streets'? There are: streets, camvid:DIR
    """
    name, colon, folder = spec.partition(":")
    kinds = data_kinds()
    usages = ", ".join(kind.usage for kind in kinds.values())
    if name not in kinds:
        close = get_close_matches(name.lower(), kinds, n=1)
        hint = f"did you mean '{kinds[close[0]].usage}'? " if close else ""
        raise NasError(f"unknown data '{spec}'", help=f"{hint}There are: {usages}", status=2)
    kind = kinds[name]
    if kind.takes_folder and not folder:
        raise NasError(f"data '{spec}' does not say where it lies", help=f"write {kind.usage}", status=2)
    if colon and not kind.takes_folder:
        raise NasError(f"data '{name}' takes no folder, found '{folder}'", help=f"write {kind.usage}", status=2)
    if min(size) < 1:
        raise NasError(
            f"a picture of {size[0]} x {size[1]} pixels has no pixels", help="give a positive height and width"
        )
    return kind.open(folder, size, seed)
