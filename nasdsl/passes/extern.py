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
    that are. No argument depends on decisions.

    Raises:
        NasError: The target is not two dotted Python names, or an argument's name cannot be one in Python.
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
        args[name] = _plain(value)
    return TorchForm(target, args, "{self}({x})" if len(node.inputs) == 1 else "{self}({all})")


def _plain(value: Any) -> Any:
    if not isinstance(value, Number):
        return value
    constant = value.constant
    assert constant is not None, "what an extern is given is the same in every architecture"
    return int(constant) if constant.denominator == 1 else float(constant)
