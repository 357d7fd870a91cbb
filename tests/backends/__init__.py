"""Tests of stage 10: the rungs of the parity ladder."""
