"""What was measured of each layer, and the recipe's steps -> each layer's diagnosis and repair."""

from asd_edge.diagnose.diagnosis import LayerDiagnosis
from asd_edge.diagnose.layer_noise import evidence, sqnr_db
from asd_edge.diagnose.measure_clip import code_bounds
from asd_edge.diagnose.measure_damage import LayerDamage, MeasuredDamage
from asd_edge.diagnose.mixed_network import MixedNetwork
from asd_edge.diagnose.repairs import LayerFacts, find_repair


def diagnose_layers(
    network: MixedNetwork, found: MeasuredDamage, recipe_steps: tuple[str, ...]
) -> tuple[LayerDiagnosis, ...]:
    """In execution order; `recipe_steps` as `find_repair` takes them."""
    return tuple(_layer(network, name, damage, recipe_steps) for name, damage in found.layers.items())


def _layer(network: MixedNetwork, name: str, damage: LayerDamage, steps: tuple[str, ...]) -> LayerDiagnosis:
    bounds = code_bounds(network, name)
    of_normal, of_both = evidence(damage.normal, bounds), damage.normal.joined(damage.anomaly)
    producer = network.int8_graph.producer(name)
    return LayerDiagnosis(
        name=name,
        operator="input" if producer is None else type(producer).__name__,
        sqnr_db=sqnr_db(of_both.signal, of_both.noise),
        inherited_sqnr_db=sqnr_db(of_both.signal, of_both.inherited),
        alone=damage.alone,
        all_but=damage.all_but,
        evidence=of_normal,
        clipped_anomalies=evidence(damage.anomaly, bounds).clipped_values,
        repair=find_repair(LayerFacts(name, network.int8_graph, of_normal), steps),
    )
