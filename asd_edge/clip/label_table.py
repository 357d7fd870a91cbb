"""The one table from machine (type and ID) to class index; it is stored with the checkpoint and never rebuilt."""

from collections.abc import Iterable
from dataclasses import dataclass

from asd_edge.clip.records import ClipRecord
from asd_edge.errors import DatasetError


@dataclass(frozen=True)
class LabelTable:
    """Class `i` of the head is machine `machines[i]`, for example "fan/id_00"."""

    machines: tuple[str, ...]

    def index(self, machine: str) -> int:
        """The class index of a machine. Raises DatasetError for a machine that the table doesn't hold."""
        try:
            return self.machines.index(machine)
        except ValueError:
            known = ", ".join(self.machines)
            raise DatasetError(
                f"machine {machine} is not in the checkpoint's label table ({known}); "
                "train with its normal clips or leave it out of the data"
            ) from None


def build_label_table(records: Iterable[ClipRecord]) -> LabelTable:
    """The sorted machines of the records."""
    return LabelTable(tuple(sorted({record.machine for record in records})))
