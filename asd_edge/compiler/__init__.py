"""Stage 9: an int8 network -> stream plan -> memory plan -> the image that a board runs (firmware/FORMAT.md)."""
