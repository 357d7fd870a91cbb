"""Stage 10: one interface to every runtime that scores a clip: the rungs of the parity ladder, torch first."""
