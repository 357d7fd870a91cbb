"""Every error that asd-edge raises on purpose: each message says what is wrong, where, and what to do next.

    AsdEdgeError
    |-- ClipError          a clip that can't be read or scored
    |-- DatasetError       a folder of clips that can't serve its purpose
    |-- DownloadError      an archive that didn't arrive as published
    |-- FrontendError      settings that the fixed-point front end isn't made for, or its C library is missing
    |-- CheckpointError    weights or settings that don't make a model
    |-- TrainingError      settings with which no training can run, or a loss that left the numbers
    |-- GraphError         a network that can't be imported, checked or rewritten
    |   `-- UnsupportedOperatorError
    |-- QuantizationError  calibration or weights that can't be quantized
    |-- CompilerError      a network that no image can hold, or a board that can't hold the image
    |-- ImageError         a file that isn't a whole model image
    |-- WorkDirectoryError a work directory that lacks a file or can't be written
    |-- BackendError       a runtime that is missing or refuses the model
    |-- EvaluationError    scores that can't be turned into a figure
    |-- PackageError       a bundle or a key that can't be made or trusted
    |-- FlashError         a board that doesn't take a model, or doesn't keep it
    `-- ListenError        a configuration or a source that can't be listened to

Only `asd_edge/cli` catches them: one line on stderr, exit code 2. Anything else is a bug and keeps its traceback.
"""


class AsdEdgeError(Exception):
    """Base of the tree; raise the nearest subclass."""


class ClipError(AsdEdgeError):
    """A clip that can't be read or scored."""


class DatasetError(AsdEdgeError):
    """A folder of clips that can't serve its purpose (no normal clip, one class only, wrong layout)."""


class DownloadError(AsdEdgeError):
    """An archive that didn't arrive as published."""


class FrontendError(AsdEdgeError):
    """Settings that the fixed-point front end isn't made for, or its C library is missing."""


class CheckpointError(AsdEdgeError):
    """Weights or settings that don't make a model."""


class TrainingError(AsdEdgeError):
    """Settings with which no training can run, or a loss that is no longer finite."""


class GraphError(AsdEdgeError):
    """A network that can't be imported, checked or rewritten."""


class UnsupportedOperatorError(GraphError):
    """An operator that no stage of asd-edge defines."""


class QuantizationError(AsdEdgeError):
    """Calibration data or weights that can't be quantized."""


class CompilerError(AsdEdgeError):
    """A network that no image can hold, or a board that can't hold the image."""


class ImageError(AsdEdgeError):
    """A file that isn't a whole model image."""


class WorkDirectoryError(AsdEdgeError):
    """A work directory that lacks a file or can't be written."""


class BackendError(AsdEdgeError):
    """A runtime that is missing or refuses the model."""


class EvaluationError(AsdEdgeError):
    """Scores that can't be turned into a figure."""


class PackageError(AsdEdgeError):
    """A bundle or a key that can't be made or trusted."""


class FlashError(AsdEdgeError):
    """A board that doesn't take a model, or doesn't keep it."""


class ListenError(AsdEdgeError):
    """A configuration of the listening service or a source of audio that can't be used."""
