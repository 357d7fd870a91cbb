"""Damage over clips: figures of a plain full run, whatever the threads; a clip without a score stops the rest."""

import os

import numpy as np
import pytest

from asd_edge.clip.records import ANOMALY
from asd_edge.diagnose.layer_noise import LayerNoise, evidence, measure_noise
from asd_edge.diagnose.measure_clip import OpenedClip, code_bounds
from asd_edge.diagnose.measure_damage import run_clips, sum_up
from asd_edge.diagnose.mixed_network import FloatArray, MixedNetwork
from asd_edge.errors import ClipError
from asd_edge.evaluate.agreement import changed_pairs, row_cosines
from asd_edge.evaluate.auc import auc, mean_over_types
from quantization.sqnr import sqnr_db
from tests.diagnose.planted import clip_records, measured, n_clips, open_clip, quantized, tower

TOWER = tower()


def test_figures_are_those_of_plain_full_runs_to_the_last_bit() -> None:
    network = MixedNetwork(TOWER, quantized(TOWER, {"t4": 4.0}))
    found, every = measured(network), frozenset(network.layers)
    (output,) = TOWER.outputs
    for layer in network.layers:
        for damage, layers in (
            (found.layers[layer].alone, frozenset((layer,))),
            (found.layers[layer].all_but, every - {layer}),
        ):
            scores, cosines = [], []
            for index in range(n_clips()):
                clip = open_clip(TOWER, index)
                outputs = [
                    network.real(output, network.run(clip.runs[0], chosen)[output]).reshape(-1)
                    for chosen in (frozenset[str](), layers)
                ]
                scores.append([clip.score(values) for values in outputs])
                cosines.append(float(row_cosines(outputs[0][None], outputs[1][None])[0]))
            assert damage.cosine_mean == np.mean(cosines)
            assert damage.cosine_min == min(cosines)
            changed, differences = _pairs(np.array(scores))
            assert (damage.changed_pairs, damage.auc_difference) == (changed, differences)


def _pairs(scores: FloatArray) -> tuple[float, float]:
    """Changed pairs and AUC difference of scores (n_clips, 2): float, mixed."""
    changed, differences = 0.0, {}
    for machine in dict.fromkeys(record.machine for record in clip_records()):
        of_machine = [index for index, record in enumerate(clip_records()) if record.machine == machine]
        is_anomaly = np.array([clip_records()[index].label == ANOMALY for index in of_machine])
        exact, mixed = scores[of_machine].T
        changed += changed_pairs(exact[~is_anomaly], exact[is_anomaly], mixed[~is_anomaly], mixed[is_anomaly]).changed
        machine_type, machine_id = machine.split("/")
        difference = auc(mixed[~is_anomaly], mixed[is_anomaly]) - auc(exact[~is_anomaly], exact[is_anomaly])
        differences[machine_type, machine_id] = difference
    return changed, float(mean_over_types(differences))


def test_the_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network = MixedNetwork(TOWER, quantized(TOWER))
    found = []
    for n_threads in (1, 3):
        monkeypatch.setattr(os, "cpu_count", lambda n_threads=n_threads: n_threads)
        found.append(measured(network))
    assert found[0].int8 == found[1].int8
    for layer in network.layers:
        assert found[0].layers[layer].alone == found[1].layers[layer].alone
        assert found[0].layers[layer].normal.noise == found[1].layers[layer].normal.noise


def test_signal_and_noise_of_everything_in_int8_bound_those_of_sqnr() -> None:
    """A layer's own error and what it inherits together make what `sqnr_db` sees, up to their correlation."""
    network = MixedNetwork(TOWER, quantized(TOWER))
    whole = sqnr_db(TOWER, network.int8_graph, [open_clip(TOWER, index).runs[0] for index in range(n_clips())])
    for layer, damage in measured(network).layers.items():
        noise = damage.normal.joined(damage.anomaly)
        together = np.sqrt(noise.noise) + np.sqrt(noise.inherited)
        assert noise.signal / 10 ** (whole[layer] / 10) <= 1.05 * together**2 + 1e-12, layer


def test_a_clip_without_a_score_is_named_with_its_mixture_and_stops_the_rest() -> None:
    network = MixedNetwork(TOWER, quantized(TOWER))
    opened: list[int] = []

    def open_spoilt(index: int) -> OpenedClip:
        opened.append(index)

        def score(output: FloatArray) -> float:
            raise ClipError("no score")

        return OpenedClip(f"clip {index}", open_clip(TOWER, index).runs, score)

    with pytest.raises(ClipError, match="clip 0: with everything in float: no score"):
        run_clips(network, range(1000), open_spoilt)
    assert len(opened) < 1000


def test_progress_counts_clips() -> None:
    network = MixedNetwork(TOWER, quantized(TOWER))
    seen: list[tuple[int, int]] = []
    run_clips(network, range(2), lambda index: open_clip(TOWER, index), lambda *counts: seen.append(counts))
    assert seen == [(1, 2), (2, 2)]


def test_a_reconstruction_is_judged_by_its_relative_error() -> None:
    network = MixedNetwork(TOWER, quantized(TOWER))
    outcomes = run_clips(network, range(n_clips()), lambda index: open_clip(TOWER, index))
    damage = sum_up(clip_records(), outcomes, network.layers, is_embedding=False).int8
    assert (damage.cosine_mean, damage.cosine_min) == (None, None)
    assert 0 < damage.error == damage.relative_error_mean <= damage.relative_error_max


def test_noise_is_split_by_hand() -> None:
    exact = np.array([[[[0.0, 1.0], [10.0, 2.0]]]], np.float32)
    unrounded = exact + np.array([0.0, 0.5], np.float32)
    rounded = np.array([[[[0.0, 1.0], [6.0, 2.0]]]], np.float32)
    noise = measure_noise(exact, unrounded, rounded, exact, (-1.0, 6.0))
    assert noise.from_weights == 0.5
    assert noise.from_clipping == 16.0
    assert noise.from_rounding == 0.5
    assert (noise.n_clipped, noise.n_values, noise.inherited) == (1, 4, 0.0)
    found = evidence(noise.joined(noise), (-1.0, 6.0))
    assert found.weights_share == pytest.approx(0.5 / 17)
    assert found.mean_share == pytest.approx(0.5 / 17), "the same 0.5 everywhere in that channel"
    assert found.clipping_share == pytest.approx(16 / 17)
    assert found.clipped_values == 0.25
    assert found.range_used == pytest.approx(10 / 7)
    assert found.channel_ratio == pytest.approx(10 / 6)


def test_a_dead_layer_has_no_shares() -> None:
    zeros = np.zeros((1, 2, 2, 3), np.float32)
    noise: LayerNoise = measure_noise(zeros, zeros, zeros, zeros, (-1.0, 1.0))
    found = evidence(noise, (-1.0, 1.0))
    assert (found.weights_share, found.rounding_share, found.channel_ratio, found.range_used) == (None, None, None, 0.0)


def test_bounds_are_the_real_values_of_the_outer_codes() -> None:
    network = MixedNetwork(TOWER, quantized(TOWER))
    low, high = code_bounds(network, "log_mel")
    codes = np.array([[[[-128.0]], [[127.0]]]]).astype(np.int8)
    assert network.real("log_mel", codes).ravel().tolist() == pytest.approx([low, high], rel=1e-6)
