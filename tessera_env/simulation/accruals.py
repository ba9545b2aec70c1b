"""What runs up in episodes that are not over: no instance has ended with it, no wait, and no task's stay."""

import numpy as np

from tessera_env.engine.kinds import Stop, TaskStatus
from tessera_env.engine.state import State
from tessera_env.world.parameters import NONE, Parameters

Accruals = dict[str, np.ndarray]  # by the names of TOTALS, and `progress_s`, each (rows,)


def accruals_of(params: Parameters, state: State, rows: np.ndarray) -> Accruals:
    """What the rows' totals lack of what has happened up to now; empty where all their episodes are over.

    Dollars are those that the reward counts: of the time used so far, whatever the least that a bill comes to.
    """
    if (state.episodes.view(np.ndarray)["status"][rows] == Stop.DONE).all():
        return {}
    return {**_billed(params, state, rows), **_billed_time(state, rows), **_of_tasks(params, state, rows)}


def seats_accrued(
    params: Parameters, state: State, rows: np.ndarray, seats: slice
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What seats have not been charged yet of the instances that they pay for, be they on them or not.

    Dollars, seconds on spot, on on-demand, each (rows,).
    """
    episodes = state.episodes.view(np.ndarray)[rows, None]
    instances, now_s = state.instances.view(np.ndarray)[rows], episodes["now_s"]
    of_episode = np.arange(instances.shape[1]) < episodes["slots_used"]
    paid = (instances["payer"] >= seats.start) & (instances["payer"] < seats.stop)
    billed = of_episode & paid & (instances["billing"] == 1)
    elapsed_s = np.where(billed, now_s - instances["charged_s"], 0.0)
    at = rows[:, None], instances["pool"], state.pools.view(np.ndarray)["cursor"][rows[:, None], instances["pool"]]
    market = state.market.view(np.ndarray)
    spot = market["price_integral"][at] + (now_s - market["time_s"][at]) * market["spot_price"][at] / 3600.0
    on_demand = now_s * params.pools.view(np.ndarray)["on_demand_price"][instances["pool"]] / 3600.0
    is_spot = instances["on_demand"] == 0
    dollars = np.where(billed, np.where(is_spot, spot, on_demand) - instances["charged_integral"], 0.0)
    return (
        dollars.sum(axis=1),
        np.where(is_spot, elapsed_s, 0.0).sum(axis=1),
        np.where(is_spot, 0.0, elapsed_s).sum(axis=1),
    )


def _billed(params: Parameters, state: State, rows: np.ndarray) -> Accruals:
    """Dollars of what is billed now, by purchase."""
    now_s, pool_count = state.episodes.view(np.ndarray)["now_s"][rows, None], state.pools.shape[1]
    offers, market = state.offers.view(np.ndarray), state.market.view(np.ndarray)
    # The reward has brought the cursor to now in each pool where spot is billed.
    at = rows[:, None], np.arange(pool_count), state.pools.view(np.ndarray)["cursor"][rows]
    spot = market["price_integral"][at] + (now_s - market["time_s"][at]) * market["spot_price"][at] / 3600.0
    on_demand = now_s * params.pools.view(np.ndarray)["on_demand_price"] / 3600.0
    billing, starts = offers["billing"][rows], offers["starts"][rows]
    return {
        "spot_usd": (billing[:, :pool_count] * spot - starts[:, :pool_count]).sum(axis=1),
        "on_demand_usd": (billing[:, pool_count:] * on_demand - starts[:, pool_count:]).sum(axis=1),
    }


def _billed_time(state: State, rows: np.ndarray) -> Accruals:
    """Seconds since their billing started of the instances that are billed now, by purchase."""
    instances, episodes = state.instances.view(np.ndarray), state.episodes.view(np.ndarray)
    of_episode = np.arange(instances.shape[1]) < episodes["slots_used"][rows, None]  # others are of earlier episodes
    billed = of_episode & (instances["billing"][rows] == 1)
    used_s = np.where(billed, episodes["now_s"][rows, None] - instances["billing_start_s"][rows], 0.0)
    on_demand = instances["on_demand"][rows] == 1
    return {
        "spot_s": np.where(on_demand, 0.0, used_s).sum(axis=1),
        "on_demand_s": np.where(on_demand, used_s, 0.0).sum(axis=1),
    }


def _of_tasks(params: Parameters, state: State, rows: np.ndarray) -> Accruals:
    """Seconds of waits, of set-up and of work, of the tasks that have arrived and are not done."""
    tasks, now_s = state.tasks.view(np.ndarray), state.episodes.view(np.ndarray)["now_s"][rows, None]
    status, instance = tasks["status"][rows], tasks["instance"][rows]
    underway = (status >= TaskStatus.WAITING) & (status < TaskStatus.DONE)
    waits, placed = underway & (instance == NONE), underway & (instance != NONE)
    billing_start_s = state.instances.view(np.ndarray)["billing_start_s"][rows[:, None], np.where(placed, instance, 0)]
    ready_s, progress_s = tasks["ready_s"][rows], tasks["progress_s"][rows]
    setup_s = np.minimum(ready_s, now_s) - np.maximum(tasks["placed_s"][rows], billing_start_s)
    gained_s = np.minimum(_gained_s(params, now_s - ready_s), tasks["work_s"][rows] - progress_s)
    return {
        "waiting_s": np.where(waits, now_s - tasks["waiting_since_s"][rows], 0.0).sum(axis=1),
        "setup_s": np.where(placed, np.maximum(setup_s, 0.0), 0.0).sum(axis=1),
        "progress_s": np.where(placed, gained_s, 0.0).sum(axis=1),
    }


def _gained_s(params: Parameters, run_s: np.ndarray) -> np.ndarray:
    """The engine's `gained_s`, for arrays."""
    run_s, config = np.maximum(run_s, 0.0), params.config.view(np.ndarray)[0]
    tau, cost = config["checkpoint_interval_s"], config["checkpoint_cost_s"]
    if np.isinf(tau):
        return run_s
    rounds = np.floor(run_s / (tau + cost))
    return rounds * tau + np.minimum(run_s - rounds * (tau + cost), tau)
