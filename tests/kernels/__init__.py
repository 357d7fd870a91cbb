"""Tests of the plain C kernels against the int8 interpreter."""
