"""Every module of asd_edge and quantization imports only earlier stages and leaves; parsed, not run."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# The order in which a clip travels; a package may import itself and what stands above it.
STAGES = (
    "asd_edge.clip",
    "asd_edge.frontend",
    "asd_edge.scorer",
    "asd_edge.model",
    "asd_edge.train",
    "asd_edge.graph",
    "quantization",
    "asd_edge.export",
    "asd_edge.compiler",
    "asd_edge.backends",
    "asd_edge.evaluate",
    "asd_edge.diagnose",
    "asd_edge.profiling",
    "asd_edge.report",
    "asd_edge.provision",
    "asd_edge.package",
    "asd_edge.flash",
    "asd_edge.listen",
)
LEAVES = ("asd_edge.errors", "asd_edge.boards", "asd_edge.native", "asd_edge.native_engine", "asd_edge.ssh_host")
IMPORTS_EVERYTHING = "asd_edge.cli"

# What a device doesn't have. A stage that runs there must not import it, not even inside a function.
HOST_ONLY = {"torch", "lightning", "onnx", "onnxruntime", "onnxscript", "scipy", "sklearn", "matplotlib", "tensorflow"}
DEVICE_SIDE = (
    "asd_edge",
    "asd_edge.errors",
    "asd_edge.clip",
    "asd_edge.frontend",
    "asd_edge.scorer",
    "asd_edge.export.detector",
    "asd_edge.export.read_tflite",
    "asd_edge.native",
    "asd_edge.native_engine",
    "asd_edge.listen",
    "quantization.interpret_int8",
    "quantization.fixed_point",
    "asd_edge.package.rauc_record",
    "asd_edge.package.rauc_slots",
    "asd_edge.package.rauc_setup",
    "asd_edge.package.self_test",
)
DEVICE_SIDE_EXCEPT = ("asd_edge.frontend.torch_log_mel",)


def modules() -> dict[str, str]:
    """Dotted name -> source of every module of the two packages."""
    paths = [path for package in ("asd_edge", "quantization") for path in sorted((ROOT / package).rglob("*.py"))]
    return {_dotted_name(path): path.read_text() for path in paths}


def _dotted_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: str) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything that the source imports anywhere, functions and TYPE_CHECKING included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield node.lineno, "." * node.level
            elif node.module in ("asd_edge", "__future__"):
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, node.module or ""


def _is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def _stage(module: str) -> int | None:
    return next((index for index, package in enumerate(STAGES) if _is_within(module, package)), None)


def order_violation(importer: str, imported: str) -> str | None:
    """Why `importer` may not import `imported`, or None if it may."""
    if imported.startswith("."):
        return "relative import: name the stage"
    if imported.split(".")[0] not in ("asd_edge", "quantization"):
        return None
    if _is_within(importer, IMPORTS_EVERYTHING) or imported == "asd_edge.__version__":
        return None
    if any(_is_within(imported, leaf) for leaf in LEAVES):
        return None
    imported_stage, importer_stage = _stage(imported), _stage(importer)
    if imported_stage is None:
        return f"{imported} is neither a stage nor a leaf"
    if importer_stage is None:
        return f"{importer} is no stage: only {IMPORTS_EVERYTHING} may import one"
    if imported_stage > importer_stage:
        return f"{STAGES[imported_stage]} comes after {STAGES[importer_stage]}"
    return None


def device_violation(importer: str, imported: str) -> str | None:
    """Why a device-side module may not import `imported`, or None if it may."""
    runs_on_device = importer == "asd_edge" or any(_is_within(importer, name) for name in DEVICE_SIDE[1:])
    if runs_on_device and importer not in DEVICE_SIDE_EXCEPT and imported.split(".")[0] in HOST_ONLY:
        return f"{importer} runs on a device, which has no {imported.split('.')[0]}"
    return None


def test_every_module_imports_only_earlier_stages_and_leaves() -> None:
    found = [
        f"{module}:{line}: {reason}"
        for module, source in modules().items()
        for line, imported in imports(source)
        if (reason := order_violation(module, imported))
    ]
    assert not found, "\n".join(found)


def test_device_side_modules_import_nothing_that_a_device_lacks() -> None:
    found = [
        f"{module}:{line}: {reason}"
        for module, source in modules().items()
        for line, imported in imports(source)
        if (reason := device_violation(module, imported))
    ]
    assert not found, "\n".join(found)


def test_every_module_belongs_to_a_stage_or_is_a_leaf() -> None:
    known = {"asd_edge", *LEAVES}
    unknown = [name for name in modules() if name not in known and not _is_within(name, IMPORTS_EVERYTHING)]
    assert [name for name in unknown if _stage(name) is None] == []


def test_every_package_has_an_init_file() -> None:
    """A folder without one would be left out by tools that look for packages."""
    packages = {path.parent for package in ("asd_edge", "quantization") for path in (ROOT / package).rglob("*.py")}
    assert sorted(str(folder.relative_to(ROOT)) for folder in packages if not (folder / "__init__.py").exists()) == []


@pytest.mark.parametrize(
    ("importer", "source", "allowed"),
    [
        ("asd_edge.model.network", "from asd_edge.clip.records import ClipRecord", True),
        ("asd_edge.model.network", "from asd_edge.model.config import ModelConfig", True),
        ("asd_edge.model.network", "from asd_edge.errors import CheckpointError", True),
        ("asd_edge.model.network", "import torch", True),
        ("asd_edge.clip.records", "from asd_edge.model.config import ModelConfig", False),
        ("asd_edge.clip.records", "def f():\n    import asd_edge.frontend.config", False),
        ("asd_edge.graph.graph", "import quantization.observers", False),
        ("quantization.calibrate", "from asd_edge.graph.graph import Graph", True),
        ("quantization.calibrate", "from asd_edge.export.detector import Detector", False),
        ("asd_edge.export.read_tflite", "from quantization.fixed_point import quantize_multiplier", True),
        ("asd_edge.errors", "from asd_edge.clip.records import ClipRecord", False),
        ("asd_edge.evaluate.auc", "from asd_edge import cli", False),
        ("asd_edge.evaluate.auc", "from asd_edge.wrappers import x", False),
        ("asd_edge.evaluate.auc", "from .pauc import pauc", False),
        ("asd_edge.cli", "from asd_edge.report.attention_maps import explain", True),
    ],
)
def test_the_order_check_tells_allowed_from_forbidden(importer: str, source: str, allowed: bool) -> None:
    reasons = [order_violation(importer, imported) for _, imported in imports(source)]
    assert len(reasons) == 1
    assert (reasons[0] is None) == allowed


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("asd_edge.frontend.log_mel", "scipy.signal", False),
        ("asd_edge.frontend.log_mel", "numpy", True),
        ("asd_edge.frontend.torch_log_mel", "torch", True),
        ("quantization.interpret_int8", "torch", False),
        ("asd_edge.evaluate.auc", "scipy.stats", True),
        ("asd_edge", "numpy", True),
    ],
)
def test_the_device_check_tells_allowed_from_forbidden(importer: str, imported: str, allowed: bool) -> None:
    assert (device_violation(importer, imported) is None) == allowed
