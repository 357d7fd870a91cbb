"""Stage 6: a trained module -> model.onnx -> `Graph`, the one in-memory form of a network, with passes and a float interpreter."""
