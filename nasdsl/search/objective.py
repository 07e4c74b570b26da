"""What is minimised and what is judged: the losses and metrics of a space's tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph, Task
from nasdsl.tasks.catalogue import Loss, make_loss, make_metric
from nasdsl.tasks.metrics import Metric


@dataclass(frozen=True, slots=True)
class Objective:
    """The losses of all tasks and the metrics of the main one.

    Attributes:
        main: The task that is judged: the only one that is not auxiliary.
        losses: Loss and weight by task, auxiliary ones included.
        classes: Names of the classes.
    """

    main: Task
    losses: Mapping[str, tuple[Loss, float]]
    classes: tuple[str, ...]

    @staticmethod
    def of(graph: Graph, classes: Sequence[str]) -> Objective:
        """The objective of a space on data with these classes.

        Raises:
            NasError: A loss or metric is unknown, there are several main tasks, the output is no map or does not fit
                the classes.
        """
        main = [task for task in graph.tasks if not task.aux]
        if len(main) != 1:
            names = ", ".join(f"`{task.name}`" for task in main)
            raise NasError(
                f"{main[1].span}: a search trains one task that is not auxiliary, found {names}",
                help="check, count, compile and derive work for it; searching several tasks at once is not there yet",
            )
        output = graph.nodes[main[0].output].type
        if output.size is None:
            raise NasError(
                f"{main[0].span}: task `{main[0].name}` gives one vector for an image, and the data have a label for "
                "every pixel",
                help="check, count, compile and derive work for it; searching classifiers is not there yet",
            )
        channels = {int(value) for value in graph.values(output.channels)}
        if channels != {len(classes)}:
            found = ", ".join(map(str, sorted(channels)))
            hint = (
                f"--param classes={len(classes)}, or a preset made for this data" if "classes" in graph.params else ""
            )
            raise NasError(
                f"{main[0].span}: task `{main[0].name}` gives {found} classes, the data have {len(classes)}: "
                f"{', '.join(classes)}",
                help=hint or None,
            )
        losses = {task.name: (make_loss(task.loss), float(task.weight)) for task in graph.tasks}
        objective = Objective(main[0], losses, tuple(classes))
        objective.metrics()
        return objective

    def metrics(self) -> dict[str, Metric]:
        """Fresh metrics of the main task, by name."""
        return {term.name: make_metric(term, self.classes) for term in self.main.metrics}

    @property
    def main_loss(self) -> Loss:
        """The loss of the main task."""
        return self.losses[self.main.name][0]

    def loss(self, outputs: Mapping[str, Tensor], target: Tensor) -> Tensor:
        """The weighted sum of the losses of the outputs that are there."""
        parts = [self.losses[name][1] * self.losses[name][0](logits, target) for name, logits in outputs.items()]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total
