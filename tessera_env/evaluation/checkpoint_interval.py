"""How often to save: the best interval between periodic checkpoints, by the two formulas in use.

Both weigh the time that saving costs against the work that an interruption loses, for interruptions that come at a
constant rate 1 / M. Times are in hours here, but any one unit does.
"""

import math


def young_interval_h(cost_h: float, between_interruptions_h: float) -> float:
    """First order: sqrt(2 C M).

    Source: J. W. Young, "A first order approximation to the optimum checkpoint interval", CACM 17 (1974).

    Args:
        cost_h: C, time that one checkpoint takes.
        between_interruptions_h: M, mean time between interruptions.
    """
    return math.sqrt(2.0 * cost_h * between_interruptions_h)


def daly_interval_h(cost_h: float, between_interruptions_h: float) -> float:
    """Higher order: sqrt(2 C M) (1 + sqrt(C / 2M) / 3 + (C / 2M) / 9) - C, and M where C >= 2M.

    Source: J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps", Future
    Generation Computer Systems 22 (2006).

    Args:
        cost_h: C, as in `young_interval_h`.
        between_interruptions_h: M.
    """
    if cost_h >= 2.0 * between_interruptions_h:
        return between_interruptions_h
    ratio = cost_h / (2.0 * between_interruptions_h)
    series = 1.0 + math.sqrt(ratio) / 3.0 + ratio / 9.0
    return young_interval_h(cost_h, between_interruptions_h) * series - cost_h
