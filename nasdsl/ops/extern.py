"""Operations written in Python: what they can be given, and how generated code makes and calls one."""

from __future__ import annotations

import keyword
import re
from typing import Any

from nasdsl.diagnostics.errors import NasError
from nasdsl.number import Number
from nasdsl.ops.operation import Attributes, RuleError, TorchForm
from nasdsl.types import MapType

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_TARGET = re.compile(rf"({_NAME}(?:\.{_NAME})*):({_NAME})")


def module_and_class(target: str) -> tuple[str, str]:
    """The parts of "package.module:Class".

    >>> module_and_class("heads.rois:MaskHead")
    ('heads.rois', 'MaskHead')

    Raises:
        NasError: It is not two dotted Python names.
    """
    found = _TARGET.fullmatch(target)
    if found is None or any(keyword.iskeyword(part) for part in re.split(r"[.:]", target)):
        raise NasError(f"{target!r} names no Python class", help='write: from "package.module:Class"')
    return found[1], found[2]


def check_extern(output: MapType, attrs: Attributes) -> None:
    """Check what an extern is given.

    Args:
        output: The declared type.
        attrs: The arguments that are no maps, and its class as `target`.

    Raises:
        RuleError: An argument or the channels depend on decisions, or it cannot be written in a Python call.
    """
    target = attrs["target"]
    for name, value in attrs.items():
        if keyword.iskeyword(name):
            raise RuleError(f"`{name}` cannot be an argument of a Python class", help="rename the parameter")
        if isinstance(value, Number) and value.constant is None:
            raise RuleError(
                f"`{name}` of `{target}` depends on decisions, found {value}",
                help="give the extern numbers that are the same in every architecture",
            )
    if output.channels.constant is None:
        raise RuleError(
            f"the channels that `{target}` makes depend on decisions, {output.channels}; "
            "a class of your own cannot be sliced",
            help="bring its input to a fixed number of channels before it: conv(c, k = 1)",
        )


def extern_form(maps: int, attrs: Attributes) -> TorchForm:
    """The PyTorch form of an extern: its class, constructed with the arguments that are no maps, called with those
    that are, so many `maps`.

    Raises:
        NasError: What it names is no class: nothing else may reach generated code.
    """
    module_and_class(str(attrs["target"]))
    args = {name: _plain(value) for name, value in attrs.items() if name != "target"}
    return TorchForm(attrs["target"], args, "{self}({x})" if maps == 1 else "{self}({all})")


def _plain(value: Any) -> Any:
    if not isinstance(value, Number):
        return value
    constant = value.constant
    assert constant is not None, "an extern is given no decided numbers"
    return int(constant) if constant.denominator == 1 else float(constant)
