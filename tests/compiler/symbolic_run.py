"""Runs the records of an image by FORMAT.md's rules on an arena of tags: who wrote each byte, and for which column.

Independent of the compiler: it knows records, not plans. A read of a byte that lost its tag is a wrong plan.
"""

from dataclasses import dataclass, field

import numpy as np

from asd_edge.compiler.read_image import ModelImage, Record
from asd_edge.compiler.stream_graph import ACCUMULATING, WINDOWED, StepOp

SCRATCH, STATE, SUMS = 1 << 40, 1 << 41, 1 << 42


@dataclass
class _TensorState:
    n_produced: int = 0
    n_stored: int = 0
    slot: int = 0


@dataclass
class _StepState:
    window: int = 0
    next: int = 0
    wait: int = 0
    is_armed: bool = False


@dataclass
class SymbolicRun:
    """`firings`: (tick, pass) of each step, in the order in which they came."""

    image: ModelImage
    arena: np.ndarray = field(init=False)
    tensors: list[_TensorState] = field(init=False)
    steps: list[_StepState] = field(init=False)
    firings: list[list[tuple[int, int]]] = field(init=False)
    tick: int = 0

    def __post_init__(self) -> None:
        image = self.image
        self.arena = np.zeros(int(image.header["arena_bytes"]), np.int64)
        self.tensors = [_TensorState(slot=int(t["depth"]) - 1) for t in image.tensors]
        self.steps = [_StepState() for _ in image.steps]
        self.firings = [[] for _ in image.steps]
        self._mark(image.header["tensor_states_offset"], 12 * len(image.tensors), STATE)
        self._mark(image.header["step_states_offset"], 12 * len(image.steps), STATE)
        for index, step in enumerate(image.steps):
            self._mark(step["accumulators_offset"], self._sum_bytes(step), SUMS + index)

    def push(self) -> None:
        """The front end's work, one more column of each input, then a tick."""
        if self.image.detector is not None:
            self._mark(self.image.detector["frontend_scratch_offset"], 5120, SCRATCH)
        for index in self.image.header["inputs"][: self.image.header["n_inputs"]]:
            self._produce(int(index))
        self.run_tick()

    def run_tick(self) -> None:
        """A tick without new columns."""
        for state in self.steps:
            if state.is_armed and state.wait > 0:
                state.wait -= 1
        n_pass = 0
        while self._run_pass(n_pass):
            n_pass += 1
        self.tick += 1

    def check_states(self) -> None:
        """Counters and sums must never have been written by anything else."""
        image = self.image
        for kind, n in (("tensor", len(image.tensors)), ("step", len(image.steps))):
            states = self._bytes(image.header[f"{kind}_states_offset"], 12 * n)
            assert (states == STATE).all(), f"{kind} states were overwritten"
        for index, step in enumerate(image.steps):
            sums = self._bytes(step["accumulators_offset"], self._sum_bytes(step))
            assert (sums == SUMS + index).all(), "sums were overwritten"

    def _run_pass(self, n_pass: int) -> bool:
        fired = False
        for index, (step, state) in enumerate(zip(self.image.steps, self.steps, strict=True)):
            if self._is_ready(step, state) and not state.is_armed:
                state.is_armed, state.wait = True, int(step["delay"])
            if state.is_armed and state.wait == 0:
                state.is_armed, fired = False, True
                self.firings[index].append((self.tick, n_pass))
                self._fire(step, state)
        return fired

    def _is_ready(self, step: Record, state: _StepState) -> bool:
        if step["op"] == StepOp.STORE:
            stored = self.tensors[int(step["output"])]
            return stored.n_stored < stored.n_produced
        _, last = self._window(step, state)
        n_in = int(self.image.tensors[step["inputs"][0]]["n_columns"])
        needed = state.window * n_in + last
        inputs = [int(index) for index in step["inputs"][: step["n_inputs"]]]
        return all(self.tensors[index].n_produced > needed for index in inputs)

    def _window(self, step: Record, state: _StepState) -> tuple[int, int]:
        """First and last column of the window that the next firing reads."""
        source, output = self.image.tensors[step["inputs"][0]], self.image.tensors[step["output"]]
        n_in, n_out = int(source["n_columns"]), int(output["n_columns"])
        first = last = state.next
        if step["op"] in WINDOWED:
            first = state.next * int(step["stride_time"]) - int(step["pad_time"])
            last = first + int(step["kernel_time"]) - 1
        elif step["op"] == StepOp.PAD:
            first = last = state.next - int(step["pad_time"])
        elif step["op"] == StepOp.RESHAPE and n_in != n_out:
            first, last = 0, n_in - 1
        return first, last if n_in == 0 else min(last, n_in - 1)

    def _fire(self, step: Record, state: _StepState) -> None:
        if step["op"] == StepOp.STORE:
            self._store(int(step["output"]))
            return
        first, last = self._window(step, state)
        n_in = int(self.image.tensors[step["inputs"][0]]["n_columns"])
        for tensor in step["inputs"][: step["n_inputs"]]:
            for column in range(max(first, 0), last + 1):
                if step["op"] == StepOp.RESHAPE and not self._reshape_reads(step, state, column):
                    continue
                self._read(int(tensor), state.window * n_in + column)
        self._mark(step["scratch_offset"], int(step["scratch_bytes"]), SCRATCH)
        for tensor in step["inputs"][: step["n_inputs"]]:
            if last >= 0 and last >= first:
                self._read(int(tensor), state.window * n_in + last)  # scratch must not lie on what is read
        if self._completes(step, state):
            self._produce(int(step["output"]))
        self._advance(step, state)

    def _reshape_reads(self, step: Record, state: _StepState, column: int) -> bool:
        source, output = self.image.tensors[step["inputs"][0]], self.image.tensors[step["output"]]
        if source["n_columns"] == output["n_columns"]:
            return True
        size, size_out = (int(t["n_mels"]) * int(t["n_channels"]) for t in (source, output))
        return column * size < (state.next + 1) * size_out and (column + 1) * size > state.next * size_out

    def _completes(self, step: Record, state: _StepState) -> bool:
        if step["op"] not in ACCUMULATING:
            return True
        behind = state.next - int(step["kernel_time"]) + 1
        return behind >= 0 and behind % int(step["stride_time"]) == 0

    def _advance(self, step: Record, state: _StepState) -> None:
        source, output = self.image.tensors[step["inputs"][0]], self.image.tensors[step["output"]]
        state.next += 1
        end = int((source if step["op"] in ACCUMULATING else output)["n_columns"])
        if state.next == end:
            state.window, state.next = state.window + 1, 0

    def _column_bytes(self, tensor: Record) -> int:
        return (int(tensor["n_mels"]) * int(tensor["n_channels"]) + 3) // 4 * 4

    def _sum_bytes(self, step: Record) -> int:
        output = self.image.tensors[step["output"]]
        return 4 * int(step["n_accumulators"]) * int(output["n_mels"]) * int(output["n_channels"])

    def _bytes(self, offset: int, size: int) -> np.ndarray:
        start = int(offset)
        assert start + size <= len(self.arena), "beyond the arena"
        return self.arena[start : start + size]

    def _mark(self, offset: int, size: int, tag: int) -> None:
        self._bytes(offset, size)[:] = tag

    def _tag(self, index: int, column: int) -> int:
        return (index << 24) + column + 1

    def _slot(self, index: int, slot: int) -> np.ndarray:
        tensor = self.image.tensors[index]
        size = self._column_bytes(tensor)
        return self._bytes(int(tensor["ring_offset"]) + slot * size, size)

    def _newest(self, index: int) -> np.ndarray:
        tensor = self.image.tensors[index]
        return self._bytes(tensor["newest_offset"], self._column_bytes(tensor))

    def _produce(self, index: int) -> None:
        state, tensor = self.tensors[index], self.image.tensors[index]
        tag = self._tag(index, state.n_produced)
        if tensor["is_apart"]:
            assert state.n_stored == state.n_produced, "an apart column is overwritten before it was stored"
            self._newest(index)[:] = tag
        else:
            state.slot = (state.slot + 1) % int(tensor["depth"])
            self._slot(index, state.slot)[:] = tag
            state.n_stored += 1
        state.n_produced += 1

    def _store(self, index: int) -> None:
        state, tensor = self.tensors[index], self.image.tensors[index]
        tag = self._tag(index, state.n_stored)
        assert (self._newest(index) == tag).all(), f"{self.image.tensor_names[index]}: lost before it was stored"
        state.slot = (state.slot + 1) % int(tensor["depth"])
        self._slot(index, state.slot)[:] = tag
        state.n_stored += 1

    def _read(self, index: int, column: int) -> None:
        state, tensor = self.tensors[index], self.image.tensors[index]
        age = state.n_stored - 1 - column
        if age < 0:
            assert tensor["is_apart"], "a column is read before it is there"
            assert column == state.n_produced - 1, "a column is read before it is there"
            found = self._newest(index)
        else:
            assert age < int(tensor["depth"]), f"{self.image.tensor_names[index]}: column {column} left the ring"
            found = self._slot(index, (state.slot - age) % int(tensor["depth"]))
        assert (found == self._tag(index, column)).all(), f"{self.image.tensor_names[index]}: column {column} is lost"
