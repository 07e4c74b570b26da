"""Samples kept in memory, so that no picture is decoded or drawn twice."""

from __future__ import annotations

from nasdsl.data.dataset import Classes, Sample, SegmentationData, Split

#: Samples are kept until they fill this many bytes; later ones are made anew each time.
CACHE_LIMIT_BYTES = 1 << 30


class CachedData:
    """A data set that remembers the samples it was asked for.

    Nothing is ever thrown out: epochs visit every sample in turn, so making room would only exchange a sample
    needed later for one needed just as late.

    Args:
        data: Where the samples come from.
        limit_bytes: How much may be kept.

    >>> from nasdsl.data.dataset import open_data
    >>> data = CachedData(open_data("streets", size=(32, 64)))
    >>> data.sample("train", 0) is data.sample("train", 0)
    True
    """

    def __init__(self, data: SegmentationData, limit_bytes: int = CACHE_LIMIT_BYTES) -> None:
        self._data = data
        self._limit_bytes = limit_bytes
        self._samples: dict[tuple[Split, int], Sample] = {}
        self.held_bytes = 0

    @property
    def name(self) -> str:
        """The name of the data set behind."""
        return self._data.name

    @property
    def classes(self) -> Classes:
        """The classes of the data set behind."""
        return self._data.classes

    def length(self, split: Split) -> int:
        """Number of samples of a split."""
        return self._data.length(split)

    def sample(self, split: Split, index: int) -> Sample:
        """The sample, from memory if it was asked for before and there was room."""
        key = (split, index)
        kept = self._samples.get(key)
        if kept is not None:
            return kept
        sample = self._data.sample(split, index)
        if self.held_bytes + sample.nbytes <= self._limit_bytes:
            self._samples[key] = sample
            self.held_bytes += sample.nbytes
        return sample
