"""Classes as the templates print them: every line laid out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from nasdsl.codegen.blocks import Block, Item
from nasdsl.codegen.body import Body
from nasdsl.codegen.classnames import definition
from nasdsl.codegen.externs import extern_imports
from nasdsl.codegen.group import DEFAULTS, Group, inlined, steps_of
from nasdsl.codegen.groups import Groups
from nasdsl.codegen.layout import Expression, Nest, Prefixed, flat, lay_out, prose, wrapped
from nasdsl.codegen.shapes import Shapes
from nasdsl.ir.graph import Scope
from nasdsl.passes.module_paths import variant_key
from nasdsl.source import Span

MAX_MEMBER = 60
"""Columns of a module up to which a list of such is written as a comprehension."""


@dataclass(frozen=True, slots=True)
class ClassText:
    """A class as the template prints it: its name, and lines."""

    name: str
    doc: Sequence[str]
    init: Sequence[str]
    forward: Sequence[str]


def rendered(template: str, **model: Any) -> str:
    """A template with a model put in."""
    # The output is Python: every text in the model is a literal, a name or prose that cannot end its quotes.
    loader = jinja2.PackageLoader("nasdsl.codegen")
    environment = jinja2.Environment(
        loader=loader,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(template).render(**model)


class Printer:
    """Prints the classes of a graph.

    Args:
        groups: The classes.
        latency: Latency in milliseconds by signature, for comments; None for none.
    """

    def __init__(self, groups: Groups, latency: Mapping[str, float] | None) -> None:
        self.groups = groups
        self.shapes = Shapes(groups, latency)

    def blocks(self) -> Iterator[ClassText]:
        """All classes but that of the graph itself."""
        for group in self.groups.classes[:-1]:
            if not inlined(group):
                yield ClassText(group.name, self._doc(group), self._init(group), self._forward(group))

    def top(self, doc: Sequence[str], forward: Sequence[str]) -> ClassText:
        """The class of the graph itself, with a `forward` made elsewhere."""
        return ClassText(self.groups.classes[-1].name, doc, self._init(self.groups.classes[-1]), forward)

    def _doc(self, group: Group) -> list[str]:
        scope = self.groups.scope_of(group)
        name, span = self._definition(group)
        what = f"`{name}` ({shown_span(span)})"
        if group.blocks[0].is_cell:
            what = f"A cell of the grid {what}: its ways out"
        count = len(group.blocks)
        alike = [other for other in self.groups.classes if self._definition(other)[0] == name]
        where = f", {count} times" if count > 1 else f": {self._instance_name(scope)}"
        if count > 1 and len(alike) > 1:
            where += f", such as {self._instance_name(scope)}"
        reference = self.shapes.reference(group)
        sides = f"; H and W are those of `{group.blocks[0].names[reference]}`" if reference is not None else ""
        return wrapped(prose(f"{what}{where}{sides}."), 4)

    def _definition(self, group: Group) -> tuple[str, Span]:
        return definition([self.groups.graph.scopes[block.scope] for block in group.blocks])

    def _instance_name(self, scope: Scope) -> str:
        """What an instance is called in the whole space."""
        names = [scope.name]
        while scope.parent:
            scope = self.groups.graph.scopes[scope.parent]
            names.append(scope.name)
        return ".".join(reversed(names))

    def _init(self, group: Group) -> list[str]:
        body = list(self._modules(group))
        if not body:
            return []
        taken = [f"{p.name}: {_type(p.values)}" for p in group.parameters]
        signature = Nest("__init__(", ("self", *taken))
        lines = lay_out("def ", signature, " -> None:", 4)
        return [*lines, "        super().__init__()", *body]

    def _modules(self, group: Group) -> Iterator[str]:
        """The submodules; those of a list together, where the first of them stands."""
        found: dict[str, dict[str, Expression]] = {}
        for attribute, made in self._submodules(group):
            name, _, place = attribute.partition(".")
            found.setdefault(name, {})[place] = made
        columns = self._columns(group)
        for name, modules in found.items():
            if name in columns:
                yield from lay_out(f"self.{name}{_of_kinds(modules)} = ", _column(modules), "", 8)
            else:
                yield from lay_out(f"self.{name} = ", modules[""] if "" in modules else _module_list(modules), "", 8)

    def _columns(self, group: Group) -> set[str]:
        """The attributes of a class that are columns of cells."""
        tree, scopes = self.groups.outliner.tree, {block.scope for block in group.blocks}
        return {tree.attribute[cell].partition(".")[0] for cell in tree.columns if tree.parent[cell] in scopes}

    def _submodules(self, group: Group) -> Iterator[tuple[str, Expression]]:
        for place, item in enumerate(steps_of(group.blocks[0])):
            if place in group.given:
                yield group.given[place], group.given[place]
                continue
            if item.forms and item.forms[0].module:
                assert item.node is not None, "only operations have forms"
                name = self.groups.outliner.tree.node_attribute[item.node.id]
                modules = [self._module(group, place, variant, item) for variant in range(len(item.forms))]
            elif item.child and item.shared is None and not inlined(self.groups.of(item.child[0])[0]):
                name = self.groups.outliner.tree.attribute[item.child[0].scope]
                modules = [
                    self._instance(group, (place, variant), "", child) for variant, child in enumerate(item.child)
                ]
            else:
                continue
            yield name, self._variants(item, modules)

    def _variants(self, item: Item, modules: list[Nest]) -> Expression:
        if not item.symbols:
            return modules[0]
        assignments = self.groups.outliner.tree.assignments(item.symbols)
        keys = [variant_key(list(values.values()))[1:] for values in assignments]
        entries = tuple(Prefixed(f'"{key}": ', module) for key, module in zip(keys, modules, strict=True))
        return Nest("runtime.PerValue(", (Nest("{", entries, "}"),))

    def _module(self, group: Group, place: int, variant: int, item: Item) -> Nest:
        form = item.forms[variant]
        arguments: list[Expression] = []
        for key in form.args:
            value = group.arguments[place, variant, key]
            if key in DEFAULTS and flat(value) == repr(DEFAULTS[key]):
                continue
            if key.startswith("*"):
                arguments.append(value)
            else:
                arguments.append(Prefixed(f"{key}=", value))
        return Nest(f"{self.groups.externs.get(form.module, form.module)}(", tuple(arguments))

    def _instance(self, group: Group, at: tuple[int, int], prefix: str, made: Block) -> Nest:
        """How an inner instance is made.

        Args:
            group: The class that makes it.
            at: Where its arguments are found.
            prefix: What their names begin with.
            made: The instance.
        """
        inner, where = self.groups.of(made)
        arguments: list[Expression] = []
        for index, parameter in enumerate(inner.parameters):
            name = prefix + parameter.name
            if isinstance(parameter.values[where], Block):
                arguments.append(self._instance(group, at, f"{name}.", parameter.values[where]))
                continue
            value = group.arguments[*at, name]
            if value == "()" and parameter.optional:
                continue
            positional = parameter.name.startswith("c") and len(arguments) == index and not _any_named(arguments)
            arguments.append(value if positional else Prefixed(f"{parameter.name}=", value))
        return Nest(f"{inner.name}(", tuple(arguments))

    def _forward(self, group: Group) -> list[str]:
        if group.blocks[0].is_cell:
            return []
        body = Body(self.groups, group, self.shapes)
        parameters = body.parameters()
        body.finish()
        kind = "Tensor"
        if len(group.blocks[0].results) != 1:
            places = range(len(group.blocks[0].results))
            kinds = ["runtime.Thunk" if place in group.late_results else "Tensor" for place in places]
            kind = f"tuple[{', '.join(kinds)}]"
        return [*lay_out("def ", Nest("forward(", ("self", *parameters)), f" -> {kind}:", 4), *body.lines]


def _module_list(modules: Mapping[str, Expression]) -> Expression:
    """Modules that are read by a number."""
    members = [modules[str(place)] for place in range(len(modules))]
    texts = {flat(member) for member in members}
    if len(texts) == 1 and len(flat(members[0])) < MAX_MEMBER:
        return f"nn.ModuleList({texts.pop()} for _ in range({len(members)}))"
    return Nest("nn.ModuleList(", (Nest("[", tuple(members), "]"),))


def _of_kinds(cells: Mapping[str, Expression]) -> str:
    """What a type checker must be told of a column: cells of several classes need not have the same links."""
    classes = {flat(cell).partition("(")[0] for cell in cells.values()}
    return ": runtime.Column[Any]" if len(classes) > 1 else ""


def _column(cells: Mapping[str, Expression]) -> Expression:
    """The cells of a column, all alike if they are."""
    texts = {flat(cell) for cell in cells.values()}
    layers = list(map(int, cells))
    if len(texts) == 1:
        (cell,) = texts
        first, end = layers[0], layers[-1] + 1
        over = (f"i: {cell}", f"for i in range({first}, {end})" if first else f"for i in range({end})")
        return Nest("runtime.Column(", (Nest("{", over, "}", separator=""),))
    entries = tuple(Prefixed(f"{layer}: ", cell) for layer, cell in cells.items())
    return Nest("runtime.Column(", (Nest("{", entries, "}"),))


def _any_named(arguments: Sequence[Expression]) -> bool:
    return any(isinstance(argument, Prefixed) for argument in arguments)


def _type(values: Sequence[Any]) -> str:
    if isinstance(values[0], Block):
        return "nn.Module"
    if isinstance(values[0], tuple):
        return "tuple[int, ...] = ()" if () in values else "tuple[int, ...]"
    return type(values[0]).__name__


def shown_span(span: Span) -> str:
    """File and line, without the folder: generated code says nothing about the machine it was made on."""
    return prose(f"{Path(span.source.name).name}:{span.line}")


def docstring(lines: Sequence[str]) -> str:
    """The docstring of a module."""
    end = "" if len(lines) == 1 else "\n"
    return '"""' + "\n".join(lines) + end + '"""'


def imports_for(text: str, externs: Mapping[str, str], *, runtime: bool) -> list[str]:
    """The import lines that a module with this text needs, as ruff sorts them; `externs` as in `extern_names`."""
    lines = ["from __future__ import annotations", ""]
    if "Mapping[" in text:
        lines.append("from collections.abc import Mapping")
    if "Any]" in text:
        lines.append("from typing import Any")
    if lines[-1]:
        lines.append("")
    if "torch." in text.replace("safetensors.torch", ""):
        lines.append("import torch")
    if "F." in text:
        lines.append("import torch.nn.functional as F")
    lines += [line for _, line in sorted([*extern_imports(externs), ("torch", "from torch import Tensor, nn")])]
    if runtime:
        lines += ["", "from nasdsl import runtime", "from nasdsl.runtime import Choices"]
    return lines
