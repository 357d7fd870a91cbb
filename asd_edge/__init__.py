"""asd-edge: anomalous sound detection from PyTorch to a field device, with proof that it still detects."""

__version__ = "0.1.0"
