"""Batch-norm statistics of a network that was cut out of a supernet."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def recalibrate(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Take the statistics of every batch norm anew: their mean over some batches, all counting alike.

    Those of a supernet mix whatever ran through it, and mislead one network of it (Yu and Huang, "Universally Slimmable
    Networks", ICCV 2019). Weights stay as they are, dropout is off, and nothing is drawn: the same batches give the
    same statistics. The network is left in the mode it was in.

    Args:
        network: With its weights.
        batches: Training images, [N, C, H, W] each; without any the statistics stay as they are.
    """
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    modes = [(part, part.training) for part in network.modules()]
    momenta = [norm.momentum for norm in norms]
    network.eval()
    try:
        with torch.no_grad():
            for place, images in enumerate(batches):
                for norm in norms if place == 0 else ():
                    norm.reset_running_stats()
                    norm.momentum = None  # the mean over all batches, instead of one that forgets
                    norm.train()
                network(images)
    finally:
        for part, training in modes:
            part.training = training
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
