"""The graph of a space, its text form, its verifier, and architectures."""
