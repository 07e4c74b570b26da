"""What is computed late: maps that only some decisions ask for.

A class computes at once what its results need whatever has been decided. Arguments and results that are not needed then
cross its border as functions that compute them when they are asked for, so that nothing runs in vain.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nasdsl.codegen.blocks import Block, Item, Ref, conditional
from nasdsl.codegen.group import Group

if TYPE_CHECKING:
    from nasdsl.codegen.groups import Groups

Needs = dict[Ref, set[Ref]]
"""For each map what is needed whenever it is, beside itself."""


@dataclass(frozen=True, slots=True)
class Call:
    """The call of a class: what it is given, and what it makes."""

    group: Group
    reads: Sequence[Ref]
    makes: Sequence[Ref]


def find_late(groups: Groups) -> None:
    """Find for each class which of its arguments and results are late, and which maps its instances always need."""
    needs: dict[int, Needs] = {}
    asked: dict[int, list[set[int]]] = {}
    calls: dict[int, list[tuple[Group, Call]]] = {}
    for group in groups.classes:
        block = group.blocks[0]
        needs[id(group)] = mine = _needs(groups, group, asked)
        reached = [_closed(mine, [ref]) for ref in block.results]
        asked[id(group)] = [{i for i, ref in enumerate(block.arguments) if ref in each} for each in reached]
        for call in _calls(groups, block):
            calls.setdefault(id(call.group), []).append((group, call))
    given = {id(groups.of(block)[0]) for group in groups.classes for block in _given(group)}
    for group in reversed(groups.classes):
        block = group.blocks[0]
        callers = calls.get(id(group), []) if id(group) not in given else []
        results = block.results if block.scope else tuple(task.output for task in groups.graph.tasks)
        if len(block.results) > 1:
            asked_apart = ((caller, call) for caller, call in callers if not _asked_together(caller, call.makes))
            group.late_results = _late((caller.always, call.makes) for caller, call in asked_apart)
        prompt = [ref for place, ref in enumerate(results) if place not in group.late_results]
        group.always = _closed(needs[id(group)], prompt)
        late = _late((caller.always, call.reads) for caller, call in callers)
        group.late_arguments = {place for place in late if block.arguments[place] not in group.always}
        group.always |= {ref for place, ref in enumerate(block.arguments) if place not in group.late_arguments}


def _given(group: Group) -> Iterator[Block]:
    """The instances whose module is an argument of the constructor: whoever calls them does not know their class."""
    for place in group.given:
        for step in group.steps(place):
            yield from step.child


def _late(calls: Iterable[tuple[Set[Ref], Sequence[Ref]]]) -> set[int]:
    """The places whose map some caller does not need whatever has been decided."""
    refs = ((place, ref, always) for always, refs in calls for place, ref in enumerate(refs))
    return {place for place, ref, always in refs if isinstance(ref, int) and ref not in always}


def _asked_together(caller: Group, refs: Sequence[Ref]) -> bool:
    """Whether maps are read under the same conditions, so that each is asked for where the others are."""
    if caller.always.intersection(refs) or set(caller.blocks[0].results).intersection(refs):
        return False
    conditions: dict[Ref, set[tuple[str, Hashable]]] = {ref: set() for ref in refs}
    for item in caller.blocks[0].items:
        for ref in conditions.keys() & set(item.reads):
            if item.node is None or not only_conditional(item, ref) or not caller.always.intersection(item.makes):
                return False
            conditions[ref] |= {(i.when.decision, i.when.value) for i in item.node.inputs if i.node == ref and i.when}
    return all(each == conditions[refs[0]] for each in conditions.values())


def _calls(groups: Groups, block: Block) -> Iterator[Call]:
    for item in block.items if not block.is_cell else ():
        if item.child:
            yield Call(groups.of(item.child[0])[0], item.reads, item.makes)
        elif item.grid is not None:
            # The map that arrives at a cell is there when a link is walked.
            here = dict.fromkeys(item.grid.cells.values(), item.grid.path)
            for _, step in groups.links(item):
                if step is not None:
                    reads = [here.get(ref, ref) if isinstance(ref, int) else ref for ref in step.reads]
                    yield Call(groups.of(step.child[0])[0], reads, ())


def _needs(groups: Groups, group: Group, asked: Mapping[int, Sequence[Set[int]]]) -> Needs:
    """For each map of a class what it needs, with the places of what each result of the classes in it needs."""
    needs: Needs = {}
    unknown = {id(group.steps(place)[0]) for place in group.given}
    for item in group.blocks[0].items:
        for place, made in enumerate(item.makes):
            if item.grid is not None:
                reads: Sequence[Ref] = item.reads[:1]
            elif item.child and id(item) not in unknown:
                wanted = asked[id(groups.of(item.child[0])[0])][place]
                reads = [ref for i, ref in enumerate(item.reads) if i in wanted]
            else:
                reads = [ref for ref in item.reads if not only_conditional(item, ref)]
            arms = [_closed(needs, [ref]) for ref in item.reads if only_conditional(item, ref)]
            needs[made] = _closed(needs, reads).union(set.intersection(*arms) if arms else ())
    return needs


def _closed(needs: Needs, refs: Iterable[Ref]) -> set[Ref]:
    found: set[Ref] = set()
    for ref in refs:
        found |= {ref} | needs.get(ref, set())
    return found


def only_conditional(item: Item, ref: Ref) -> bool:
    """Whether a step reads a map in some of its alternatives only."""
    node = item.node
    if node is None or (node.op != "mix" and conditional(node) is None):
        return False
    return all(i.when is not None for i in node.inputs if i.node == ref)
