"""What a service's optimum can be asked of."""

import numpy as np

from tessera_env.files.numbers import exact


def check_service(
    capacity: np.ndarray,
    spot_price: np.ndarray,
    on_demand_price: np.ndarray,
    target: np.ndarray,
    cold_ticks: int,
    most: int | None,
    scored_from: int,
) -> None:
    """Refuse shapes and numbers that make no sense.

    Raises:
        ValueError: one line that names the argument.
    """
    if target.ndim != 1 or not len(target):
        raise ValueError(f"target: shape {target.shape} (allowed: (T,), at least one tick)")
    ticks = len(target)
    if capacity.ndim != 2 or capacity.shape[1] != ticks:
        raise ValueError(f"capacity: shape {capacity.shape} (allowed: (P, {ticks}), as many ticks as target has)")
    if spot_price.shape != capacity.shape:
        raise ValueError(f"spot_price: shape {spot_price.shape} (allowed: {capacity.shape}, that of capacity)")
    if on_demand_price.shape not in ((), (ticks,)):
        raise ValueError(f"on_demand_price: shape {on_demand_price.shape} (allowed: one number, or ({ticks},))")
    for name, counts in (("capacity", capacity), ("target", target)):
        check_counts(name, counts)
    for name, prices in (("spot_price", spot_price), ("on_demand_price", on_demand_price)):
        check_prices(name, prices)
    if not 0 <= cold_ticks <= ticks:
        raise ValueError(f"cold_ticks: {cold_ticks} (allowed: 0 to {ticks})")
    if not cold_ticks <= scored_from <= ticks:
        raise ValueError(f"scored_from: {scored_from} (allowed: {cold_ticks}, the cold ticks, to {ticks})")
    highest = int(target[scored_from:].max(initial=0))
    if most is not None and most < highest:
        raise ValueError(f"most: {most} (allowed: none, or {highest}, the largest target, or more)")


def check_counts(name: str, counts: np.ndarray) -> None:
    """Refuse what are no whole numbers from 0.

    Raises:
        ValueError: one line with the first of them.
    """
    if counts.dtype.kind not in "iu":
        raise ValueError(f"{name}: numbers of type {counts.dtype} (allowed: whole numbers)")
    _refuse(name, counts, counts >= 0)


def check_prices(name: str, prices: np.ndarray) -> None:
    """Refuse what are no finite numbers from 0.

    Raises:
        ValueError: one line with the first of them.
    """
    if prices.dtype.kind not in "iuf":
        raise ValueError(f"{name}: numbers of type {prices.dtype} (allowed: dollars)")
    _refuse(name, prices, np.isfinite(prices) & (prices >= 0))


def _refuse(name: str, values: np.ndarray, allowed: np.ndarray) -> None:
    if not allowed.all():
        first = float(values[~allowed].flat[0])
        raise ValueError(f"{name}: {exact(first)} (allowed: 0 or more)")
