"""One small file a backend: how it prepares a model, and what is its own in timing it; see `nasdsl.hardware.engine`."""
