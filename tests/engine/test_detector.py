"""Samples in, scores out: the same for any chunking, clip behind clip, and from front end, network, scorer apart."""

import numpy as np
import pytest
from numpy.typing import NDArray

from asd_edge.errors import ImageError
from asd_edge.native import NativeCodeScale, NativeFir, run_frontend
from asd_edge.native_engine import HEADER, image_status, load_model, run_image, score_samples
from asd_edge.scorer.fixed_head import FixedHead
from asd_edge.scorer.fixed_log_odds import fixed_log_odds
from asd_edge.scorer.fixed_reconstruction import FixedOutputScale, fixed_reconstruction_score
from tests.engine.image_writer import CODE_SCALE, DETECTOR, STEP, with_checksum, with_field
from tests.engine.small_images import CLIP_SAMPLES, IMAGES, N_CLASSES, endless_detector

Samples = NDArray[np.int16]
CHUNK_LENGTHS = (0, 1, 13, 511, 512, 513, 1600, 5000)
N_CLIPS = 3
DETECTOR_RECORD = 15  # asd_status.h


def sound(seed: int, n_samples: int = N_CLIPS * CLIP_SAMPLES) -> Samples:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=n_samples) * rng.uniform(100, 6000)).astype(np.int16)


def detector_offset(image: bytes) -> int:
    return int(np.frombuffer(image, HEADER, 1)["detector_offset"][0])


def record(image: bytes) -> np.void:
    found: np.void = np.frombuffer(image, DETECTOR, 1, detector_offset(image))[0]
    return found


def frames(image: bytes, samples: Samples) -> tuple[NDArray[np.int16], NDArray[np.int8], NDArray[np.int8]]:
    """Log-Mel, its codes and the FIR's codes of one clip by the front end alone."""
    found = record(image)
    log_mel_scale, fir_scale = (
        NativeCodeScale(*(int(found[name][field]) for field in CODE_SCALE.names or ()))
        for name in ("log_mel_scale", "fir_scale")
    )
    fir = None
    if found["fir_high_offset"]:
        taps = [np.frombuffer(image, "<i2", 1024, int(found[f"fir_{half}_offset"])) for half in ("high", "low")]
        fir = NativeFir(taps[0], taps[1], int(found["fir_bias"]))
    made = run_frontend(samples, log_mel_scale, fir_scale, fir)
    return made.log_mel, made.log_mel_codes, made.fir_codes


def head(image: bytes, size: int) -> FixedHead:
    found = record(image)
    rows = np.frombuffer(image, "<i2", N_CLASSES * size, int(found["rows_offset"])).reshape(N_CLASSES, size)
    return FixedHead(rows, 0, *(int(value) for value in found["arcface"]))


@pytest.mark.parametrize("name", ["detector", "late_detector", "reconstruction"])
@pytest.mark.parametrize("chunk_length", CHUNK_LENGTHS)
def test_any_chunking_gives_the_same_scores_as_each_clip_alone(name: str, chunk_length: int) -> None:
    image, samples = IMAGES[name](), sound(1)
    alone = [score_samples(image, clip, 2)[0][0] for clip in samples.reshape(N_CLIPS, -1)]
    assert score_samples(image, samples, 2, chunk_length)[0] == alone
    assert len(set(alone)) == N_CLIPS


@pytest.mark.parametrize("class_index", range(N_CLASSES))
def test_a_clip_scores_as_front_end_network_and_scorer_one_by_one(class_index: int) -> None:
    image, samples = IMAGES["detector"](), sound(2, CLIP_SAMPLES)
    (score,), embeddings = score_samples(image, samples, class_index)
    _, log_mel, fir = frames(image, samples)
    embedding = run_image(image, [log_mel[:, :, None], fir[:, None, None]]).output.reshape(-1)
    np.testing.assert_array_equal(embeddings[0], embedding)
    assert score == fixed_log_odds(embedding, head(image, embedding.size), class_index)


def test_a_reconstruction_scores_the_vectors_that_the_front_end_gives() -> None:
    image, samples = IMAGES["reconstruction"](), sound(3, CLIP_SAMPLES)
    (score,), _ = score_samples(image, samples, 0)
    log_mel, codes, _ = frames(image, samples)
    vectors = np.stack([log_mel[i : i + 5].reshape(-1) for i in range(len(log_mel) - 4)])
    inputs = np.stack([codes[i : i + 5].reshape(1, -1) for i in range(len(codes) - 4)])
    made = run_image(image, [inputs.reshape(-1, 1, 640)]).output.reshape(-1, 640)
    scale = FixedOutputScale(*(int(value) for value in record(image)["reconstruction"]))
    assert score == fixed_reconstruction_score(vectors, made, scale)


@pytest.mark.parametrize("chunk_length", CHUNK_LENGTHS)
def test_an_endless_image_scores_at_every_column_of_its_output(chunk_length: int) -> None:
    image, samples = endless_detector(), sound(4)
    scores, embeddings = score_samples(image, samples, 1, chunk_length)
    _, log_mel, fir = frames(image, samples)  # all but the last, which has the reflected end
    expected = run_image(image, [log_mel[:-1, :, None], fir[:-1, None, None]]).output
    np.testing.assert_array_equal(embeddings, expected.reshape(len(expected), -1))
    assert scores == [fixed_log_odds(embedding, head(image, 6), 1) for embedding in embeddings]
    assert len(scores) == len(samples) // 512 - 4  # the network reads five frames


@pytest.mark.parametrize("name", ["detector", "late_detector"])
def test_a_clip_that_is_cut_short_gives_no_score_and_takes_none_from_the_clip_before(name: str) -> None:
    image = IMAGES[name]()
    assert score_samples(image, sound(5, CLIP_SAMPLES - 1), 0)[0] == []
    samples = sound(5, 2 * CLIP_SAMPLES - 1)
    for n_samples in (CLIP_SAMPLES, CLIP_SAMPLES + 1, CLIP_SAMPLES + 700, len(samples)):
        assert score_samples(image, samples[:n_samples], 0)[0] == score_samples(image, samples[:CLIP_SAMPLES], 0)[0]
    assert len(score_samples(image, samples, 0)[0]) == 1


def test_an_embedding_of_zeros_is_reported_not_scored() -> None:
    with pytest.raises(ImageError, match="all zeros"):
        score_samples(IMAGES["late_detector"](), np.zeros(CLIP_SAMPLES, np.int16), 0)


def test_a_class_that_the_image_does_not_have_is_refused() -> None:
    with pytest.raises(ImageError, match="the class"):
        score_samples(IMAGES["detector"](), sound(6), N_CLASSES)


def test_a_network_alone_gives_no_scores() -> None:
    assert not load_model(IMAGES["every_step"]()).has_detector
    with pytest.raises(ImageError, match="a network alone"):
        score_samples(IMAGES["every_step"](), sound(7), 0)


# cos, sin of the margin beyond 1 or below their range; scale, shortfall; multiplier, shift, zero point
BAD_HEADS = (
    *(("detector", "arcface", *pair) for pair in ((0, 0), (0, 1 << 30), (1, 1 << 31), (1, (1 << 30) + 1), (2, -1))),
    *(("detector", "arcface", *pair) for pair in ((2, (1 << 30) + 1), (3, 1 << 31), (3, (1 << 30) + 1), (4, -1))),
    *(("reconstruction", "reconstruction", *pair) for pair in ((0, 0), (1, 16), (1, 63), (2, -129), (2, 128))),
)


@pytest.mark.parametrize(("name", "field", "entry", "value"), BAD_HEADS)
def test_a_head_that_no_scorer_takes_is_refused_with_the_image(name: str, field: str, entry: int, value: int) -> None:
    image = IMAGES[name]()
    assert image_status(with_field(image, DETECTOR, detector_offset(image), field, value, entry)) == DETECTOR_RECORD


def test_a_head_with_a_row_of_zeros_is_refused_with_the_image() -> None:
    """Its machine would have no direction."""
    image, size = IMAGES["detector"](), 6
    for row in range(N_CLASSES):
        start = int(record(image)["rows_offset"]) + 2 * size * row
        rows = bytearray(image[start : start + 2 * size])
        for n_zeros, status in ((size - 1, 0), (size, DETECTOR_RECORD)):
            rows[: 2 * n_zeros] = bytes(2 * n_zeros)
            octets = image[:start] + bytes(rows) + image[start + 2 * size :]
            assert image_status(with_checksum(octets)) == status


def test_a_reconstruction_that_comes_a_tick_late_is_refused() -> None:
    """Each vector is compared with what the network makes of it before the next one comes."""
    image = IMAGES["reconstruction"]()
    offset = int(np.frombuffer(image, HEADER, 1)["steps_offset"][0])
    assert image_status(with_field(image, STEP, offset, "delay", 1)) == DETECTOR_RECORD
