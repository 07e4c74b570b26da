"""The names that a file sees: the operations, the standard library, what it imports, its own blocks and externs."""

from __future__ import annotations

import difflib
import keyword
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from nasdsl.diagnostics.diagnostic import Diagnostic, InvalidSpace, Label
from nasdsl.diagnostics.errors import NasError
from nasdsl.elaborate.values import BlockValue, ExternValue, Frame, Mistake, Poison
from nasdsl.resources import grammar_text
from nasdsl.source import Source
from nasdsl.syntax import ast
from nasdsl.syntax.parser import parse, read_source

STANDARD_LIBRARY = "std.nas"
"""Name of the source of the blocks that every file sees."""
STANDARD_FOLDER = "std/"
"""Imports of paths that begin like this are from the standard library."""
MAX_FILES = 100
"""Most files that one file may import, directly and indirectly."""

_CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


@cache
def _standard_library() -> ast.File:
    return parse(Source(STANDARD_LIBRARY, grammar_text(STANDARD_LIBRARY)))


class Imports:
    """The names of files; every file is read once.

    Attributes:
        diagnostics: The mistakes found in imports.
    """

    def __init__(self, builtins: Mapping[str, Any]) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._prelude = Frame(None, 0)
        self._prelude.names |= builtins
        for item in _standard_library().items:
            assert isinstance(item, ast.Block)
            self._prelude.names[item.name] = BlockValue(item, self._prelude, item.name)
        self._frames: dict[str, Frame] = {}
        self._open: list[str] = []

    def names_of(self, file: ast.File) -> Frame:
        """What a file defines and imports, in a frame whose parent has what every file sees."""
        frame = Frame(self._prelude, 0)
        self._open.append(_identity(file.span.source.name))
        for item in file.items:
            try:
                self._add(item, frame)
            except Mistake as mistake:
                self.diagnostics.append(mistake.diagnostic)
                for wanted in item.names if isinstance(item, ast.Import) else ():
                    frame.names.setdefault(wanted.alias or wanted.name, Poison())
                if isinstance(item, ast.Block | ast.Extern):
                    frame.names.setdefault(item.name, Poison())
        self._open.pop()
        return frame

    def _add(self, item: ast.Space | ast.Block | ast.Extern | ast.Import, frame: Frame) -> None:
        match item:
            case ast.Import():
                self._import(item, frame)
            case ast.Extern():
                _define(frame, item.name, ExternValue(_checked(item), frame, item.name), item)
            case ast.Block():
                if item.target.index is not None:
                    message = f"a block of a file has no index, found `{item.target.span.text}`"
                    raise Mistake("E0206", message, item.target.span, help="declare it inside the space")
                _define(frame, item.name, BlockValue(item, frame, item.name), item)

    def _import(self, node: ast.Import, frame: Frame) -> None:
        names = self._frame_of(node).names
        for wanted in node.names:
            if wanted.name not in names:
                near = difflib.get_close_matches(wanted.name, names, 1)
                hint = f"did you mean `{near[0]}`?" if near else f"it has: {', '.join(sorted(names)) or 'nothing'}"
                message = f"`{node.path.value}` has no block or extern `{wanted.name}`"
                self.diagnostics.append(Mistake("E0106", message, wanted.span, help=hint).diagnostic)
                frame.names.setdefault(wanted.alias or wanted.name, Poison())
                continue
            _define(frame, wanted.alias or wanted.name, names[wanted.name], wanted)

    def _frame_of(self, node: ast.Import) -> Frame:
        """The names of the file that an import reads."""
        path = self._path(node)
        identity = _identity(path)
        if identity in self._open:
            circle = " -> ".join(Path(name).name for name in [*self._open[self._open.index(identity) :], identity])
            message = "files import one another in a circle"
            hint = f"move what both need into a third file ({circle})"
            raise Mistake("E0107", message, node.path.span, "leads back to a file that is being read", help=hint)
        if identity not in self._frames:
            if len(self._frames) >= MAX_FILES:
                raise Mistake("E0701", f"more than {MAX_FILES} files are imported, the limit", node.path.span)
            self._frames[identity] = self._read(path, node)
        return self._frames[identity]

    def _read(self, path: str, node: ast.Import) -> Frame:
        try:
            text = Source(path, grammar_text(path)) if path.startswith(STANDARD_FOLDER) else read_source(path)
            return self.names_of(parse(text))
        except InvalidSpace as invalid:
            self.diagnostics += invalid.diagnostics
            raise Mistake("E0106", f"`{node.path.value}` has mistakes of its own", node.path.span) from None
        except NasError as error:
            library = path.startswith(STANDARD_FOLDER)
            message = f"the standard library has no `{path}`" if library else error.message
            hint = "an import is relative to the file it stands in" if not library else None
            raise Mistake("E0106", message, node.path.span, help=error.help if not library else hint) from None

    def _path(self, node: ast.Import) -> str:
        """The file an import means; relative to the one it stands in."""
        text = node.path.value
        path = PurePosixPath(text)
        if path.suffix != ".nas" or path.is_absolute() or "\\" in text:
            message = f'an import names a .nas file by a relative path, found "{text}"'
            hint = 'write: from "blocks.nas" import conv3, or from "std/backbones.nas" import resnet50'
            raise Mistake("E0106", message, node.path.span, help=hint)
        here = node.span.source.name
        if text.startswith(STANDARD_FOLDER):
            if ".." in path.parts:
                raise Mistake("E0106", f'"{text}" leads out of the standard library', node.path.span)
            return text
        if here.startswith(STANDARD_FOLDER):
            message = "a file of the standard library imports from the standard library only"
            raise Mistake("E0106", message, node.path.span)
        return str(Path(here).parent / path)


def _identity(path: str) -> str:
    return path if path.startswith(STANDARD_FOLDER) else os.path.realpath(path)


def _define(frame: Frame, name: str, value: Any, node: ast.Node) -> None:
    if name in frame.names:
        labels = (Label(frame.places[name], "first defined here"),)
        raise Mistake("E0202", f"`{name}` is already defined in this file", node.span, "again", labels=labels)
    frame.names[name] = value
    frame.places[name] = node.span


def _checked(node: ast.Extern) -> ast.Extern:
    """An extern whose class has a legal name and whose shape has the right length."""
    target = node.target.value
    if not _CLASS.fullmatch(target) or any(keyword.iskeyword(part) for part in re.split(r"[.:]", target)):
        message = f'an extern names a Python class as "package.module:Class", found "{target}"'
        raise Mistake("E0108", message, node.target.span, help='write: from "mypackage.layers:MyHead"')
    if len(node.shape) not in (1, 3):
        message = f"the shape of an extern has one number (a vector) or three (a map), found {len(node.shape)}"
        raise Mistake("E0108", message, node.span, help="write: -> [channels(x), 28, 28]")
    if any(parameter.name == "target" for parameter in node.parameters):
        raise Mistake("E0108", "a parameter of an extern cannot be called `target`", node.span)
    for parameter in node.parameters:
        if keyword.iskeyword(parameter.name):
            message = f"`{parameter.name}` is a word of Python and cannot be an argument of a class"
            raise Mistake("E0108", message, parameter.span, help="rename the parameter")
    return node
