"""The engine: images, streaming, scores of the C library."""
