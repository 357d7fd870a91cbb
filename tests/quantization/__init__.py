"""Tests of stage 7: calibration, quantization, and the int8 interpreter against LiteRT."""
