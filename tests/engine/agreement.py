"""What the engine and the slow, obvious reference must have in common after an episode in the same world."""

import copy
from collections.abc import Sequence
from itertools import chain

import numpy as np
import pytest

from tests.engine.laying import BEFORE, COUNTS
from tests.engine.play import Choose, Played, play, reference
from tests.reference.simulator import Simulator
from tests.reference.world import World

# Equal to the last bit. Downtime and rewards are sums over small pieces that the two add up in unlike order.
COUNTED = (
    "spot_usd on_demand_usd spot_s on_demand_s setup_s work_lost_s work_saved_s waiting_s interruptions "
    "checkpoints_full checkpoints_partial checkpoints_restart migrations moves launches failed_launches "
    "cancelled_launches deadlines_missed tasks_done invalid_actions decisions"
)


def compare(played: Played, expected: Simulator) -> None:
    """Decisions, masks, log, dollars, work and totals."""
    asked = [(decision.time_s, int(decision.reason), decision.task) for decision in expected.decisions]
    assert played.decisions == asked
    assert played.masks == [decision.mask for decision in expected.decisions]
    assert played.services == [decision.services for decision in expected.decisions]
    assert sorted(played.log) == sorted(expected.log)
    for name in COUNTED.split():
        assert played.totals[name] == expected.totals[name], name
    assert played.dollars == [instance.dollars for instance in expected.instances]
    assert played.progress_s == [task.progress_s for task in expected.tasks]
    assert played.completion_s == [task.done_s for task in expected.tasks]
    assert played.interruptions == [task.interruptions for task in expected.tasks]
    compare_accounts(played, expected)
    compare_services(played, expected)
    assert played.totals["downtime_s"] == pytest.approx(expected.totals["downtime_s"], rel=1e-9, abs=1e-6)
    compare_rewards(played, expected)


def compare_accounts(played: Played, expected: Simulator) -> None:
    """Each task's part of the bill, and their sums."""
    for i, (account, task) in enumerate(zip(played.accounts, expected.tasks, strict=True)):
        assert vars(account) == pytest.approx(vars(task.account), rel=1e-9, abs=1e-6), i
    everyone = [*played.accounts, *chain(*played.seats)]
    for name in ("spot_s", "on_demand_s"):
        assert sum(vars(account)[name] for account in everyone) == pytest.approx(played.totals[name], rel=1e-9)


def compare_services(played: Played, expected: Simulator) -> None:
    """Each service's figures, and its seats' parts of the bill."""
    assert len(played.figures) == len(expected.services)
    for k, service in enumerate(expected.services):
        figures = {name: value for name, value in vars(service.figures).items() if name != "before"}
        figures |= dict(zip(BEFORE, service.figures.before, strict=True))
        counts = {"rounds": service.rounds, "orders": service.orders, **service.counts}
        figures |= {name: counts.get(name, 0) for name in COUNTS}
        assert played.figures[k] == pytest.approx(figures, rel=1e-9, abs=1e-6), k
        for seat, account in zip(service.seats, played.seats[k], strict=True):
            assert vars(account) == pytest.approx(vars(seat.account), rel=1e-9, abs=1e-6), seat.number


def compare_rewards(played, expected) -> None:
    """Each step's reward is what was billed and penalised since the step before.

    Downtime until a placed task runs is charged at once, and given back if it leaves earlier, so only sums can agree.
    """
    dollars = [0.0, *(decision.dollars for decision in expected.decisions), expected.dollars()]
    penalties = [0.0, *(decision.penalty for decision in expected.decisions), expected.penalty]
    steps = -np.diff(dollars) / expected.scale_usd() - np.diff(penalties)
    assert played.episode_return == pytest.approx(sum(steps), rel=1e-9, abs=1e-9)
    if not any(task.interactive for task in expected.tasks):
        assert played.rewards == pytest.approx(steps[1:].tolist(), rel=1e-9, abs=1e-9)


def agreed(world: World, answers: Sequence[int] | Choose, seed: int = 0) -> Played:
    """The engine's episode in a world, which is the reference's, too; a policy must not remember what it said."""
    played = play(copy.deepcopy(world), answers, seed=seed)
    compare(played, reference(copy.deepcopy(world), answers, seed=seed))
    return played
