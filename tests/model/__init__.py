"""Tests of the networks and checkpoints."""
