"""An exported model and its target -> `TargetReport`: the target's rules, and its own tools if installed."""

from pathlib import Path

from asd_edge.export.targets.report import FORMAT, TargetReport, Verdict
from asd_edge.export.targets.target import CORAL, ETHOS_U, LITERT, Target
from asd_edge.export.write_tflite import float_tflite_bytes
from asd_edge.graph.graph import Graph


def report_target(target: Target, model: Path, int8_graph: Graph, float_graph: Graph) -> TargetReport:
    """`model` is the file of `int8_graph`; `float_graph` is the network as it would run in float: not lowered."""
    verdicts: list[Verdict] = []
    missing: list[str] = []
    if target == LITERT:
        from asd_edge.export.targets.litert import ask_litert

        verdicts.append(ask_litert(model.read_bytes(), float_tflite_bytes(float_graph)))
    elif target == CORAL:
        from asd_edge.export.targets import edge_tpu_compiler
        from asd_edge.export.targets.edge_tpu_rules import apply_rules

        verdicts.append(apply_rules(int8_graph))
        if compiler := edge_tpu_compiler.find_compiler():
            verdicts.append(edge_tpu_compiler.ask_compiler(compiler, model, len(int8_graph.ops)))
        else:
            missing.append(edge_tpu_compiler.MISSING)
    elif target == ETHOS_U:
        from asd_edge.export.targets import ethos_u

        if vela := ethos_u.find_vela():
            verdicts.append(ethos_u.ask_vela(vela, model, len(int8_graph.ops)))
        else:
            missing.append(ethos_u.MISSING)
    return TargetReport(FORMAT, target.name, tuple(verdicts), tuple(missing))
