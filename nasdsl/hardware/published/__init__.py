"""Latency tables as others published them, read as lookup tables: devices to search for without owning them."""

from nasdsl.hardware.published.kinds import KINDS, read_published

__all__ = ["KINDS", "read_published"]
