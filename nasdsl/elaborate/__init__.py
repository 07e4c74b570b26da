"""From syntax to graph."""
