"""Tests of asd_edge.export."""
