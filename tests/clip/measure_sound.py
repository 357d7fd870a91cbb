"""What tests measure of a synthetic machine's sound: levels of bands, lines, modulation of the envelope, impulsiveness.

Sounds are (n_samples,) float64 or int16 at 16 kHz; everything is computed with plain FFTs.
"""

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
Sound = NDArray[np.float64]


def power_spectrum(sound: Sound, n_fft: int = 16_384) -> Sound:
    """(n_fft // 2 + 1,) mean power of half-overlapping Hann frames; bin k lies at k * RATE_HZ / n_fft."""
    frames = np.lib.stride_tricks.sliding_window_view(sound - sound.mean(), n_fft)[:: n_fft // 2]
    spectrum: Sound = np.mean(np.abs(np.fft.rfft(frames * np.hanning(n_fft), axis=1)) ** 2, axis=0)
    return spectrum


def band_db(sound: Sound, low_hz: float, high_hz: float, n_fft: int = 16_384) -> float:
    """Mean power per bin of a band, dB."""
    first, last = (round(hz * n_fft / RATE_HZ) for hz in (low_hz, high_hz))
    return float(10 * np.log10(power_spectrum(sound, n_fft)[first : last + 1].mean() + 1e-30))


def line_hz(sound: Sound, low_hz: float, high_hz: float) -> float:
    """Where the strongest bin of a band lies, to about 1 Hz."""
    first, last = (round(hz * 16_384 / RATE_HZ) for hz in (low_hz, high_hz))
    return (first + int(np.argmax(power_spectrum(sound)[first : last + 1]))) * RATE_HZ / 16_384


def prominence_db(sound: Sound, line: float, share: float = 0.03) -> float:
    """How far the strongest bin within +-`share` of a line stands above the median of the octave around it, dB."""
    spectrum = power_spectrum(sound)
    near, around = (
        spectrum[round(line * low * 16_384 / RATE_HZ) : round(line * high * 16_384 / RATE_HZ) + 1]
        for low, high in ((1 - share, 1 + share), (0.7, 1.4))
    )
    return float(10 * np.log10(near.max() / np.median(around)))


def envelope(sound: Sound, low_hz: float = 0.0, high_hz: float = 8_000.0) -> Sound:
    """(n_samples // 80,) effective value per 5 ms of a band of the sound."""
    spectrum = np.fft.rfft(sound)
    frequency_hz = np.arange(len(spectrum)) * RATE_HZ / len(sound)
    band = np.fft.irfft(spectrum * ((frequency_hz >= low_hz) & (frequency_hz <= high_hz)), len(sound))
    steps: Sound = np.sqrt(np.mean(np.reshape(band[: len(band) // 80 * 80], (-1, 80)) ** 2, axis=1))
    return steps


def modulation(steps: Sound, rate_hz: float, share: float = 0.04) -> float:
    """Depth of the envelope's strongest sine within +-`share` of a rate (below 100 Hz), as a share of its mean."""
    spectrum = np.abs(np.fft.rfft((steps - steps.mean()) * np.hanning(len(steps)), 8 * len(steps)))
    resolution_hz = 200 / (8 * len(steps))
    first, last = round(rate_hz * (1 - share) / resolution_hz), round(rate_hz * (1 + share) / resolution_hz)
    return float(4 * spectrum[first : last + 1].max() / len(steps) / steps.mean())


def rhythm_hz(steps: Sound, low_hz: float, high_hz: float) -> float:
    """The rate at which the envelope repeats itself best, by autocorrelation, to a 5 ms step of the period."""
    centred = steps - steps.mean()
    repeats = np.correlate(centred, centred, "full")[len(steps) - 1 :]
    lags = np.arange(round(200 / high_hz), round(200 / low_hz) + 1)
    return float(200 / lags[np.argmax(repeats[lags] / (len(steps) - lags))])


def kurtosis(sound: Sound) -> float:
    """3 for Gaussian noise; the more impulsive, the larger."""
    centred = sound - sound.mean()
    return float(np.mean(centred**4) / np.mean(centred**2) ** 2)
