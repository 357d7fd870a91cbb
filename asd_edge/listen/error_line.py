"""Any exception -> one line for an event."""

from asd_edge.errors import AsdEdgeError


def error_line(error: Exception) -> str:
    """What an AsdEdgeError says; any other one, which nobody expected, has its name before it."""
    words = " ".join(str(error).split())
    return words if isinstance(error, AsdEdgeError) else f"{type(error).__name__}: {words}"
