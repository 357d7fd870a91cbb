"""Figures -> the words of a table cell: fractions in percent, differences in percentage points, sizes in bytes."""

from asd_edge.evaluate.figures import Difference

ABSENT = "–"


def percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}"


def signed_points(fraction: float) -> str:
    return f"{round(100 * fraction, 2) + 0.0:+.2f}"  # + 0.0: no minus before a zero


def difference_words(difference: Difference | None) -> str:
    """In percentage points, with the 95 % interval where there is one."""
    if difference is None:
        return ABSENT
    if difference.low is None or difference.high is None:
        return signed_points(difference.value)
    return f"{signed_points(difference.value)} [{signed_points(difference.low)}, {signed_points(difference.high)}]"


def share_words(share: float | None) -> str:
    return ABSENT if share is None else f"{100 * share:.2f} %"


def bytes_words(n_bytes: float) -> str:
    return f"{n_bytes:,.0f}"
