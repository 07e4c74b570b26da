"""Devices, lookup tables of latencies, and how they are filled."""
