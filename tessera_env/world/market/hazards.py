"""How fast spot instances are lost for reasons other than capacity."""

import math

from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import HazardModel

_HALVINGS = 60  # of a day: far below a microsecond
_LARGEST_EXPONENT = 700.0  # e to the 710 overflows: an error in plain Python, infinity where compiled


@compiled
def hazard_per_s(spec, spot_price: float) -> float:
    """Rate of lifetime interruptions per second at a spot price, where it does not depend on the instance's age.

    `discount` is the model of the original engine: rate x max(1 - price/on-demand, 0.1). Real traces show hardly any
    link between price and interruption (absolute correlation at most 0.075), so realistic scenarios use other models.
    """
    if spec.hazard_model == HazardModel.CONSTANT:
        return spec.hazard_per_h / 3600.0
    if spec.hazard_model == HazardModel.DISCOUNT:
        return spec.hazard_per_h * max(1.0 - spot_price / spec.on_demand_price, 0.1) / 3600.0
    return 0.0


@compiled
def bathtub_share(spec, age_h: float) -> float:
    """Share of instances lost before this age: F(t) = A (1 - e^(-t / tau1) + e^((t - b) / tau2)), within 0 to 1.

    Fitted to Google's preemptible instances by Kadupitiya, Jadhao and Sharma, "Modeling the temporally constrained
    preemptions of transient cloud VMs", HPDC'20: many are lost early, few in between, all by the cap of 24 h.
    """
    if age_h >= spec.hazard_cap_h:
        return 1.0
    early = 1.0 - math.exp(-age_h / spec.hazard_tau1_h)
    late = math.exp(min((age_h - spec.hazard_b_h) / spec.hazard_tau2_h, _LARGEST_EXPONENT))
    return min(max(spec.hazard_scale * (early + late), 0.0), 1.0)


@compiled
def bathtub_age_s(spec, hazard: float) -> float:
    """The age at which the cumulative hazard -log(1 - F) reaches a unit-exponential draw; by bisection."""
    share = 1.0 - math.exp(-hazard)
    low_h, high_h = 0.0, spec.hazard_cap_h
    for _ in range(_HALVINGS):
        middle_h = 0.5 * (low_h + high_h)
        if bathtub_share(spec, middle_h) < share:
            low_h = middle_h
        else:
            high_h = middle_h
    return 3600.0 * high_h
