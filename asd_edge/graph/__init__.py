"""Stage 6: a trained module -> model.onnx -> `Graph`, the one in-memory network form; passes, float interpreter."""
