"""Of a target's report the least favourable verdict counts, and times are compared with the float network's."""

import pytest

from asd_edge.export.targets.report import FORMAT, OffOperator, TargetReport, Verdict
from tests.bench.bench_targets import WITHOUT_DOT_PRODUCTS, target_values
from tests.bench.litert_times import FLOAT32, LitertTimes

RUNS = {
    "": {"mcu": LitertTimes(30.0, 33.0), "coral": LitertTimes(24.0, 24.0), FLOAT32: LitertTimes(20.0, 30.0)},
    WITHOUT_DOT_PRODUCTS: {
        "mcu": LitertTimes(80.0, 81.0),
        "coral": LitertTimes(1, 1),
        FLOAT32: LitertTimes(20.0, 27.0),
    },
}


def test_the_tool_that_takes_least_decides() -> None:
    rules = Verdict("rules", 70, (), {"partitions": 1})
    tool = Verdict("tool", 60, (OffOperator("ELU", 8, "refused"), OffOperator("PAD", 2, "behind")), {"cycles": 23.3e6})
    values = target_values("coral", TargetReport(FORMAT, "coral", (rules, tool), ()), RUNS)
    assert (values["coral_operators_on"], values["coral_operators_off"]) == (60, 10)
    assert values["coral_partitions"] == 1
    assert values["coral_megacycles"] == pytest.approx(23.3)


def test_without_a_report_there_are_times_alone() -> None:
    values = target_values("mcu", None, RUNS)
    assert values == {
        "mcu_litert_ms": 30.0,
        "mcu_litert_median_ms": 33.0,
        "mcu_litert_over_float": 1.5,
        "mcu_litert_median_over_float": pytest.approx(1.1),
        "mcu_litert_ms_without_dot_products": 80.0,
        "mcu_litert_median_ms_without_dot_products": 81.0,
        "mcu_litert_over_float_without_dot_products": 4.0,
        "mcu_litert_median_over_float_without_dot_products": 3.0,
    }
