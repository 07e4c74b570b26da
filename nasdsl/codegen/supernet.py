"""The supernet of a space as readable PyTorch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from nasdsl.codegen.blocks import Item, Ref
from nasdsl.codegen.body import Body
from nasdsl.codegen.classes import Printer, docstring, imports_for, rendered, shown_span
from nasdsl.codegen.classnames import OWN
from nasdsl.codegen.groups import Groups
from nasdsl.codegen.layout import Expression, Nest, Prefixed, flat, lay_out, literal, prose, quoted, wrapped
from nasdsl.codegen.runs import links, table
from nasdsl.ir.graph import Decision, Graph, Grid, Kind, Task
from nasdsl.passes.expected_cost import expected_cost_data
from nasdsl.passes.module_paths import RESERVED, identifier
from nasdsl.passes.units import texts


def supernet_source(
    graph: Graph, *, latency: Mapping[str, float] | None = None, device: str = "", note: str = ""
) -> str:
    """The supernet of a space as the text of a Python module.

    The module holds one class for each kind of block instance, the class `Supernet`, and `SPACE`, the decisions as data
    for the relaxations of `nasdsl.runtime`. Its layout is that of `ruff format`; nothing in the text depends on the
    machine.

    Args:
        graph: The space.
        latency: Latency in milliseconds by signature; then operations are annotated and the class has
            `expected_latency_ms(probabilities)`.
        device: The device these were measured on, for the text.
        note: What else its docstring is to say.

    Raises:
        NasError: The space uses a combination that the generator does not know; it is named.
    """
    groups = Groups(graph, "Supernet")
    printer = Printer(groups, latency)
    blocks = list(printer.blocks())
    top = printer.top(_class_doc(graph), _forward(groups, printer, latency is not None))
    if latency is not None:
        top = type(top)(top.name, top.doc, _with_cost(top.init), top.forward)
    tail = list(_cost_data(graph, latency)) if latency is not None else []
    model: dict[str, Any] = {
        "doc": "",
        "head": [[line for lines in _data(graph) for line in lines]],
        "classes": [*blocks, top],
        "tail": tail,
    }
    text = rendered("supernet.py.j2", imports=[], **model)
    model["doc"] = docstring(_module_doc(graph, device, note, "arch.root" in text))
    return rendered("supernet.py.j2", imports=imports_for(text, groups.externs, runtime=True), **model)


def _module_doc(graph: Graph, device: str, note: str, root: bool) -> list[str]:
    preset = f", preset `{graph.preset}`" if graph.preset else ""
    where = f" ({shown_span(graph.span)})" if graph.span else ""
    lines = wrapped(prose(f"Supernet of the space `{graph.name}`{where}{preset}. Written by `nasdsl compile`."), 3)
    notes = [note] if note else []
    if graph.params:
        notes.append(f"Parameters: {', '.join(f'{name} = {_shown(value)}' for name, value in graph.params.items())}.")
    if device:
        notes.append(f"Latencies in comments: milliseconds on {device}, from the lookup table, over all instances.")
    for note in notes:
        lines += ["", *wrapped(prose(note), 0)]
    soft = any(decision.soft for decision in graph.decisions.values())
    return [*lines, "", *USE, *([ROOT] if root else []), *([SOFT] if soft else [])]


USE = (
    "    relaxation = runtime.SinglePath(runtime.Logits(SPACE))  # logits for every decision",
    "    outputs = Supernet()(images, relaxation.draw())  # one path; runtime.Softmax mixes them",
    "",
    'In `forward`, `arch` is what was drawn, and `arch / "a"` its part for the names in SPACE that begin with "a."; a',
    "lambda runs only if what was drawn takes it, in a mixture all do.",
)
"""How a supernet is used, for its docstring."""

ROOT = "`arch.root` is what was drawn for the whole space."
"""What is added where a block reads the decisions of others."""

SOFT = "A `soft` alternative has a share in mixtures; no path takes it, and no network has it."
"""What is added where there is one."""


def _shown(value: Any) -> str:
    return "{" + ", ".join(map(str, value)) + "}" if isinstance(value, tuple) else str(value)


def _class_doc(graph: Graph) -> list[str]:
    outputs = ", ".join(f"`{task.name}`" for task in graph.tasks if not task.aux)
    aux = ", ".join(f"`{task.name}`" for task in graph.tasks if task.aux)
    text = f"All architectures of `{graph.name}` at once: called with images and decisions it returns {outputs}"
    text += f"; in training also {aux}, where the route is one that is run." if aux else "."
    return wrapped(prose(text), 10)


def _data(graph: Graph) -> Iterator[list[str]]:
    """The decisions as data; what many of them have in common is said once."""
    forms = {d.path: _decision(d) for d in graph.decisions.values()}
    times = Counter(flat(form) for form in forms.values())
    shared: dict[str, str] = {}
    taken = set(OWN | RESERVED)
    for path, form in forms.items():
        if times[flat(form)] > 1 and flat(form) not in shared:
            name = identifier(path.rpartition(".")[2].partition("[")[0].upper(), taken)
            taken.add(name)
            shared[flat(form)] = name
            yield lay_out(f"{name} = ", form, "", 0)
    decisions = table({path: shared.get(flat(form), form) for path, form in forms.items()})
    elements: list[Expression] = [quoted(graph.name)]
    if graph.preset:
        elements.append(Prefixed("preset=", quoted(graph.preset)))
    elements.append(Prefixed("decisions=", decisions))
    if graph.grids:
        grids = tuple(Prefixed(f"{quoted(path)}: ", _grid(grid)) for path, grid in graph.grids.items())
        elements.append(Prefixed("grids=", Nest("{", grids, "}", broken=True)))
    yield lay_out("SPACE = ", Nest("runtime.Space(", tuple(elements)), "", 0)


def _decision(decision: Decision) -> Nest:
    domain = literal(decision.domain)
    if decision.kind in (Kind.WIDTH, Kind.DEPTH):
        return Nest(f"runtime.{decision.kind.value.capitalize()}(", (domain,))
    if decision.kind is Kind.PICK:
        return Nest("runtime.Pick(", (domain, f"count={decision.count}"))
    if decision.kind is Kind.ROUTE:
        return Nest("runtime.Route(", (quoted(decision.grid), f"end={flat(literal(decision.end))}"))
    soft = tuple(value for value in decision.domain if value in decision.soft)
    return Nest("runtime.Choose(", (domain, Prefixed("soft=", literal(soft))) if soft else (domain,))


def _grid(grid: Grid) -> Nest:
    source = f"source={flat(literal(grid.source))}"
    pairs = [(link.source, link.target) for link in grid.links]
    return Nest("runtime.Grid(", (source, Prefixed("links=", links(pairs))))


def _with_cost(init: Any) -> list[str]:
    start = init or ["    def __init__(self) -> None:", "        super().__init__()"]
    return [*start, "        self.expected_cost = runtime.ExpectedCost(COST, LATENCY_MS)"]


def _cost_data(graph: Graph, latency: Mapping[str, float]) -> Iterator[list[str]]:
    data = expected_cost_data(graph, latency)
    grids = tuple(Prefixed(f"{quoted(path)}: ", _cost_grid(path, grid)) for path, grid in data["grids"].items())
    elements = (
        Prefixed('"domains": ', "SPACE.domains"),
        Prefixed('"grids": ', Nest("{", grids, "}")),
        Prefixed('"lasts": ', literal(data["lasts"])),
        Prefixed('"kernels": ', "KERNELS"),
    )
    kernels = Nest("(", tuple(_kernels(kernels) for kernels in data["kernels"]), broken=True)
    yield [
        "# What the expected latency is computed from: kernels that run together, as (how often, what, its numbers),",
        "# and the places where they do, as (what {0}, {1}, ... in the numbers are, then how often and when).",
        *lay_out("KERNELS: Any = ", kernels, "", 0),
        *lay_out("COST: Mapping[str, Any] = ", Nest("{", elements, "}", broken=True), "", 0),
    ]
    used = {text: latency[text] for text in sorted(texts(graph, latency)) if text in latency}
    yield ["# By the signature of a kernel.", *lay_out("LATENCY_MS = ", literal(used), "", 0)]


def _cost_grid(path: str, grid: Mapping[str, Any]) -> Nest:
    known = f"SPACE.grids[{quoted(path)}]"
    parts = [Prefixed(f'"{part}": ', f"{known}.{part}") for part in ("source", "cells", "links")]
    parts += [Prefixed(f'"{part}": ', literal(grid[part])) for part in ("routes", "live")]
    return Nest("{", tuple(parts), "}")


def _kernels(kernels: Mapping[str, Any]) -> Nest:
    runs = Nest("(", tuple(map(literal, kernels["runs"])))
    places = Nest("(", tuple(map(literal, kernels["places"])))
    return Nest("{", (Prefixed('"runs": ', runs), Prefixed('"places": ', places)), "}", broken=True)


def _forward(groups: Groups, printer: Printer, cost: bool) -> list[str]:
    body = Body(groups, groups.classes[-1], printer.shapes)
    groups.classes[-1].chooses = True
    parameters = body.parameters()
    graph, taken = groups.graph, set[int]()
    main = [task for task in graph.tasks if not task.aux]
    body.statements(_needed(body.items, main, taken))
    outputs = tuple(Prefixed(f"{quoted(task.name)}: ", body.names[task.output]) for task in main)
    aux = [task for task in graph.tasks if task.aux]
    lines = body.lines
    if not aux:
        lines += lay_out("return ", Nest("{", outputs, "}"), "", 8)
    else:
        lines += lay_out("outputs = ", Nest("{", outputs, "}"), "", 8)
        for task in aux:
            items = _needed(body.items, [task], taken)
            lines.append(f"        if {_condition(groups, body, items)}:")
            body.indented(items)
            lines.append(f"            outputs[{quoted(task.name)}] = {body.names[task.output]}")
        lines.append("        return outputs")
    signature = lay_out("def ", Nest("forward(", ("self", *parameters)), " -> dict[str, Tensor]:", 4)
    forward = [*signature, *lines]
    if cost:
        forward += [
            "",
            "    def expected_latency_ms(self, probabilities: Mapping[str, Tensor]) -> Tensor:",
            '        """The expected latency in milliseconds of architectures drawn with these probabilities."""',
            "        latency: Tensor = self.expected_cost(probabilities)",
            "        return latency",
        ]
    return forward


def _needed(items: tuple[Item, ...], tasks: list[Task], taken: set[int]) -> list[Item]:
    """The steps that tasks need and that are not taken yet, in order."""
    maker: dict[Ref, Item] = {ref: item for item in items for ref in item.makes}
    stack: list[Ref] = [task.output for task in tasks]
    found: set[int] = set()
    while stack:
        item = maker.get(stack.pop())
        if item is not None and id(item) not in found:
            found.add(id(item))
            stack += item.reads
    chosen = [item for item in items if id(item) in found - taken]
    taken |= found
    return chosen


def _condition(groups: Groups, body: Body, items: list[Item]) -> str:
    """When an auxiliary task is at hand: in training, if the routes it reads have been run."""
    checks = ["self.training"]
    for item in items:
        scopes = {child.scope for child in item.child}
        for node in groups.graph.nodes:
            inside = node is item.node or scopes & groups.outliner.inside[node.scope]
            if node.op in ("route_end", "route_last") and inside:
                grid = body.names[groups.outliner.reads_of(node)[0]]
                checks.append(f"{grid}.has({quoted(str(node.attrs['route']))})")
    return " and ".join(dict.fromkeys(checks))
