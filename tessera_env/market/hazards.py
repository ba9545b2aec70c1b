"""How fast spot instances are lost for reasons other than capacity."""

from tessera_env.compiled import compiled
from tessera_env.parameters import HazardModel


@compiled
def hazard_per_s(spec, spot_price: float) -> float:
    """Rate of lifetime interruptions per second at a spot price.

    `discount` is the model of the original engine: rate x max(1 - price/on-demand, 0.1). Real traces show hardly any
    link between price and interruption (absolute correlation at most 0.075), so realistic scenarios use other models.
    """
    if spec.hazard_model == HazardModel.CONSTANT:
        return spec.hazard_per_h / 3600.0
    if spec.hazard_model == HazardModel.DISCOUNT:
        return spec.hazard_per_h * max(1.0 - spot_price / spec.on_demand_price, 0.1) / 3600.0
    return 0.0
