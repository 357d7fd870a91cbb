"""Settings of the synthetic machines: how many clips, from which seed, and how strong each type's anomalies are."""

from dataclasses import dataclass, field

from asd_edge.errors import DatasetError

GENERATOR_VERSION = 1  # raised by every change that changes a byte of any clip
SAMPLE_RATE_HZ = 16_000
N_SAMPLES = 160_000  # 10 s
FIRST_TEST_NUMBER = 1000  # normal test clips count from here, normal training clips from 0

MACHINE_IDS = {
    "fan": ("id_00", "id_02", "id_04"),
    "pump": ("id_00", "id_02", "id_04"),
    "slider": ("id_00", "id_02", "id_04"),
    "valve": ("id_00", "id_02", "id_04"),
    "ToyCar": ("id_01", "id_02", "id_03"),
    "ToyConveyor": ("id_01", "id_02", "id_03"),
}


@dataclass(frozen=True)
class AnomalySeverity:
    """One factor per machine type on the strength of its anomalies: 2 doubles them, 0 leaves their faintest form.

    Each anomalous clip has a strength between 0.2 and 1.8 times its type's factor (see `fault.py`). Normal clips don't
    depend on it. The defaults put a briefly trained reference model (7 epochs) between 0.65 and 0.85 AUC per type.
    """

    fan: float = 2.0
    pump: float = 1.8
    slider: float = 2.2
    valve: float = 4.0
    toy_car: float = 3.0
    toy_conveyor: float = 4.0

    def of(self, machine_type: str) -> float:
        """The factor of a machine type by its name in the data set."""
        return {
            "fan": self.fan,
            "pump": self.pump,
            "slider": self.slider,
            "valve": self.valve,
            "ToyCar": self.toy_car,
            "ToyConveyor": self.toy_conveyor,
        }[machine_type]


@dataclass(frozen=True)
class SynthConfig:
    """A synthetic data set; clips are counted per machine ID.

    A smaller count gives the first clips of the larger set, byte for byte, and leaving machines out changes no other.
    Raises DatasetError for a count below 0 or too large for the file names, or for an unknown machine type.
    """

    seed: int = 2020
    n_train: int = 30
    n_test_normal: int = 50
    n_test_anomaly: int = 50
    machine_types: tuple[str, ...] = tuple(MACHINE_IDS)
    severity: AnomalySeverity = field(default_factory=AnomalySeverity)

    def __post_init__(self) -> None:
        if not 0 <= self.n_train <= FIRST_TEST_NUMBER:
            raise DatasetError(f"{self.n_train} training clips: give 0 to {FIRST_TEST_NUMBER} per machine ID")
        if self.n_test_normal < 0 or self.n_test_anomaly < 0 or self.seed < 0:
            counts = f"seed {self.seed}, {self.n_test_normal} normal and {self.n_test_anomaly} anomalous test clips"
            raise DatasetError(f"{counts}: none of them can be negative; give 0 or more")
        for machine_type in self.machine_types:
            if machine_type not in MACHINE_IDS:
                raise DatasetError(
                    f"machine type {machine_type}: not synthesized; choose from {', '.join(MACHINE_IDS)}"
                )
