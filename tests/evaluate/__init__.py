"""Tests of stage 11: scores become figures, thresholds and a verdict."""
