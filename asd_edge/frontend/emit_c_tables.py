"""The tables of the fixed-point front end -> firmware/frontend/asd_frontend_tables.c.

`python -m asd_edge.frontend.emit_c_tables firmware/frontend/asd_frontend_tables.c` writes the file again.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge.frontend.decimate import decimator_taps
from asd_edge.frontend.fixed_tables import DIGIT_REVERSED, FixedTables, fixed_tables

_COLUMNS = 8


def emit_c_tables(tables: FixedTables) -> str:
    """C99 source: one const array per table, in the order in which the code reads it."""
    arrays = [
        ("int32_t", "asd_window_q29[64 * 16]", tables.window[DIGIT_REVERSED]),
        *(
            ("int32_t", f"asd_twiddles_{len(twiddles)}_q30[{len(twiddles)} * 6]", twiddles)
            for twiddles in tables.twiddles
        ),
        ("int32_t", "asd_split_q31[255 * 2]", tables.split),
        ("uint8_t", "asd_mel_counts[129]", np.diff(tables.mel_starts)),
        ("uint32_t", "asd_mel_weights_q32[511]", tables.mel_weights),
        ("uint32_t", "asd_log_offsets[128]", tables.log_offsets),
        ("int32_t", "asd_band_levels[128]", tables.band_levels),
        ("int32_t", "asd_log_curve[129]", tables.log_curve),
        ("int32_t", "asd_log_octave[1]", np.array([tables.octave])),
        ("int16_t", "asd_decimator_taps_q16[304]", decimator_taps()),
    ]
    parts = [
        "/* Printed by asd_edge/frontend/emit_c_tables.py from the formulas of fixed_tables.py; don't edit. */",
        "/* clang-format off */",
        '#include "asd_frontend_tables.h"',
        *(_array(c_type, declarator, values) for c_type, declarator, values in arrays),
    ]
    return "\n\n".join(parts) + "\n"


def _array(c_type: str, declarator: str, values: NDArray[np.int64]) -> str:
    suffix = "u" if c_type.startswith("u") else ""
    words = [f"{value}{suffix}" for value in values.reshape(-1).tolist()]
    lines = [", ".join(words[i : i + _COLUMNS]) for i in range(0, len(words), _COLUMNS)]
    return f"const {c_type} {declarator} = {{\n    " + ",\n    ".join(lines) + ",\n};"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(emit_c_tables(fixed_tables()))
