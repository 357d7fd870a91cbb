"""`Plan`: when each step of a StreamGraph fires and where everything lies in the arena, with the arena's exact size."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from asd_edge.compiler.kernel_choice import Core, scratch_bytes
from asd_edge.compiler.lifetimes import Lifetime, lifetime
from asd_edge.compiler.place import Block, check_placement, extent, least_bytes, place
from asd_edge.compiler.simulate import Timeline, simulate
from asd_edge.compiler.stream_graph import ACCUMULATING, StepOp, StreamGraph, StreamStep
from asd_edge.errors import CompilerError

STATE_BYTES = 12  # sizeof(asd_tensor_state), sizeof(asd_step_state)
ARENA_ALIGNMENT = 16
BLOCK_ALIGNMENT = 8  # the front end keeps 64-bit sums in its scratch
FRONTEND_SCRATCH_BYTES = 5120  # sizeof(asd_frontend_scratch)
_FRONTEND_SCRATCH = "front end"
_BEFORE_ANY_STEP = (-1, -1)
_ALWAYS = (-1, 1 << 16)  # lifetime of what persists, in steps of a pass


@dataclass(frozen=True)
class Ring:
    """Where a tensor's columns lie."""

    offset: int
    depth: int
    newest_offset: int | None  # None: not apart
    is_transient: bool  # shares its bytes with others


@dataclass(frozen=True, eq=False)
class Plan:
    """`graph` has its STORE steps. Offsets count from the start of the arena."""

    graph: StreamGraph
    delays: Mapping[str, int]  # ticks by output
    is_endless: bool
    core: Core
    timeline: Timeline  # of the steps without STOREs
    rings: Mapping[str, Ring]
    scratch_offsets: tuple[int, ...]  # by step
    accumulator_offsets: tuple[int, ...]
    tensor_states_offset: int
    step_states_offset: int
    frontend_scratch_offset: int  # 0 without a front end
    arena_bytes: int

    @property
    def computing_steps(self) -> tuple[StreamStep, ...]:
        """All steps but STOREs, as the timeline has them."""
        return tuple(step for step in self.graph.steps if step.op != StepOp.STORE)


def n_accumulators(step: StreamStep, is_endless: bool) -> int:
    """Outputs that an accumulating step adds up at once."""
    if step.op not in ACCUMULATING:
        return 0
    return -(-step.kernel[0] // step.stride[0]) if is_endless else 1


def plan_stream(
    graph: StreamGraph, delays: Mapping[str, int], is_endless: bool, core: Core, has_frontend: bool = False
) -> Plan:
    """The plan with the smallest arena found; the scratch of a front end shares it.

    Raises CompilerError where the delays can't keep up with the input.
    """
    timeline = simulate(graph, delays, is_endless)
    if not timeline.is_steady:
        raise CompilerError(f"delays {dict(delays)} fall behind the input; choose shorter ones")
    lifetimes = {name: lifetime(graph, timeline, name) for name in graph.tensors}
    apart = choose_apart(graph, lifetimes, is_endless, core)
    return _plan(graph, delays, is_endless, core, timeline, lifetimes, apart, has_frontend)


def least_arena_bytes(graph: StreamGraph, timeline: Timeline, is_endless: bool, core: Core) -> int:
    """What the plan that `plan_stream` makes of this timeline needs at least; seldom more."""
    lifetimes = {name: lifetime(graph, timeline, name) for name in graph.tensors}
    return _least_bytes(graph, lifetimes, choose_apart(graph, lifetimes, is_endless, core), is_endless, core)


def choose_apart(graph: StreamGraph, lifetimes: Mapping[str, Lifetime], is_endless: bool, core: Core) -> frozenset[str]:
    """Tensors whose newest column is best kept apart: the largest columns first, each if the arena shrinks."""
    apart: frozenset[str] = frozenset()
    candidates = [name for name in graph.tensors if name not in graph.inputs and _gains(lifetimes[name])]
    least = _least_bytes(graph, lifetimes, apart, is_endless, core)
    for name in sorted(candidates, key=lambda name: (-graph.tensors[name].column_bytes, name)):
        n_bytes = _least_bytes(graph, lifetimes, apart | {name}, is_endless, core)
        if n_bytes < least:
            apart, least = apart | {name}, n_bytes
    return apart


def _gains(span: Lifetime) -> bool:
    return not _is_transient(span) and span.depth_apart < span.depth


def _is_transient(span: Lifetime) -> bool:
    return span.is_within_pass and span.depth == 1


def _least_bytes(
    graph: StreamGraph, lifetimes: Mapping[str, Lifetime], apart: frozenset[str], is_endless: bool, core: Core
) -> int:
    return least_bytes(_blocks(_with_stores(graph, apart), lifetimes, apart, is_endless, core))


def _with_stores(graph: StreamGraph, apart: frozenset[str]) -> StreamGraph:
    """A STORE behind the last step that reads an apart column."""
    steps: list[StreamStep] = []
    for index, step in enumerate(graph.steps):
        steps.append(step)
        stored = [name for name in graph.tensors if name in apart and graph.readers(name)[-1] == index]
        steps.extend(StreamStep(StepOp.STORE, (name,), name) for name in stored)
    return replace(graph, steps=tuple(steps))


def _block(name: str, n_bytes: int, first: int, last: int) -> Block:
    """With a size that keeps what lies behind it aligned."""
    return Block(name, -(-n_bytes // BLOCK_ALIGNMENT) * BLOCK_ALIGNMENT, first, last)


def _blocks(
    graph: StreamGraph, lifetimes: Mapping[str, Lifetime], apart: frozenset[str], is_endless: bool, core: Core
) -> list[Block]:
    """Everything in the arena; `graph` has its STOREs."""
    n_states = len(graph.tensors), len(graph.steps)
    blocks = [
        _block("tensor states", STATE_BYTES * n_states[0], *_ALWAYS),
        _block("step states", STATE_BYTES * n_states[1], *_ALWAYS),
    ]
    written = dict.fromkeys(graph.inputs, -1)
    ends: dict[str, int] = {}
    for index, step in enumerate(graph.steps):
        if step.op == StepOp.STORE:
            ends[step.output] = index
            continue
        written[step.output] = index
        for name in step.inputs:
            if name not in apart:
                ends[name] = index
        scratch = scratch_bytes(graph, step, core)
        if scratch:
            blocks.append(_block(f"scratch of {step.output}", scratch, index, index))
        if step.op in ACCUMULATING:
            output = graph.tensors[step.output]
            n_sums = n_accumulators(step, is_endless) * output.n_mels * output.n_channels
            blocks.append(_block(f"sums of {step.output}", 4 * n_sums, *_ALWAYS))
    for name, tensor in graph.tensors.items():
        span, size = lifetimes[name], tensor.column_bytes
        if _is_transient(span):
            blocks.append(_block(f"ring of {name}", size, written[name], ends.get(name, written[name])))
        elif name in apart:
            blocks.append(_block(f"ring of {name}", span.depth_apart * size, *_ALWAYS))
            blocks.append(_block(f"newest of {name}", size, written[name], ends[name]))
        else:
            blocks.append(_block(f"ring of {name}", span.depth * size, *_ALWAYS))
    return blocks


def _plan(
    graph: StreamGraph,
    delays: Mapping[str, int],
    is_endless: bool,
    core: Core,
    timeline: Timeline,
    lifetimes: Mapping[str, Lifetime],
    apart: frozenset[str],
    has_frontend: bool,
) -> Plan:
    stored = _with_stores(graph, apart)
    blocks = _blocks(stored, lifetimes, apart, is_endless, core)
    if has_frontend:
        blocks.append(_block(_FRONTEND_SCRATCH, FRONTEND_SCRATCH_BYTES, *_BEFORE_ANY_STEP))
    offsets = place(blocks)
    n_bytes = -(-extent(blocks, offsets) // ARENA_ALIGNMENT) * ARENA_ALIGNMENT
    check_placement(blocks, offsets, n_bytes)
    rings = {
        name: Ring(
            offsets[f"ring of {name}"],
            lifetimes[name].depth_apart if name in apart else lifetimes[name].depth,
            offsets.get(f"newest of {name}"),
            _is_transient(lifetimes[name]),
        )
        for name in graph.tensors
    }
    return Plan(
        stored,
        delays,
        is_endless,
        core,
        timeline,
        rings,
        tuple(offsets.get(f"scratch of {s.output}", 0) if s.op != StepOp.STORE else 0 for s in stored.steps),
        tuple(offsets.get(f"sums of {s.output}", 0) if s.op != StepOp.STORE else 0 for s in stored.steps),
        offsets["tensor states"],
        offsets["step states"],
        offsets.get(_FRONTEND_SCRATCH, 0),
        n_bytes,
    )
