"""Stage 7: a float Graph and normal calibration clips -> an int8 Graph, and the interpreter that defines its arithmetic."""
