"""Stage 10: one interface to every runtime that turns a clip's features into an embedding: the rungs of the ladder."""
