"""The symbolic run sees a plan that writes over what must stay."""

from dataclasses import replace

import pytest

from asd_edge.compiler.compile_network import compile_graph
from asd_edge.compiler.read_image import read_image
from tests.compiler.symbolic_run import SymbolicRun
from tests.compiler.toy_graphs import residual_tower

N_PUSHES = 30


def run_with(field: str, offset: int) -> SymbolicRun:
    """The tower with one field of its header changed, after more than a window."""
    image = read_image(compile_graph(residual_tower()).content)
    header = image.header.copy()
    header[field] = offset
    run = SymbolicRun(replace(image, header=header))
    for _ in range(N_PUSHES):
        run.push()
    return run


@pytest.mark.parametrize("kind", ["tensor", "step"])
def test_states_in_a_ring_are_seen_to_be_overwritten(kind: str) -> None:
    image = read_image(compile_graph(residual_tower()).content)
    run_with(f"{kind}_states_offset", int(image.header[f"{kind}_states_offset"])).check_states()
    first_ring = int(image.tensors["ring_offset"][image.header["inputs"][0]])
    with pytest.raises(AssertionError, match=f"{kind} states were overwritten"):
        run_with(f"{kind}_states_offset", first_ring).check_states()
