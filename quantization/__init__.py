"""Stage 7: a float Graph and normal clips -> an int8 Graph, and the interpreter that defines its arithmetic."""
