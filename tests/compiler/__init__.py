"""Tests of asd_edge/compiler."""
