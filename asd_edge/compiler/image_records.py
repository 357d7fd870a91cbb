"""The records of an image as NumPy types, field by field those of firmware/include/asd/asd_image.h."""

import numpy as np

MAGIC = 0x4D445341  # "ASDM"
VERSION = 1
ALIGNMENT = 16
CRC_START, CRC_END = 12, 16
MOST_INPUTS = 2
NO_INPUT = 0xFFFF
ARCFACE_KIND, RECONSTRUCTION_KIND = 1, 2

HEADER = np.dtype(
    [
        ("magic", "<u4"),
        ("version", "<u2"),
        ("core", "<u2"),
        ("n_bytes", "<u4"),
        ("crc32", "<u4"),
        ("arena_bytes", "<u4"),
        ("n_tensors", "<u2"),
        ("n_steps", "<u2"),
        ("tensors_offset", "<u4"),
        ("steps_offset", "<u4"),
        ("detector_offset", "<u4"),
        ("names_offset", "<u4"),
        ("names_bytes", "<u4"),
        ("n_inputs", "<u2"),
        ("output", "<u2"),
        ("inputs", "<u2", (MOST_INPUTS,)),
        ("is_endless", "<u2"),
        ("reserved", "<u2"),
        ("tensor_states_offset", "<u4"),
        ("step_states_offset", "<u4"),
        ("source_sha256", "u1", (32,)),
    ]
)
TENSOR = np.dtype(
    [
        ("n_columns", "<u4"),
        ("ring_offset", "<u4"),
        ("newest_offset", "<u4"),
        ("scale", "<f4"),
        ("n_mels", "<u2"),
        ("n_channels", "<u2"),
        ("depth", "<u2"),
        ("zero_point", "i1"),
        ("is_apart", "u1"),
    ]
)
STEP = np.dtype(
    [
        ("op", "u1"),
        ("layout", "u1"),
        ("activation", "u1"),
        ("n_inputs", "u1"),
        ("inputs", "<u2", (4,)),
        ("output", "<u2"),
        ("delay", "<u2"),
        ("kernel_time", "<u2"),
        ("kernel_mel", "<u2"),
        ("stride_time", "<u2"),
        ("stride_mel", "<u2"),
        ("pad_time", "<u2"),
        ("pad_mel", "<u2"),
        ("low", "i1"),
        ("high", "i1"),
        ("zero_point", "i1"),
        ("rounding", "u1"),
        ("weights_offset", "<u4"),
        ("weights_bytes", "<u4"),
        ("bias_offset", "<u4"),
        ("multipliers_offset", "<u4"),
        ("shifts_offset", "<u4"),
        ("table_offset", "<u4"),
        ("table_bytes", "<u4"),
        ("scratch_offset", "<u4"),
        ("scratch_bytes", "<u4"),
        ("accumulators_offset", "<u4"),
        ("n_accumulators", "<u2"),
        ("reserved2", "<u2"),
        ("factors", "<i4", (3,)),
        ("factor_shifts", "i1", (3,)),
        ("reserved3", "u1"),
    ]
)
_CODE_SCALE = np.dtype(
    [("limit", "<i8"), ("multiplier", "<i4"), ("shift", "<i4"), ("zero_point", "<i4"), ("pre_shift", "<i4")]
)
DETECTOR = np.dtype(
    [
        ("log_mel_scale", _CODE_SCALE),
        ("fir_scale", _CODE_SCALE),
        ("fir_bias", "<i8"),
        ("fir_high_offset", "<u4"),
        ("fir_low_offset", "<u4"),
        ("clip_samples", "<u4"),
        ("kind", "<u2"),
        ("n_context", "<u2"),
        ("log_mel_input", "<u2"),
        ("fir_input", "<u2"),
        ("labels_offset", "<u4"),
        ("labels_bytes", "<u4"),
        ("rows_offset", "<u4"),
        ("n_classes", "<u2"),
        ("embedding_size", "<u2"),
        ("arcface", "<i4", (5,)),
        ("reconstruction", "<i4", (3,)),
        ("frontend_scratch_offset", "<u4"),
    ]
)
