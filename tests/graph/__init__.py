"""Tests of stage 6: ONNX in and out, the Graph, its passes and its float interpreter."""
