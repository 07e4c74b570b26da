"""From a network to ONNX, and the proof that the two agree."""
