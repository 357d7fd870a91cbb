"""Rounding and range checks of the fixed-point front end on arrays: the twin of firmware/include/asd/asd_fixed_point.h.

Arrays hold int64 whatever their range, so that a range that is exceeded is seen here and not wrapped.
"""

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

INT32_MAX = (1 << 31) - 1


def multiply_high(value: IntArray, factor: IntArray | int) -> IntArray:
    """value * factor / 2^32, halves rounded up: SMMULR. A Q31 factor so multiplies and halves, a Q30 one quarters.

    Raises OverflowError for a value that 32 bits don't hold.
    """
    check_int32(value, "operand of a product")
    return (value * factor + (1 << 31)) >> 32


def check_int32(values: IntArray, what: str) -> IntArray:
    """`values`, of which an int32 has to hold every one; OverflowError tells a bug of ours, not of the input."""
    if values.size and (values.max() > INT32_MAX or values.min() < -INT32_MAX - 1):
        raise OverflowError(f"{what}: {values.min()} to {values.max()} is more than 32 bits hold")
    return values
