"""The operations: each owns all its rules."""
