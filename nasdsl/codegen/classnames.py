"""Names for classes: that of the block, with words for what sets its classes apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from nasdsl.codegen.blocks import Block
from nasdsl.codegen.group import Group, inlined, steps_of
from nasdsl.ir.graph import Graph, Scope
from nasdsl.passes.module_paths import RESERVED, ModuleTree, identifier
from nasdsl.source import Span

OWN = frozenset(
    {"Any", "COST", "Choices", "KERNELS", "LATENCY_MS", "Mapping", "Network", "SPACE", "Supernet", "Tensor", "load"}
)
"""What generated modules call otherwise."""

GroupOf = Callable[[Block], Group]


def block_name(scope: Scope) -> str:
    """The name of the block that a scope is an instance of, without an index: those that differ in it look alike."""
    return scope.block.partition("[")[0]


def body_name(scope: Scope) -> str:
    """The name of the block whose body a scope has, without an index: instances of one class have one body."""
    return (scope.body or scope.block).partition("[")[0]


def definition(scopes: Sequence[Scope]) -> tuple[str, Span]:
    """The block that instances of one class are said to be of: the one that is called or, of several, their body's."""
    names = {block_name(scope) for scope in scopes}
    if len(names) == 1:
        return names.pop(), scopes[0].span
    return body_name(scopes[0]), scopes[0].body_span or scopes[0].span


def name_classes(groups: Sequence[Group], tree: ModuleTree, group_of: GroupOf, others: Iterable[str]) -> None:
    """Name the classes of block instances, none like one of the others."""
    graph = tree.graph
    taken = {*OWN, *RESERVED, *others}
    named: dict[str, list[Group]] = {}
    for group in groups:
        if not inlined(group):
            name, _ = definition([graph.scopes[block.scope] for block in group.blocks])
            named.setdefault(_camel(name), []).append(group)
    for base, alike in named.items():
        words = [_distinguished(base, group, alike, tree, group_of) for group in alike]
        for marks in ([_sameness(group, graph) for group in alike], [_operations(group) for group in alike]):
            words = _told_apart(words, marks)
        for group, word in zip(alike, words, strict=True):
            group.name = _free(word, taken)
            taken.add(group.name)


def _told_apart(words: Sequence[str], marks: Sequence[Sequence[str]]) -> list[str]:
    """Words with the marks that some of those that are equal have and others do not."""
    found = []
    for word, mine in zip(words, marks, strict=True):
        equal = [other for same, other in zip(words, marks, strict=True) if same == word]
        found.append(word + "".join(mark for mark in mine if any(mark not in other for other in equal)))
    return found


def _sameness(group: Group, graph: Graph) -> list[str]:
    """Whether the map that comes out is like the one that goes in, in every instance."""
    for block in group.blocks:
        read = [graph.nodes[ref].type for ref in block.arguments if isinstance(ref, int)]
        made = [graph.nodes[ref].type for ref in block.results]
        if len(made) != 1 or not read or (read[0].channels, read[0].size) != (made[0].channels, made[0].size):
            return []
    return ["Same"]


def _operations(group: Group) -> list[str]:
    """The operations that its instances do without a module."""
    plain = (item.node for item in group.blocks[0].items if item.forms and not item.forms[0].module)
    return sorted({_camel(node.op) for node in plain if node is not None and node.op != "identity"})


def _distinguished(base: str, group: Group, alike: Sequence[Group], tree: ModuleTree, group_of: GroupOf) -> str:
    """A name that says what the class is among those of the same block, as far as words go."""
    if len(alike) == 1:
        return base
    if group.blocks[0].is_cell:
        return base + _ways(group, alike, tree.attribute)
    graph = tree.graph
    elastic = "Elastic" if _is_elastic(group) and not all(map(_is_elastic, alike)) else ""
    if elastic:
        alike = [other for other in alike if _is_elastic(other)]
    slim = _slimness(group, group_of)
    differ = len({_slimness(other, group_of) for other in alike}) > 1
    down = _goes_down(group, graph) and not all(_goes_down(other, graph) for other in alike)
    before = elastic + ("Slim" if differ and slim == 2 else "")
    words = before + base + ("Down" if down else "") + ("FromSlim" if differ and slim == 1 else "")
    labels = {_label(graph.scopes[block.scope].name) for block in group.blocks}
    return identifier(base + labels.pop(), ()) if words == base and len(labels) == 1 else words


def _label(name: str) -> str:
    """The index of an instance: that of its own, `segment.refine[16]`, or of the map it makes, `f[2].stage`."""
    own = re.search(r"\[(\w+)\]$", name) or re.match(r"\w+\[(\w+)\]\.\w+$", name)
    return own[1] if own else ""


def _ways(group: Group, alike: Sequence[Group], attribute: Mapping[int, str]) -> str:
    """Words for the ways out of a cell, where others have more: `Same`."""
    ways = [attribute[item.child[0].scope] for item in group.blocks[0].items if item.child]
    most = max(sum(bool(item.child) for item in other.blocks[0].items) for other in alike)
    return "" if len(ways) == most else "".join(_camel(way.removeprefix("to_")) for way in ways)


def _goes_down(group: Group, graph: Graph) -> bool:
    """Whether the map that comes out is smaller than the one that goes in, in every instance."""
    for block in group.blocks:
        read = [graph.nodes[ref].type.size for ref in block.arguments if isinstance(ref, int)]
        made = [graph.nodes[ref].type.size for ref in block.results]
        if not read or not made or read[0] is None or made[-1] is None or made[-1][0] >= read[0][0]:
            return False
    return True


def _slimness(group: Group, group_of: GroupOf) -> int:
    """2 where slices are made, 1 where only the input may be a slice, 0 where channels are fixed."""
    modules = _modules(group, group_of)
    if any(number.name[0] == "c" for number in group.numbers) or any(
        module.startswith("runtime.BatchNorm") for module in modules
    ):
        return 2
    return int(any(module.startswith("runtime.") for module in modules))


def _is_elastic(group: Group) -> bool:
    """Whether it is told a kernel size."""
    return any(number.name[0] == "k" for number in group.numbers)


def _modules(group: Group, group_of: GroupOf) -> set[str]:
    found: set[str] = set()
    for item in steps_of(group.blocks[0]):
        found |= {form.module for form in item.forms}
        for child in item.child:
            found |= _modules(group_of(child), group_of)
    return found


def _free(name: str, taken: set[str]) -> str:
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}{number}"
    return found


def _camel(name: str) -> str:
    parts = identifier(name, ()).split("_")
    camel = "".join(part[:1].upper() + part[1:] for part in parts)
    return camel if camel[:1].isalpha() else f"Block{camel}"
