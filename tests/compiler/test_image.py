"""Images: records as the C header has them, the same bytes for the same model, and nothing damaged that is read."""

import hashlib
import re
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asd_edge.compiler.compile_network import compile_graph, compile_tflite
from asd_edge.compiler.image_records import CRC_END, CRC_START, DETECTOR, HEADER, STEP, TENSOR
from asd_edge.compiler.kernel_choice import Core
from asd_edge.compiler.plan_report import plan_report
from asd_edge.compiler.read_image import load_image, read_image
from asd_edge.compiler.stream_graph import Layout, StepActivation, StepOp
from asd_edge.errors import CompilerError, ImageError
from tests.compiler.toy_graphs import residual_tower

ROOT = Path(__file__).resolve().parents[2]
C_HEADER = (ROOT / "firmware" / "include" / "asd" / "asd_image.h").read_text()
FORMAT = (ROOT / "firmware" / "FORMAT.md").read_text()
FOREIGN = ROOT / "tests" / "golden" / "foreign"
RECORDS = {
    "asd_image_header": HEADER,
    "asd_image_tensor": TENSOR,
    "asd_image_step": STEP,
    "asd_image_detector": DETECTOR,
}
OTHER_NAMES = {"scale_bits": "scale"}
PADDING: dict[str, list[str]] = {}  # that the C compiler adds
SIZES = {
    "uint8_t": 1,
    "int8_t": 1,
    "uint16_t": 2,
    "uint32_t": 4,
    "int32_t": 4,
    "int64_t": 8,
    "asd_image_code_scale": 24,
}
# Of the images of tests/golden/foreign/*.tflite; a change of the plan or of the format changes them on purpose.
IMAGE_SHA256 = {
    "ds_cnn": "ecc098dc183872b167f48061b3655c575a571d82e53a9167437902af71304449",
    "fc_autoencoder": "448dd2fd4d6ede29b36786a77730ea99567b9a97c99709695025fa738fa35969",
    "mobilenet": "e03d9afded8601daea989b275bc95faebc834f785eb44c8a16a623fcf2310125",
    "resnet": "52dd7d510e053297b2096e54a6fec9c73a05c9b8838376c7ff093efa89bb3301",
}


@pytest.mark.parametrize("name", RECORDS)
def test_records_are_those_of_the_c_header(name: str) -> None:
    code = re.sub(r"/\*.*?\*/", "", C_HEADER, flags=re.DOTALL)
    body = re.search(rf"typedef struct \{{(((?!typedef).)*)\}} {name};", code, re.DOTALL)
    assert body is not None
    fields = []
    for kind, field, count in re.findall(r"(\w+)\s+(\w+)(?:\[(\w+)\])?;", body[1]):
        constant = re.search(rf"#define {count} (\d+)u", C_HEADER)
        n = int(constant[1]) if constant else int(count or 1)
        fields.append((OTHER_NAMES.get(field, field), SIZES[kind] * n))
    dtype = RECORDS[name]
    assert dtype.names is not None
    ours = [(field, dtype[field].itemsize) for field in dtype.names if field not in PADDING.get(name, [])]
    assert ours == fields


@pytest.mark.parametrize(
    ("prefix", "kind"),
    [("ASD_OP", StepOp), ("ASD_ACTIVATION", StepActivation), ("ASD_LAYOUT", Layout), ("ASD_CORE", Core)],
)
def test_enumerations_are_those_of_the_c_header(prefix: str, kind: type[StepOp]) -> None:
    found = dict(re.findall(rf"{prefix}_(\w+) = (\d+),", C_HEADER))
    assert {name: int(value) for name, value in found.items()} == {member.name: int(member) for member in kind}


@pytest.mark.parametrize("name", IMAGE_SHA256)
def test_the_same_model_gives_the_same_bytes(name: str) -> None:
    content = compile_tflite(FOREIGN / f"{name}.tflite", Core.GENERIC).content
    assert hashlib.sha256(content).hexdigest() == IMAGE_SHA256[name]


def test_the_format_document_has_every_field_at_its_offset() -> None:
    rows = re.findall(r"^\| (\d+) \| [a-z]\w*(?: scale)?(?:\[(\d+)\])? \| (\w+) \|", FORMAT, re.MULTILINE)
    expected = [
        (str(dtype.fields[name][1]), str(dtype[name].shape[0]) if dtype[name].shape else "", name)
        for dtype in (*RECORDS.values(), DETECTOR["log_mel_scale"])
        for name in dtype.names or ()
        if dtype.fields is not None
    ]
    assert rows == expected


def test_the_format_document_has_every_operator() -> None:
    section = FORMAT[FORMAT.index("### Operators") :]
    found = re.findall(r"(\d+) \| ([A-Z][A-Z_0-9]+)", section)
    assert {name: int(code) for code, name in found} == {member.name: int(member) for member in StepOp}


def test_an_image_reads_back_what_was_planned() -> None:
    compiled = compile_graph(residual_tower(), Core.GENERIC, source=b"source")
    image, plan = read_image(compiled.content), compiled.plan
    assert image.tensor_names == tuple(plan.graph.tensors)
    assert bytes(image.header["source_sha256"]) == hashlib.sha256(b"source").digest()
    assert image.header["arena_bytes"] == plan.arena_bytes
    for name, record in zip(image.tensor_names, image.tensors, strict=True):
        assert (record["ring_offset"], record["depth"]) == (plan.rings[name].offset, plan.rings[name].depth)
        assert record["scale"] == np.float32(plan.graph.tensors[name].scale)
    report = plan_report(image)
    assert report.latency_ticks == 0
    assert report.macs_per_period == sum(step.macs * 21 / step.hops_per_firing for step in report.steps)


def small_image() -> bytes:
    return compile_graph(residual_tower(), Core.GENERIC).content


def with_right_checksum(content: bytearray) -> bytes:
    header = np.frombuffer(content, HEADER, 1).copy()
    header["crc32"] = zlib.crc32(content[CRC_END:], zlib.crc32(content[:CRC_START]))
    content[: HEADER.itemsize] = header.tobytes()
    return bytes(content)


CONTENT = small_image()
N_RECORD_BYTES = int(np.frombuffer(CONTENT, HEADER, 1)["names_offset"][0])


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(st.integers(0, N_RECORD_BYTES - 1), st.integers(0, 7), st.booleans())
def test_a_flipped_bit_is_refused_or_harmless(position: int, bit: int, is_checksum_right: bool) -> None:
    damaged = bytearray(CONTENT)
    damaged[position] ^= 1 << bit
    content = with_right_checksum(damaged) if is_checksum_right and position >= HEADER.itemsize else bytes(damaged)
    if not is_checksum_right:
        with pytest.raises(ImageError):
            read_image(content)
        return
    # any other exception than these fails the test
    with suppress(ImageError, CompilerError):
        plan_report(read_image(content))


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.integers(0, len(CONTENT) - 1))
def test_a_truncated_image_is_refused(n_bytes: int) -> None:
    with pytest.raises(ImageError):
        read_image(CONTENT[:n_bytes])


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.sampled_from([n for n in HEADER.names or () if n not in ("crc32", "source_sha256", "inputs")]), st.data())
def test_any_value_in_the_header_is_refused_or_harmless(name: str, data: st.DataObject) -> None:
    header = np.frombuffer(CONTENT, HEADER, 1).copy()
    greatest = int(np.iinfo(HEADER[name]).max)
    header[name] = data.draw(st.one_of(st.integers(0, greatest), st.sampled_from([0, 1, greatest, greatest - 1])))
    with suppress(ImageError, CompilerError):
        plan_report(read_image(with_right_checksum(bytearray(header.tobytes() + CONTENT[HEADER.itemsize :]))))


def number_fields(record: np.dtype[np.void]) -> list[tuple[str, int]]:
    """(field, entry of it) of every integer."""
    sizes = {name: int(np.prod(record[name].shape, dtype=int)) for name in record.names or ()}
    return [(name, entry) for name, n in sizes.items() for entry in range(n) if record[name].base.kind != "f"]


FIELDS = {"step": number_fields(STEP), "tensor": number_fields(TENSOR)}


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(st.sampled_from(["step", "tensor"]), st.data())
def test_any_value_in_a_record_is_refused_or_harmless(kind: str, data: st.DataObject) -> None:
    record, header = {"step": STEP, "tensor": TENSOR}[kind], np.frombuffer(CONTENT, HEADER, 1)[0]
    index = data.draw(st.integers(0, int(header[f"n_{kind}s"]) - 1))
    name, entry = data.draw(st.sampled_from(FIELDS[kind]))
    limits = np.iinfo(record[name].base)
    edges = [value for value in (0, 1, 2, 1024, 0x7FFF, limits.max - 1, limits.max, limits.min) if value <= limits.max]
    start = int(header[f"{kind}s_offset"]) + index * record.itemsize
    found = np.frombuffer(CONTENT, record, 1, start).copy()
    values = found[name].reshape(-1)
    values[entry] = data.draw(st.one_of(st.sampled_from(edges), st.integers(limits.min, limits.max)))
    content = bytearray(CONTENT)
    content[start : start + record.itemsize] = found.tobytes()
    with suppress(ImageError, CompilerError):
        plan_report(read_image(with_right_checksum(content)))


def test_a_store_of_an_input_is_refused_or_harmless() -> None:
    header = np.frombuffer(CONTENT, HEADER, 1)[0]
    start, n_steps = int(header["steps_offset"]), int(header["n_steps"])
    steps = np.frombuffer(CONTENT, STEP, n_steps, start).copy()
    stores = steps["op"] == StepOp.STORE
    assert stores.any()
    steps["output"][stores] = header["inputs"][0]
    content = bytearray(CONTENT)
    content[start : start + steps.nbytes] = steps.tobytes()
    with suppress(ImageError, CompilerError):
        plan_report(read_image(with_right_checksum(content)))


@pytest.mark.parametrize("content", [b"", b"ASDM", b"\0" * 4096, b"RIFF" * 100])
def test_a_file_that_is_no_image_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.asdm"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"x\.asdm"):
        load_image(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="none"):
        load_image(tmp_path / "none.asdm")
