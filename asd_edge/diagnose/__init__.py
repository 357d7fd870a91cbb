"""Stage 12: which layer int8 hurts, by how much, and which step of a recipe repairs it."""
