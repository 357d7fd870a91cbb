"""Emulated boards: start-up, memory limits, faults, audio buffer, and the scores that they give."""
