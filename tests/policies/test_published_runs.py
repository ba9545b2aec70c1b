"""Against runs of the simulator published with "Can't Be Late" (Wu et al., NSDI'24), tick for tick."""

import csv
import os
import re
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from tessera_env.policies import make_policy
from tessera_env.vector_env import TesseraVectorEnv

TRACES = Path(os.environ.get("TESSERA_TRACES", Path(__file__).parents[3] / "shared" / "traces"))
RUNS = TRACES.parent / "golden" / "cant_be_late.csv"
TICK_S = 195.0

pytestmark = pytest.mark.skipif(
    not (RUNS.is_file() and (TRACES / "spot_availability").is_dir()),
    reason=f"the published runs and traces are not in {TRACES.parent}",
)


def runs(policy: str, changeover_h: float) -> list[dict[str, str]]:
    with RUNS.open() as file:
        return [
            run
            for run in csv.DictReader(file)
            if run["policy"] == policy and float(run["changeover_delay_h"]) == changeover_h
        ]


def world_of(run: dict[str, str]) -> dict[str, Any]:
    """The run's world: ticks of 195 s, whole ticks billed, constant prices, no notice."""
    deadline_h, from_h = float(run["deadline_h"]), int(run["start_sample"]) * TICK_S / 3600
    horizon_h = (deadline_h * 3600 // TICK_S + 1) * TICK_S / 3600
    return {
        "task.work_h": float(run["work_h"]),
        "task.deadline_h": deadline_h,
        "horizon_h": horizon_h,
        "decision_interval_s": TICK_S,
        "guard_margin_s": 0.0,
        "billing": {"minimum_s": 0.0, "billing_increment_s": TICK_S},
        "market": {
            "trace": [str(TRACES / "spot_availability" / f"{run['zone']}.json")],
            "polarity": "available",
            "from_h": from_h,
            "until_h": from_h + horizon_h + 1e-9,
        },
        "pools.0.setup_h": float(run["changeover_delay_h"]),
        "pools.0.price": {"source": "constant", "usd_per_h": 0.9731},
    }


def replay(policy_name: str, run: dict[str, str]) -> tuple[str, float, int]:
    """What our policy holds in each tick, as `purchases` writes it, its cost, and deadlines missed."""
    env = TesseraVectorEnv(1, "deadline-aws", overrides=world_of(run), autoreset_mode=AutoresetMode.DISABLED)
    policy = make_policy(policy_name, env.layout)
    observation, _ = env.reset(seed=0)
    horizon_ticks = env.scenario.horizon_h * 3600 / TICK_S
    asked: dict[int, str] = {}
    ended = np.zeros(1, dtype=bool)
    while not ended[0]:
        actions, _ = policy.predict(observation, action_masks=env.action_masks())
        asked[round(float(env.layout.read(observation, "time")[0]) * horizon_ticks)] = "_SD"[actions[0]]
        observation, _, ended, _, _ = env.step(actions)
    metrics = env.episode_metrics([0])
    ticks = int(np.ceil(metrics["elapsed_h"][0] * 3600 / TICK_S - 1e-6))
    held = ""
    for tick in range(ticks):
        held += asked.get(tick, held[-1:])
    coded = " ".join(f"{kind}{len(list(spell))}" for kind, spell in groupby(held))
    return coded, float(metrics["cost_usd"][0]), int(metrics["deadlines_missed"][0])


def test_on_demand_only() -> None:
    for run in runs("on_demand_only", 0.02)[::20] + runs("on_demand_only", 0.2)[::20]:
        purchases, cost, missed = replay("on_demand_only", run)
        assert (purchases, missed) == (run["purchases"], 0)
        assert cost == pytest.approx(float(run["cost_usd"]), abs=1e-5)


def is_same_but_for_the_last_wait(ours: str, theirs: str) -> bool:
    """They round time to whole ticks before they compare, which can end the last wait one tick earlier."""
    last_wait = re.compile(r"_(\d+) (D\d+)$")
    lengths = [int(found[1]) if (found := last_wait.search(text)) else 0 for text in (ours, theirs)]
    rest = [last_wait.sub(r"\2", text) for text in (ours, theirs)]
    return rest[0] == rest[1] and 0 <= lengths[0] - lengths[1] <= 1


def test_greedy() -> None:
    """The same spells on spot and on-demand; short changeovers only, where their reserve of two makes no difference."""
    chosen = runs("greedy", 0.02)[::4]
    same = 0
    for run in chosen:
        purchases, cost, missed = replay("greedy", run)
        assert missed == 0
        if is_same_but_for_the_last_wait(purchases, run["purchases"]):
            same += 1
            assert cost == pytest.approx(float(run["cost_usd"]), abs=1e-5)
    assert len(chosen) > 40
    assert same >= 0.95 * len(chosen)
