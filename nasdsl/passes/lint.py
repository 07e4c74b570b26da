"""Warnings: what is legal and probably not meant. Reads the syntax of a file and the graphs made of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from nasdsl.diagnostics.diagnostic import Diagnostic, Label
from nasdsl.elaborate.builder import used_symbols
from nasdsl.elaborate.imports import STANDARD_LIBRARY
from nasdsl.ir.graph import Graph
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.passes.lowerable import without_onnx
from nasdsl.resources import grammar_text
from nasdsl.source import Source, Span
from nasdsl.syntax import ast

FUNCTIONS = frozenset(
    {"channels", "rate", "sides", "floor", "ceil", "min", "max", "size", "enumerate", "true", "false"}
)
"""Names that every file sees and that are neither operations nor blocks."""
_LIKE_DIVISION = re.compile(r"(?<=[\w)\]])[ \t]*(//[ \t]*(?:\d+|\([^()\n]*\)))[ \t]*$", re.MULTILINE)
Decides = ast.Choose | ast.Pick | ast.Width | ast.Depth | ast.Route


def lint(file: ast.File, graphs: Mapping[str, Graph]) -> list[Diagnostic]:
    """The warnings about a file without mistakes, in the order of the text.

    Args:
        file: The syntax.
        graphs: The graph under each preset that was elaborated; "" is the space as it stands.
    """
    found = [*_divisions(file), *_unused_items(file), *_shadows(file)]
    for item in file.items:
        if isinstance(item, ast.Space):
            found += _unused_in_space(item)
            found += _never_live(item, graphs)
            found += _idle_presets(item, graphs)
            found += _not_lowered(graphs)
        elif isinstance(item, ast.Block):
            found += _unused_in_body(item.body)
    return sorted(found, key=lambda warning: (warning.span.start, warning.code))


def _warning(
    code: str, message: str, span: Span, hint: str, note: str = "", labels: tuple[Label, ...] = ()
) -> Diagnostic:
    return Diagnostic(code, message, span, note, labels, hint, "warning")


# what is never used


def _unused_items(file: ast.File) -> Iterator[Diagnostic]:
    """Blocks, externs and imported names of a file with a space that nothing else in the file reads."""
    if not any(isinstance(item, ast.Space) for item in file.items):
        return
    used = [_names(item) for item in file.items]
    for place, item in enumerate(file.items):
        elsewhere = set().union(*used[:place], *used[place + 1 :])
        if isinstance(item, ast.Block | ast.Extern) and item.name not in elsewhere and not item.name.startswith("_"):
            what = "block" if isinstance(item, ast.Block) else "extern"
            span = _name_span(item, item.name)
            hint = "call it, or remove it"
            yield _warning("W0201", f"the {what} `{item.name}` is never called", span, hint, "not used")
        elif isinstance(item, ast.Import):
            for wanted in item.names:
                name = wanted.alias or wanted.name
                if name not in elsewhere and not name.startswith("_"):
                    yield _warning(
                        "W0202", f"`{name}` is imported and never used", wanted.span, "remove it", "not used"
                    )


def _unused_in_space(space: ast.Space) -> Iterator[Diagnostic]:
    used = set().union(*(_names(statement) for statement in space.body if not isinstance(statement, ast.Preset)))
    used = used.union(*(_names(parameter) for parameter in space.parameters))
    for parameter in space.parameters:
        if parameter.name not in used and not parameter.name.startswith("_"):
            message = f"the parameter `{parameter.name}` is never used"
            yield _warning("W0202", message, parameter.span, "use it, or remove it", "not used")
    yield from _unused_in_body(space.body)


def _unused_in_body(body: tuple[ast.Statement, ...]) -> Iterator[Diagnostic]:
    """Names that a body defines and nothing in it reads. Loops belong to the body they stand in."""
    used = set().union(*(_names(statement) for statement in body))
    seen: set[str] = set()
    for name, span, statement in _definitions(body):
        if name in used or name in seen or name.startswith("_"):
            continue
        seen.add(name)
        if isinstance(statement, ast.Block):
            yield _warning("W0201", f"the block `{name}` is never called", span, "call it, or remove it", "not used")
        else:
            what = "decision" if isinstance(statement, Decides) else "name"
            hint = f"use it, remove it, or call it `_{name}` if it is there for a reason"
            yield _warning("W0202", f"the {what} `{name}` is never used", span, hint, "not used")
    for inner in _bodies(body):
        yield from _unused_in_body(inner)


def _definitions(body: tuple[ast.Statement, ...]) -> Iterator[tuple[str, Span, ast.Statement]]:
    for statement in body:
        match statement:
            case ast.Assign():
                for target in statement.targets:
                    yield target.name, target.span, statement
            case ast.Choose() | ast.Pick() | ast.Width() | ast.Depth() | ast.Route():
                yield statement.target.name, statement.target.span, statement
            case ast.Block():
                yield statement.name, statement.target.span, statement
            case ast.Grid() | ast.Input():
                yield statement.name, _name_span(statement, statement.name), statement
            case ast.For():
                yield from _definitions(statement.body)


def _bodies(body: tuple[ast.Statement, ...]) -> Iterator[tuple[ast.Statement, ...]]:
    """The bodies of the blocks and grids in a body."""
    for statement in body:
        if isinstance(statement, ast.Block | ast.Grid):
            yield statement.body
        elif isinstance(statement, ast.For):
            yield from _bodies(statement.body)


def _names(node: object) -> set[str]:
    """Every name that is read somewhere in a piece of syntax."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.Name):
            found.add(item.text)
        elif isinstance(item, tuple):
            waiting.extend(item)
        elif isinstance(item, ast.Node) and not isinstance(item, ast.Number):
            if isinstance(item, ast.Route):
                found.add(item.grid)
            elif isinstance(item, ast.Attribute) and isinstance(item.base, ast.Name) and item.base.text == "next":
                found.add(item.name)
            waiting.extend(item.parts())
    return found


def _name_span(node: ast.Node, name: str) -> Span:
    """Where the name stands that a statement such as `grid trunk[...]` defines."""
    match = re.compile(rf"\b{re.escape(name)}\b").search(node.span.source.text, node.span.start)
    return Span(node.span.source, match.start(), match.end()) if match else node.span


# what hides something


def _shadows(file: ast.File) -> Iterator[Diagnostic]:
    """Definitions of names that the standard library has."""
    known = OPERATIONS.keys() | FUNCTIONS | _library_blocks()
    for item in file.items:
        if isinstance(item, ast.Block | ast.Extern) and item.name in known:
            yield _shadow(item.name, _name_span(item, item.name))
        elif isinstance(item, ast.Import):
            for wanted in item.names:
                if (wanted.alias or wanted.name) in known:
                    yield _shadow(wanted.alias or wanted.name, wanted.span)
        if isinstance(item, ast.Space | ast.Block):
            for name, span in {name: span for name, span, _ in _all_definitions(item.body)}.items():
                if name in known:
                    yield _shadow(name, span)


def _all_definitions(body: tuple[ast.Statement, ...]) -> Iterator[tuple[str, Span, ast.Statement]]:
    yield from _definitions(body)
    for inner in _bodies(body):
        yield from _all_definitions(inner)


def _shadow(name: str, span: Span) -> Diagnostic:
    message = f"`{name}` hides the `{name}` of the standard library"
    return _warning("W0203", message, span, f"give it another name, such as `my_{name}`", "hides it from here on")


@cache
def _library_blocks() -> frozenset[str]:
    return frozenset(re.findall(r"^block (\w+)", grammar_text(STANDARD_LIBRARY), re.MULTILINE))


def _divisions(file: ast.File) -> Iterator[Diagnostic]:
    source: Source = file.span.source
    for match in _LIKE_DIVISION.finditer(source.text):
        span = Span(source, match.start(1), match.end(1))
        yield _warning(
            "W0101", "this is a comment, not a division", span, "divide with `/` and floor(a / b)", "not read"
        )


# what cannot be exported


def _not_lowered(graphs: Mapping[str, Graph]) -> Iterator[Diagnostic]:
    """Externs that a task reads, each once."""
    seen: set[Span] = set()
    for node in (node for graph in graphs.values() for node in without_onnx(graph)):
        if node.span not in seen:
            seen.add(node.span)
            message = f"`{node.attrs['target']}` is written in Python: networks with it have no ONNX form"
            hint = "`compile` and `derive` work; `search`, `train` and `export` end with ONNX and refuse"
            yield _warning("W0301", message, node.span, hint, "no ONNX form")


# what decides nothing


def _never_live(space: ast.Space, graphs: Mapping[str, Graph]) -> Iterator[Diagnostic]:
    """Decisions whose maps no task demands, in any of the graphs."""
    if "" not in graphs:
        return
    declared, live = set(), set()
    for graph in graphs.values():
        demanded = _demanded(graph)
        declared |= {decision.span for decision in graph.decisions.values()}
        live |= {decision.span for path, decision in graph.decisions.items() if path in demanded}
    instances = {scope.span for graph in graphs.values() for scope in graph.scopes}
    used = set().union(*(_names(statement) for statement in space.body))
    for statement, certain in _decisions(space.body, instances):
        name = statement.target.name
        if name not in used or statement.span in live:
            continue
        hint = "let a task (not an `aux` one) read what depends on it, or remove it"
        if statement.span in declared:
            message = f"the decision `{name}` is live in no architecture: only aux tasks read what depends on it"
            yield _warning("W0401", message, statement.target.span, hint, "never live")
        elif certain:
            message = f"the decision `{name}` is live in no architecture: no task reads what depends on it"
            yield _warning("W0401", message, statement.target.span, hint, "never live")


def _decisions(body: tuple[ast.Statement, ...], instances: set[Span]) -> Iterator[tuple[Decides, bool]]:
    """The decisions declared in bodies that are elaborated, and whether they surely have several values."""
    for statement in body:
        if isinstance(statement, ast.Choose | ast.Pick | ast.Width | ast.Depth | ast.Route):
            yield statement, _several(statement)
        elif isinstance(statement, ast.Block):
            if statement.span in instances:
                yield from _decisions(statement.body, instances)
        elif isinstance(statement, ast.For) and statement.generator.guard is None:
            yield from _decisions(statement.body, instances)


def _several(statement: Decides) -> bool:
    match statement:
        case ast.Choose():
            return len(statement.alternatives) > 1
        case ast.Width() | ast.Depth():
            return isinstance(statement.domain, ast.Sequence) and len(statement.domain.items) > 1
    return False


def _demanded(graph: Graph) -> set[str]:
    """The decisions on which the maps depend that tasks other than aux ones read."""
    keep = {task.output for task in graph.tasks if not task.aux}
    for node in reversed(graph.nodes):
        if node.id in keep:
            keep.update(item.node for item in node.inputs)
    nodes = tuple(node for node in graph.nodes if node.id in keep)
    return used_symbols(nodes, graph.cases) | {str(node.attrs["route"]) for node in nodes if "route" in node.attrs}


def _idle_presets(space: ast.Space, graphs: Mapping[str, Graph]) -> Iterator[Diagnostic]:
    plain = graphs.get("")
    for statement in space.body:
        graph = graphs.get(statement.name) if isinstance(statement, ast.Preset) else None
        if graph is None or plain is None or not isinstance(statement, ast.Preset):
            continue
        if not statement.body and not statement.arguments:
            continue  # empty on purpose: a name for the space as it stands
        same = (graph.params, dict(graph.decisions), len(graph.limits), len(graph.rules)) == (
            plain.params, dict(plain.decisions), len(plain.limits), len(plain.rules),
        )  # fmt: skip
        if same:
            message = f"the preset `{statement.name}` changes nothing"
            hint = "give a parameter another value, narrow a decision, or remove it"
            yield _warning("W0601", message, _name_span(statement, statement.name), hint, "same as no preset")
