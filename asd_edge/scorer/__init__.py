"""Embedding -> anomaly score."""
