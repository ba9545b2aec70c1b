"""Services' dollars, ready replicas and requests recomputed from the event log after every step, on random worlds."""

from random import Random

import pytest
from numba import config as numba_config

from tests.engine.play import play
from tests.engine.service_audit import ServiceAuditor
from tests.reference.service_worlds import random_service_world
from tests.reference.worlds import sticky_policy

COUNT = 10 if numba_config.DISABLE_JIT else 60


def audited(seed: int, tamper=None) -> ServiceAuditor:
    """A random world, whose books agree after every step."""
    auditor = ServiceAuditor()

    def look(simulation):
        if tamper is not None:
            tamper(simulation.state)
        auditor.look(simulation)

    # Off the grid: the log does not say whether a bill that begins as its instance ends had begun.
    play(random_service_world(Random(seed), grids=(0.0,)), sticky_policy(seed), seed=seed, look=look)
    return auditor


@pytest.mark.parametrize("block", range(5))
def test_the_books_of_services_agree(block):
    for seed in range(block * COUNT // 5, (block + 1) * COUNT // 5):
        assert audited(seed).counts["DECISION"] > 0


@pytest.mark.parametrize("name", ["below_s", "ready_s", "target_s", "penalty_usd", "usd_before", "arrived"])
def test_an_auditor_finds_a_wrong_figure(name):
    def tamper(state):
        state.services[name] *= 1.0 + 1e-4

    with pytest.raises(AssertionError):
        for seed in range(5):
            audited(seed, tamper)


@pytest.mark.parametrize("name", ["setup_usd", "running_usd", "idle_usd", "spot_s", "on_demand_s"])
def test_an_auditor_finds_a_wrong_seats_account(name):
    def tamper(state):
        state.tasks[name] *= 1.0 + 1e-6

    with pytest.raises(AssertionError):
        for seed in range(5):
            audited(seed, tamper)
