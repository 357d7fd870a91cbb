"""The reference model on the synthetic machines, trained from several seeds: the shipped one, and those beside."""

from pathlib import Path

from asd_edge.model.checkpoint import shipped_checkpoint

OTHERS = Path(__file__).with_name("checkpoints")  # `asd-edge train data/synthetic --seed N`, stored as float16


def seed_checkpoints() -> list[Path]:
    """Their folders, the shipped one first; the folder's name is the checkpoint's."""
    return [shipped_checkpoint(), *sorted(path for path in OTHERS.iterdir() if path.is_dir())]
