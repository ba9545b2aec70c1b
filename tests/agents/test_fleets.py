"""Drawn fleets: as many kinds as they promise, the same for the same number, and all of them can be played."""

import numpy as np

from agents.fleets import MOST_POOLS, TYPES, drawn_fleet
from tessera_env.evaluation.experiment import evaluate
from tessera_env.recordings.catalogue import lookup

FLEETS = [drawn_fleet(1, number) for number in range(300)]


def test_a_fleet_is_known_by_seed_and_number() -> None:
    assert drawn_fleet(1, 7) == FLEETS[7] and FLEETS[7].name == "fleet-train-7"
    assert drawn_fleet(2, 7).pools != FLEETS[7].pools != FLEETS[8].pools


def test_no_two_are_alike_and_all_kinds_occur() -> None:
    counts = {len(fleet.pools) for fleet in FLEETS}
    assert counts == set(range(2, MOST_POOLS + 1))
    kinds = {frozenset(pool.instance_type for pool in fleet.pools) for fleet in FLEETS}
    assert len(kinds) > 30 and frozenset.union(*kinds) == set(TYPES)
    assert {fleet.deadline_guard for fleet in FLEETS} == {True, False}
    assert {fleet.pools[0].capacity.source for fleet in FLEETS} == {"semi_markov", "constant"}
    assert not any(fleet.replays for fleet in FLEETS)
    assert len({fleet.task.count for fleet in FLEETS}) > 60


def test_memory_is_the_catalogue_s() -> None:
    assert {name: lookup(name).gpu_memory_mb for name in TYPES} == TYPES


def test_from_idle_to_overloaded() -> None:
    """Work that tasks bring while they arrive, as a share of what spot holds: played, not computed."""
    busy = []
    for fleet in FLEETS[:40]:
        table = evaluate(fleet, ["greedy"], 2, 0).tables["greedy"]
        assert np.isfinite(table["objective_usd"]).all() and (table["tasks_done"] > 0).all()
        if fleet.pools[0].capacity.source == "semi_markov":
            busy.append(float(table["on_demand_h"].sum() / (table["spot_h"] + table["on_demand_h"]).sum()))
    assert min(busy) < 0.1 and max(busy) > 0.5
