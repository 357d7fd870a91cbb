"""Clips one behind the other through a detector whose steps are late: the scores of each clip alone.

While the network still works on a clip's end, the next one's columns come in, and the front end needs its scratch.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from asd_edge.compiler.compile_network import CompiledModel, compile_graph
from asd_edge.compiler.kernel_choice import Core
from asd_edge.errors import CompilerError
from asd_edge.export.detector import ARCFACE, Detector
from asd_edge.graph.graph import Graph
from asd_edge.native_engine import score_samples
from tests.backends.test_host_rung import CONFIG, embedding_graph, write_work

N_CLIPS = 4
LATE_TICKS = 1  # strides of 2 leave room for one


def compiled_late(graph: Graph, detector: Detector, core: Core) -> CompiledModel:
    """Every step that can be late without falling behind is, and the one that gives the embedding."""
    compiled = compile_graph(graph, core, False, {}, detector)
    delays: Mapping[str, int] = {}
    for step in compiled.plan.computing_steps[::-1]:
        try:
            compiled = compile_graph(graph, core, False, {**delays, step.output: LATE_TICKS}, detector)
            delays = compiled.plan.delays
        except CompilerError:
            continue
    return compiled


@pytest.mark.parametrize("core", list(Core))
def test_late_clips_back_to_back_score_as_each_one_alone(core: Core, tmp_path: Path) -> None:
    graph = embedding_graph()
    detector = write_work(tmp_path, graph, ARCFACE)
    compiled = compiled_late(graph, detector, core)
    assert sum(delay > 0 for delay in compiled.plan.delays.values()) > 1
    assert compiled.plan.delays[graph.outputs[0]] == LATE_TICKS  # beyond the clip's last column
    rng = np.random.default_rng(21)
    clips = [rng.normal(0, 10**level, CONFIG.clip_samples).astype(np.int16) for level in rng.uniform(1, 3.7, N_CLIPS)]
    on_time = compile_graph(graph, core, False, {}, detector).content
    alone = [score_samples(on_time, clip, 1)[0][0] for clip in clips]
    assert len(set(alone)) == N_CLIPS
    assert [score_samples(compiled.content, clip, 1)[0] for clip in clips] == [[score] for score in alone]
    for chunk_length in (0, 777):
        assert score_samples(compiled.content, np.concatenate(clips), 1, chunk_length)[0] == alone
