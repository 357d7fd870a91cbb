"""Synthetic machines: a seed becomes the clips of six machine types, the same bytes on every CPU."""
