"""What a microphone delivers -> int16: 16, 24 or 32 bits, offset taken off, gain, saturation counted.

The twin of firmware/frontend/asd_condition_pcm.c. A 16-bit sample at gain 1 and offset 0 comes through unchanged.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import FrontendError

GAIN_BITS = 16
OFFSET_BITS = 16  # the offset is kept finer than a 32-bit sample by so many bits
GAIN_END = 1 << 30
LARGEST_OFFSET_SHIFT = 24


class PcmFormat(IntEnum):
    """Little-endian; the values are those of asd_pcm_format."""

    S16 = 0
    S24 = 1  # three bytes
    S24_LOW = 2  # the low three bytes of a word, the highest is ignored
    S32 = 3  # also 24 bits in the high three bytes, as I2S gives them


SAMPLE_BYTES = {PcmFormat.S16: 2, PcmFormat.S24: 3, PcmFormat.S24_LOW: 4, PcmFormat.S32: 4}


@dataclass(frozen=True)
class Conditioning:
    """gain counts 2^-16, 0..2^30 - 1. The offset follows with a time constant of 2^offset_shift samples."""

    pcm_format: PcmFormat
    gain: int = 1 << GAIN_BITS
    offset: int = 0  # at the start, as a 32-bit sample
    offset_shift: int = 0  # 0..24; 0: the offset stays


def condition_pcm(data: bytes, conditioning: Conditioning) -> tuple[NDArray[np.int16], int]:
    """Whole samples as bytes -> (n,) int16, and how many of them were saturated.

    Raises FrontendError when a setting is out of its range.
    """
    check_conditioning(conditioning)
    values = unpack_pcm(data, conditioning.pcm_format)
    offset = conditioning.offset << OFFSET_BITS
    conditioned = []
    for value in values.tolist():  # Python's integers; the offset depends on every sample before
        scaled = ((value - (offset >> OFFSET_BITS)) * conditioning.gain + (1 << 31)) >> 32
        conditioned.append(scaled)
        if conditioning.offset_shift:
            offset += ((value << OFFSET_BITS) - offset) >> conditioning.offset_shift
    exact = np.array(conditioned, np.int64)
    kept = np.clip(exact, -32768, 32767)
    return np.asarray(kept, np.int16), int(np.count_nonzero(kept != exact))


def check_conditioning(conditioning: Conditioning) -> None:
    """Raise FrontendError for settings that asd_condition_start refuses."""
    if conditioning.pcm_format not in SAMPLE_BYTES:
        raise FrontendError(f"there is no PCM format {conditioning.pcm_format}; give one of 0 to 3")
    if not 0 <= conditioning.gain < GAIN_END:
        raise FrontendError(f"a gain of {conditioning.gain} is out of range; give 0 to 2^30 - 1, where 2^16 is 1.0")
    if not 0 <= conditioning.offset_shift <= LARGEST_OFFSET_SHIFT:
        raise FrontendError(f"an offset_shift of {conditioning.offset_shift} is out of range; give 0 to 24")
    if not -(1 << 31) <= conditioning.offset < 1 << 31:
        raise FrontendError(f"an offset of {conditioning.offset} is no 32-bit sample; give -2^31 to 2^31 - 1")


def unpack_pcm(data: bytes, pcm_format: PcmFormat) -> NDArray[np.int64]:
    """(n,) samples as 32-bit values: full scale is 2^31."""
    size = SAMPLE_BYTES[pcm_format]
    octets = np.frombuffer(data, np.uint8).reshape(-1, size)
    if pcm_format is PcmFormat.S24_LOW:
        octets = octets[:, :3]
    words = np.zeros((len(octets), 4), np.uint8)
    words[:, 4 - octets.shape[1] :] = octets
    return np.asarray(words.view("<i4")[:, 0], np.int64)
