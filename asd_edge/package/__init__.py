"""A work directory -> a signed bundle: model image, the machine it listens to, a self-test, and who vouches for it."""
