"""A recipe, `recipes/<name>.yaml` or a file of the user's own -> the steps between a float Graph and its int8 form.

    calibration_clips: 64       # normal clips that are observed
    held_back_clips: 16         # normal clips that judge the steps: one that makes int8 worse is dropped; 0 keeps all
    steps:
      - rescale_concatenations
      - observe: {method: percentile, percentile: 99.99}

`extends: best` takes what another recipe says and replaces what stands beside it.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from asd_edge.errors import QuantizationError

DEFAULT_RECIPE = "fast"
CALIBRATION_CLIPS = 64  # each costs 0.2 s, and the ranges hardly grow any more
_FOLDER = Path(__file__).with_name("recipes")
_KEYS = ("extends", "calibration_clips", "held_back_clips", "steps")
Built = TypeVar("Built")

Count = Annotated[int, Field(ge=1, le=100_000)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Rate = Annotated[float, Field(gt=0, lt=1)]


@dataclass(frozen=True)
class RescaleConcatenations:
    """Unlike inputs of a concatenation get their own resolution (`equalize.py`)."""


@dataclass(frozen=True)
class EqualizeChannels:
    """Channels grow to fill their tensor's range where a depthwise convolution divides them back, which is free."""

    exponent: Annotated[float, Field(gt=0, le=1)] = 1.0  # of the factor that fills it: less leaves room for other clips


@dataclass(frozen=True)
class EqualizeLayers:
    """The same before any convolution and through residual sums, balanced against the weights that divide back."""


@dataclass(frozen=True)
class Observe:
    """The range of every activation, from all its values on the calibration clips (`observe_ranges.py`).

    Method output leaves biases corrected for the ranges that it chose.
    """

    method: Literal["min_max", "percentile", "mse", "kl", "output"] = "min_max"
    percentile: Annotated[float, Field(gt=50, le=100)] = 99.99  # for that method: what both ends leave outside
    n_clips: Count = 32  # for method output: they measure what each range costs,
    level_change_db: Annotated[float, Field(ge=0, le=20)] = 6.0  # in turn as they are, so much quieter and louder


@dataclass(frozen=True)
class CorrectBiases:
    """The mean error of the rounded weights leaves the biases (`bias_correct.py`)."""


@dataclass(frozen=True)
class CorrectBiasesInOrder:
    """Each bias meets its layer's float output in the mean, behind layers that do already (`round_weights.py`)."""

    n_clips: Count = 64
    positions: Count = 128  # of each layer's output, per clip
    seed: Seed = 0


@dataclass(frozen=True)
class RoundWeights:
    """The same, with each weight rounded up or down as its layer's float output asks for."""

    n_clips: Count = 64
    iterations: Count = 300
    positions: Count = 128  # of each layer's output, per clip
    seed: Seed = 0


@dataclass(frozen=True)
class Distil:
    """The int8 network is trained to give the float network's output (`distil.py`)."""

    epochs: Count = 3
    learning_rate: Rate = 0.005  # codes per step
    batch_size: Count = 4
    seed: Seed = 0


FloatStep = RescaleConcatenations | EqualizeChannels | EqualizeLayers
Int8Step = CorrectBiases | CorrectBiasesInOrder | RoundWeights | Distil
Step = FloatStep | Observe | Int8Step

STEPS: dict[str, type[Step]] = {
    "rescale_concatenations": RescaleConcatenations,
    "equalize_channels": EqualizeChannels,
    "equalize_layers": EqualizeLayers,
    "observe": Observe,
    "correct_biases": CorrectBiases,
    "correct_biases_in_order": CorrectBiasesInOrder,
    "round_weights": RoundWeights,
    "distil": Distil,
}


@dataclass(frozen=True)
class Recipe:
    """Steps in order: those on the float graph, `observe`, those on the int8 graph."""

    name: str
    steps: tuple[Step, ...]
    calibration_clips: Count = CALIBRATION_CLIPS
    held_back_clips: Annotated[int, Field(ge=0, le=1000)] = 16

    @property
    def chooser(self) -> "Observe | None":
        """Its observer `output`, whose clips are heard at several levels."""
        return next((step for step in self.steps if isinstance(step, Observe) and step.method == "output"), None)


def step_name(step: Step) -> str:
    """The name that a recipe calls it by."""
    return next(name for name, kind in STEPS.items() if type(step) is kind)


def recipe_names() -> tuple[str, ...]:
    """The recipes that ship."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def load_recipe(name_or_path: str | Path) -> Recipe:
    """A recipe that ships, by its name, or a YAML file.

    Raises QuantizationError for a name, step, setting or value that doesn't exist, and for an impossible order.
    """
    path = _recipe_path(str(name_or_path))
    content = _resolved(path, ())
    if not isinstance(content.get("steps"), list):
        raise QuantizationError(f"{path}: needs a list of steps below `steps:`, each after a dash")
    steps = tuple(_step(entry, path) for entry in content["steps"])
    recipe = _built(Recipe, {**content, "name": path.stem, "steps": steps}, f"{path}")
    _check_order([step_name(step) for step in steps], recipe.chooser is not None, path)
    return recipe


def _recipe_path(given: str) -> Path:
    """A file where the name says one, else a recipe that ships."""
    if "/" in given or given.endswith((".yaml", ".yml")):
        return Path(given)
    _check_known(given, recipe_names(), "", "recipe", "; a file's name ends in .yaml")
    return _FOLDER / f"{given}.yaml"


def _resolved(path: Path, extended_by: tuple[Path, ...]) -> dict[str, Any]:
    """The file's keys over those of the recipe that it extends."""
    if path in extended_by:
        raise QuantizationError(f"{path}: extends itself; take `extends:` out of one recipe")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise QuantizationError(f"{path}: can't be read ({error.strerror}); give a recipe's name or file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise QuantizationError(f"{path}: is no YAML ({reason}); see the recipes that ship") from error
    if not isinstance(content, dict):
        raise QuantizationError(f"{path}: holds no settings; a recipe has at least `steps:` or `extends:`")
    for key in content:
        _check_known(key, _KEYS, f"{path}: ", "key")
    if "extends" not in content:
        return content
    parent = _recipe_path(str(content.pop("extends")))
    if not parent.is_absolute():
        parent = path.parent / parent
    return {**_resolved(parent, (*extended_by, path)), **content}


def _step(entry: object, path: Path) -> Step:
    """`name`, or `name: {setting: value}`."""
    name, settings = entry, None
    if isinstance(entry, dict) and len(entry) == 1:
        ((name, settings),) = entry.items()
    _check_known(name, tuple(STEPS), f"{path}: ", "step")
    kind, where = STEPS[str(name)], f"{path}: {name}"
    if not isinstance(settings, dict | None):
        raise QuantizationError(f"{where}: wants settings, not {settings!r}; write {{setting: value}} behind it")
    for setting in settings or {}:
        _check_known(setting, tuple(field.name for field in fields(kind)), f"{where}: ", "setting")
    return _built(kind, settings or {}, where)


def _built(kind: type[Built], values: Mapping[str, Any], where: str) -> Built:
    """The dataclass with these values, each of the type and within the limits that its field states."""
    hints = get_type_hints(kind, include_extras=True)
    checked: dict[str, Any] = {}
    for name, value in values.items():
        try:  # YAML reads 1e-4 as text
            checked[name] = TypeAdapter(hints[name]).validate_python(value, strict=not isinstance(value, str))
        except ValidationError as error:
            reason = error.errors()[0]["msg"].removeprefix("Input ")
            near = _near(str(value), get_args(hints[name])) if get_origin(hints[name]) is Literal else ""
            raise QuantizationError(f"{where}: {name} is {value!r}, but {reason}{near}; correct it") from error
    return kind(**checked)


def _check_known(found: object, known: tuple[str, ...], where: str, what: str, hint: str = "") -> None:
    if found not in known:
        near = _near(str(found), known)
        choice = f"choose {', '.join(known)}" if known else "it has none"
        raise QuantizationError(f"{where}{found!r} is no {what}{near}; {choice}{hint}")


def _near(found: str, known: tuple[str, ...]) -> str:
    matches = difflib.get_close_matches(found.lower().replace("-", "_"), known, n=2, cutoff=0.5)
    return f": did you mean {' or '.join(matches)}" if matches else ""


def _check_order(names: list[str], chooses: bool, path: Path) -> None:
    """One `observe`, between the steps on the float graph and those on the int8 graph."""
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise QuantizationError(f"{path}: {twice[0]} stands twice; a step runs once: take one out")
    if "observe" not in names:
        raise QuantizationError(f"{path}: lacks the step observe, which gives every activation its range; add it")
    if chooses and "correct_biases" in names:
        raise QuantizationError(f"{path}: observe: {{method: output}} corrects biases itself; take correct_biases out")
    if "rescale_concatenations" in names[1:]:
        raise QuantizationError(f"{path}: rescale_concatenations changes what is equalized; put it first")
    for name in names[: names.index("observe")]:
        if issubclass(STEPS[name], Int8Step):
            raise QuantizationError(f"{path}: {name} needs the ranges of observe; put it behind observe")
    for name in names[names.index("observe") :]:
        if issubclass(STEPS[name], FloatStep):
            raise QuantizationError(f"{path}: {name} changes what observe has seen; put it before observe")
