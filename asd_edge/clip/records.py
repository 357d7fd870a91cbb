"""What is known of a clip before it is read: where it lies, which machine it claims, whether it is normal."""

from dataclasses import dataclass
from pathlib import Path

NORMAL, ANOMALY = "normal", "anomaly"
TRAIN, TEST = "train", "test"


@dataclass(frozen=True)
class ClipRecord:
    """One clip of a data set."""

    path: Path
    machine_type: str  # fan, pump, slider, valve, ToyCar, ToyConveyor or the user's own
    machine_id: str  # id_00
    split: str  # TRAIN or TEST
    label: str  # NORMAL or ANOMALY
    recording: str  # the recording session that it was cut from: clips that share one never straddle a split

    @property
    def machine(self) -> str:
        """The class that the clip claims, as it stands in the label table: "fan/id_00"."""
        return f"{self.machine_type}/{self.machine_id}"
