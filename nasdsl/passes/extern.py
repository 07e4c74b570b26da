"""Operations written in Python: how generated code makes and calls one."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from typing import Any

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Node
from nasdsl.number import Number
from nasdsl.ops.operation import TorchForm

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


def extern_form(node: Node, attrs: Mapping[str, Any]) -> TorchForm:
    """The PyTorch form of an extern: its class, constructed with the arguments that are no maps, called with those
    that are.

    Raises:
        NasError: An argument depends on decisions, or cannot be written as one of a Python call.
    """
    target = str(attrs["target"])
    module_and_class(target)
    args: dict[str, Any] = {}
    for name, value in attrs.items():
        if name == "target":
            continue
        if not re.fullmatch(_NAME, name) or keyword.iskeyword(name):
            raise NasError(
                f"{node.span}: `{name}` cannot be an argument of a Python class", help="rename the parameter"
            )
        args[name] = _plain(node, name, value)
    if node.type.channels.constant is None:
        raise NasError(
            f"{node.span}: the channels that `{target}` makes depend on decisions, {node.type.channels}; "
            "a class of your own cannot be sliced",
            help="bring its input to a fixed number of channels before it: conv(c, k = 1)",
        )
    return TorchForm(target, args, "{self}({x})" if len(node.inputs) == 1 else "{self}({all})")


def _plain(node: Node, name: str, value: Any) -> Any:
    if not isinstance(value, Number):
        return value
    constant = value.constant
    if constant is None:
        raise NasError(
            f"{node.span}: `{name}` of `{node.attrs['target']}` depends on decisions, {value}",
            help="give the extern numbers that are the same in every architecture",
        )
    return int(constant) if constant.denominator == 1 else float(constant)
