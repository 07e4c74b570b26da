"""Random numbers that depend on where they are used and on nothing before: seed, purpose, step.

A run that goes on after an interruption therefore needs no generator's state, and a step draws the same numbers
whatever was done before it.
"""

from __future__ import annotations

import hashlib

import torch


def number(seed: int, purpose: str, step: int = 0) -> int:
    """A seed for one use, from 0 to 2**63 - 1.

    >>> number(0, "train", 1) == number(0, "train", 1) != number(0, "train", 2)
    True
    """
    digest = hashlib.sha256(f"{seed}/{purpose}/{step}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, purpose: str, step: int = 0) -> torch.Generator:
    """A generator for one use."""
    return torch.Generator().manual_seed(number(seed, purpose, step))
