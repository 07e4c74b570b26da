"""Labelled street pictures: where they come from, how they become batches, and how results are shown."""
