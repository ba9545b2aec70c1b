"""What episodes add up to."""

import numpy as np

from tessera_env.engine.state import TOTALS, State
from tessera_env.simulation.accruals import accruals_of
from tessera_env.simulation.services import service_metrics
from tessera_env.world.parameters import Parameters

_PERCENTS = (50, 95, 99)
_SHARES = np.array(_PERCENTS) / 100.0


def metrics_of(params: Parameters, state: State, rows: np.ndarray) -> dict[str, np.ndarray]:
    """What episodes, finished or not, add up to; each value has one entry a row.

    Dollars end in `_usd`, hours in `_h`, the rest are counts; the percentiles of the time from arrival to
    completion are over the tasks done, 0 where there are none. `objective_usd` is what was paid and what penalties are
    worth, in one figure: minus the episode's return, in dollars.

    While an episode is running all are up to now. What only an instance's end shows, the least that a bill comes to or
    a refund, and penalties, with the downtime that they are for, count when the reward counts them.
    """
    # Field by field: to copy whole records takes as long as all of the rest.
    episodes, tasks = state.episodes.view(np.ndarray), state.tasks.view(np.ndarray)
    values, accruals = {}, accruals_of(params, state, rows)
    for name in TOTALS:
        is_time = name.endswith("_s")
        total = episodes[name][rows] + accruals[name] if name in accruals else episodes[name][rows]
        values[f"{name[:-2]}_h" if is_time else name] = total / 3600.0 if is_time else total
    values["cost_usd"] = values["spot_usd"] + values["on_demand_usd"]
    task_count = episodes["task_count"][rows]
    of_world = np.arange(tasks.shape[1]) < task_count[:, None]  # rows behind are of earlier episodes
    # Added up over tasks: cost plus return would leave rounding where nothing was penalised.
    values["penalty_usd"] = np.where(of_world, tasks["penalty_usd"][rows], 0.0).sum(axis=1)
    if params.services.shape[0]:
        values["penalty_usd"] = values["penalty_usd"] + state.services.view(np.ndarray)["penalty_usd"][rows].sum(axis=1)
    values["objective_usd"] = values["cost_usd"] + values["penalty_usd"]
    progress_s = np.where(of_world, tasks["progress_s"][rows], 0.0).sum(axis=1)
    values["work_done_h"] = (progress_s + accruals.get("progress_s", 0.0)) / 3600.0
    values["tasks_done"] = episodes["done"][rows]
    values["tasks"] = task_count
    values["elapsed_h"] = episodes["now_s"][rows] / 3600.0
    values["scale_usd"] = episodes["scale_usd"][rows]
    stays_h = np.where(of_world, tasks["completion_s"][rows] - tasks["arrival_s"][rows], np.inf) / 3600.0
    percentiles_h = np.array([_percentiles(stays) for stays in stays_h]).reshape(len(rows), len(_PERCENTS))
    for k, percent in enumerate(_PERCENTS):
        values[f"completion_p{percent}_h"] = percentiles_h[:, k]
    return values | service_metrics(params, state, rows) if params.services.shape[0] else values


def _percentiles(stays_h: np.ndarray) -> np.ndarray:
    """The percentiles _PERCENTS of the finite values; zeros if there are none."""
    finite = stays_h[np.isfinite(stays_h)]
    if not len(finite):
        return np.zeros(len(_PERCENTS))
    # np.percentile's linear interpolation without its 80 us of set-up, which every episode's last step would pay.
    places = np.arange(len(finite))
    return np.interp(_SHARES * (len(finite) - 1), places, np.sort(finite))
