"""Image and board -> flash, RAM, stack, instructions, latency, energy, per layer; measured, counted or estimated."""
