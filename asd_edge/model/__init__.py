"""Networks, the ArcFace head, losses and checkpoints."""
