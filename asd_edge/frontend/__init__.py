"""Samples -> log-Mel and Wavegram FIR frames: the float reference in NumPy and its torch twin."""
