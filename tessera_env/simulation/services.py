"""What services add up to: how available they were, and what that cost against on-demand for the target."""

import numpy as np

from tessera_env.engine.kinds import Stop
from tessera_env.engine.state import State
from tessera_env.simulation.accruals import seats_accrued
from tessera_env.world.parameters import Parameters

_COUNTS = ("preemptions", "spot_launches", "on_demand_launches", "stops", "outages")
_REQUESTS = ("arrived", "served", "dropped")


def service_metrics(params: Parameters, state: State, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Figures of the rows' services, each with one entry a row; of several, means of shares and sums of counts.

    `availability` is the share of time with the target ready, `some_ready_share` that with one replica at least,
    `relative_cost` what was billed over what the target's replica-hours cost on on-demand, all from `score_from_s` on;
    counts are from the episode's start.
    """
    services = state.services.view(np.ndarray)[rows]  # (rows, S)
    specs = params.services.view(np.ndarray)
    scored_s = np.maximum(services["scored_s"], 1e-12)
    usd, spot_s, on_demand_s = billed(params, state, rows)
    target_usd = services["target_s"] / 3600.0 * specs["on_demand_price"]
    billed_s = np.maximum(spot_s + on_demand_s, 1e-12)
    least = np.where(services["scored_s"] > 0.0, services["ready_least"], 0)
    values = {
        "availability": (1.0 - services["below_s"] / scored_s).mean(axis=1),
        "some_ready_share": (services["some_ready_s"] / scored_s).mean(axis=1),
        "relative_cost": usd.sum(axis=1) / np.maximum(target_usd.sum(axis=1), 1e-12),
        "service_usd": usd.sum(axis=1),
        "target_usd": target_usd.sum(axis=1),
        "shortfall_h": services["below_s"].sum(axis=1) / 3600.0,
        "longest_outage_h": services["longest_outage_s"].max(axis=1) / 3600.0,
        "service_spot_h": spot_s.sum(axis=1) / 3600.0,
        "service_on_demand_h": on_demand_s.sum(axis=1) / 3600.0,
        "on_demand_share": on_demand_s.sum(axis=1) / billed_s.sum(axis=1),
        "ready_mean": (services["ready_s"] / scored_s).sum(axis=1),
        "ready_least": least.sum(axis=1),
        **{name: services[name].sum(axis=1) for name in _COUNTS},
    }
    if (specs["requests_per_replica"] > 0.0).any():
        values |= {f"requests_{name}": services[name].sum(axis=1) for name in _REQUESTS}
        values["requests_waiting"] = services["backlog"].sum(axis=1)
    return values


def billed(params: Parameters, state: State, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dollars and seconds of spot and on-demand that services pay for from `score_from_s` on, each (rows, S)."""
    services, seats = state.services.view(np.ndarray)[rows], state.tasks.view(np.ndarray)[rows]
    usd = np.zeros(services.shape)
    spot_s, on_demand_s = usd.copy(), usd.copy()
    running = (state.episodes.view(np.ndarray)["status"][rows] != Stop.DONE).any()
    for k, spec in enumerate(params.services.view(np.ndarray)):
        own = slice(spec["first_seat"], spec["first_seat"] + spec["seat_count"])
        mine = seats[:, own]
        usd[:, k] = (mine["setup_usd"] + mine["running_usd"] + mine["idle_usd"]).sum(axis=1)
        spot_s[:, k] = mine["spot_s"].sum(axis=1)
        on_demand_s[:, k] = mine["on_demand_s"].sum(axis=1)
        if running:
            more_usd, more_spot_s, more_on_demand_s = seats_accrued(params, state, rows, own)
            usd[:, k] += more_usd
            spot_s[:, k] += more_spot_s
            on_demand_s[:, k] += more_on_demand_s
    return (
        usd - services["usd_before"],
        spot_s - services["spot_s_before"],
        on_demand_s - services["on_demand_s_before"],
    )
