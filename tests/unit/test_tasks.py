"""Losses and metrics against plain reference computations, and the messages for wrong names."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from nasdsl.cli import main
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Term
from nasdsl.source import Source, Span
from nasdsl.tasks.catalogue import IGNORE, make_loss, make_metric
from nasdsl.tasks.losses import CrossEntropy, OnlineHardExampleMining, resize_target
from nasdsl.tasks.metrics import MeanIou, predicted_classes

SPAN = Span(Source("net.nas", "loss x"), 0, 6)


def example(seed: int, sides: tuple[int, int] = (9, 7), classes: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, classes, *sides, generator=generator) * 2
    target = torch.randint(0, classes, (3, *sides), generator=generator)
    target[torch.rand(target.shape, generator=generator) < 0.2] = IGNORE
    return logits, target


def plain_ohem(logits: torch.Tensor, target: torch.Tensor, thresh: float, min_kept: float) -> float:
    """Pixel by pixel, as the definition says."""
    probabilities = logits.softmax(1)
    places = (target != IGNORE).nonzero().tolist()
    true = sorted(probabilities[n, target[n, y, x], y, x].item() for n, y, x in places)
    least = min(int(min_kept * target.numel()), len(true))
    bound = max(thresh, true[least - 1]) if least else thresh
    kept = [-math.log(p) for p in true if p <= bound]
    return sum(kept) / len(kept)


@pytest.mark.parametrize(("thresh", "min_kept"), [(0.7, 1 / 16), (0.05, 0.5), (0.3, 1.0), (0.05, 0.0)])
def test_ohem_is_its_definition(thresh: float, min_kept: float) -> None:
    for seed in range(4):
        logits, target = example(seed)
        found = OnlineHardExampleMining(thresh, min_kept)(logits, target).item()
        assert found == pytest.approx(plain_ohem(logits, target, thresh, min_kept), rel=1e-5)


def test_cross_entropy_is_that_of_pytorch() -> None:
    logits, target = example(0)
    for smoothing in (0.0, 0.1):
        expected = F.cross_entropy(logits, target, ignore_index=IGNORE, label_smoothing=smoothing)
        torch.testing.assert_close(CrossEntropy(smoothing)(logits, target), expected)
    vectors, labels = logits.mean((2, 3)), torch.tensor([0, IGNORE, 4])
    torch.testing.assert_close(CrossEntropy()(vectors, labels), F.cross_entropy(vectors, labels, ignore_index=IGNORE))


@pytest.mark.parametrize("loss", [CrossEntropy(), OnlineHardExampleMining()])
def test_nothing_labelled_gives_zero_and_no_nan(loss: CrossEntropy | OnlineHardExampleMining) -> None:
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    value = loss(logits, torch.full((1, 4, 4), IGNORE))
    value.backward()
    assert value.item() == 0
    assert logits.grad is not None
    assert logits.grad.abs().max() == 0


def test_target_takes_the_label_at_the_pixel_centre() -> None:
    target = torch.arange(36).reshape(1, 6, 6)
    assert resize_target(target, torch.zeros(1, 2, 2, 2)).tolist() == [[[7, 10], [25, 28]]]
    assert resize_target(target, torch.zeros(1, 2, 6, 6)) is target


def test_miou_counts_like_sets_of_pixels() -> None:
    logits, target = example(3)
    target[target == 2] = 1
    prediction = logits.argmax(1)
    prediction[prediction == 2] = 0
    metric = MeanIou(["a", "b", "absent", "d", "e"])
    metric.update(prediction[:2], target[:2])
    metric.update(prediction[2:], target[2:])
    expected = {}
    for index, name in enumerate(metric.classes):
        judged = target != IGNORE
        found, true = (prediction == index) & judged, target == index
        if (found | true).any():
            expected[name] = (found & true).sum().item() / (found | true).sum().item()
    assert metric.parts() == expected
    assert "absent" not in expected
    assert metric.value() == pytest.approx(sum(expected.values()) / 4)


def test_predictions_are_judged_at_the_size_of_the_labels() -> None:
    logits = torch.zeros(1, 2, 2, 2)
    logits[0, 1, :, 1] = 1
    assert predicted_classes(logits, (2, 8)).tolist() == [[[0] * 2 + [1] * 6] * 2]


def test_terms_make_what_they_name() -> None:
    assert make_loss(Term("ohem", {"thresh": Fraction(1, 2)}, SPAN)) == OnlineHardExampleMining(0.5, 1 / 16)
    metric = make_metric(Term("accuracy", {}, SPAN), ["a", "b"])
    metric.update(torch.tensor([1, 1]), torch.tensor([1, IGNORE]))
    assert metric.value() == 1.0


@pytest.mark.parametrize(
    ("term", "message"),
    [
        (Term("ohm", {}, SPAN), "net.nas:1: there is no loss `ohm`; did you mean `ohem`?"),
        (Term("ohem", {"tresh": Fraction(1)}, SPAN), "has no argument `tresh`; did you mean `thresh`?"),
        (Term("ohem", {"min_kept": Fraction(3, 2)}, SPAN), "min_kept must be a number from 0 to 1, found 1.5"),
        (Term("cross_entropy", {"label_smoothing": "much"}, SPAN), "found much"),
    ],
)
def test_wrong_losses_are_explained(term: Term, message: str) -> None:
    with pytest.raises(NasError) as caught:
        make_loss(term)
    assert message in str(caught.value)


def test_check_warns_of_losses_and_metrics_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = """
space s(wide = true) {
  input image: [3, 8, 8]
  task a = image >> conv(4, k = 3) { loss ohm() metric mIoU() metric accuracy() }
  task b = image >> conv(8 if wide else 4, k = 3) { loss focal(gamma = 11) }
  preset narrow(wide = false) {}
}
"""
    (tmp_path / "s.nas").write_text(text)
    assert main(["check", str(tmp_path / "s.nas"), "--json"]) == 0
    [result] = json.loads(capsys.readouterr().out)["files"]
    assert [(found["code"], found["line"], found["message"]) for found in result["diagnostics"]] == [
        ("W0605", 4, "there is no loss `ohm`; did you mean `ohem`?"),
        ("W0605", 4, "there is no metric `mIoU`; did you mean `miou`?"),
        ("W0605", 5, "loss `focal`: gamma must be a number from 0 to 10, found 11"),
    ]
