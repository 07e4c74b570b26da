"""TF-NAS's lookup tables (Hu et al., ECCV 2020): inverted residuals with every number of middle channels.

A .npz file with arrays `gpu__BLOCK` and `cpu__BLOCK`, value i the milliseconds with i + 1 middle channels, and
`gpu__base` and `cpu__base`, what all other layers take together: here the call. A block is named
`MBInvertedResBlock_SIZE_IN_SE_OUT_kK_sS_ACT`. It becomes `inverted_residual` of the standard library, with ReLU for
whatever activation was measured. Blocks with squeeze-and-excitation, which the language does not have, are left out,
and so are values that are not positive (at few channels: a line was fitted).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.published.files import arrays, chosen, names
from nasdsl.hardware.table import Entry, Table
from nasdsl.ir.graph import Graph
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.passes.prices import CALL

MACHINES = {
    "gpu": ("titan_rtx", "NVIDIA TITAN RTX, PyTorch 1.1, cuDNN 7.6", 32),
    "cpu": ("xeon_6130", "Intel Xeon Gold 6130, one thread", 1),
}
"""By the prefix of the arrays: what .nas files call it, the machine, the batch."""

_NAME = re.compile(r"MBInvertedResBlock_(\d+)_(\d+)_(\d+)_(\d+)_k(\d)_s([12])_(\w+)")


def read(path: Path, device: str | None, space: Graph | None = None) -> Table:
    """The table of one of the two machines.

    Raises:
        NasError: The file is not in this form.
    """
    known = {name.partition("__")[0] for name in names(path)} & set(MACHINES)
    by_name = {MACHINES[kind][0]: kind for kind in known}
    kind = by_name[chosen(path, {k: n for n, k in by_name.items()}.get(device or "", device), by_name)]
    wanted = [name for name in names(path) if name.startswith(f"{kind}__")]
    content, entries, left = arrays(path, wanted), dict[str, Entry](), 0
    for array, values in content.items():
        if array == f"{kind}__base":
            entries[CALL] = Entry(ms=float(values))
            continue
        found = _NAME.fullmatch(array.partition("__")[2])
        if found is None:
            raise NasError(f"{path}: `{array}` is no inverted residual")
        size, cin, se, cout, k, stride = map(int, found.groups()[:6])
        if se:
            continue
        for mid, ms in enumerate(values.tolist(), start=1):
            if ms > 0:
                entries["; ".join(_kernels(size, cin, mid, cout, k, stride))] = Entry(ms=ms)
            else:
                left += 1
    name, machine, batch = MACHINES[kind]
    return Table(
        device=name,
        machine=machine,
        threads=1,
        batch=batch,
        source=f"TF-NAS's lookup table, without squeeze-and-excitation and {left} values that are not positive",
        blocks=("inverted_residual",),
        free=tuple(sorted(OPERATIONS)),
        entries=entries,
    )


def _kernels(size: int, cin: int, mid: int, cout: int, k: int, stride: int) -> Iterator[str]:
    """The kernels of a block."""
    x, wide = f"{cin}x{size}x{size}", f"{mid}x{size}x{size}"
    small, y = f"{mid}x{size // stride}x{size // stride}", f"{cout}x{size // stride}x{size // stride}"
    yield f"conv k=1 relu {x} -> {wide}"
    yield f"dw_conv k={k}{' stride=2' if stride == 2 else ''} relu {wide} -> {small}"
    yield f"conv k=1 {small} -> {y}"
    if stride == 1 and cin == cout:
        yield f"sum {x} + {y} -> {y}"
