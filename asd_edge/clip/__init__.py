"""Stage 1: WAV and FLAC files become int16 samples at 16 kHz, and folders of them become labelled records."""
