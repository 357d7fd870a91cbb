"""A signed bundle -> a board that runs it and has passed its self-test."""
