"""Which worlds a policy is trained on, chosen by and reported on: three sets that never share one.

A world is (seed, episode). The seeds that people type for reports are small; the halves above them belong to
development and training. A trace that is replayed is cut in time too: what lies before its split hour is for training
(the first five sevenths) and development, what comes from there on is for reports.
"""

import numpy as np

from tessera_env.recordings.bundled import BUNDLED
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario

REPORT_SEEDS = range(0, 2**30)
DEVELOPMENT_SEEDS = range(2**30, 2**31)
TRAINING_SEEDS = range(2**31, 2**32)  # the top that numpy's and torch's generators can be seeded with
MOST_ROWS = 2**16  # environments of one run; row k draws its worlds from seed + k
TRAINING_SHARE = 5 / 7  # of what lies before the split hour


def training_seed(seed: int, steps_done: int = 0) -> int:
    """The seed of a run's first row, its networks and its action sampling.

    `steps_done` is where a resumed run goes on: it gets worlds that it has not seen.
    """
    word = int(np.random.SeedSequence([seed, steps_done]).generate_state(1)[0])
    return TRAINING_SEEDS.start + word % (len(TRAINING_SEEDS) - MOST_ROWS)


def development_seed() -> int:
    """The seed whose worlds 0, 1, 2, … every run is judged on while it trains: the same for all, so runs compare."""
    return DEVELOPMENT_SEEDS.start


def training_scenario(scenario: Scenario) -> Scenario:
    """The scenario on the part of its trace that policies are trained on; itself where nothing is replayed.

    Raises:
        ValueError: the trace cannot be split, or the part is shorter than the horizon.
    """
    if not scenario.replays:
        return scenario
    return load_scenario(scenario, market={"from_h": 0.0, "until_h": split_h(scenario) * TRAINING_SHARE})


def development_scenario(scenario: Scenario) -> Scenario:
    """The scenario on the part of its trace that policies are chosen by; raises as `training_scenario`."""
    if not scenario.replays:
        return scenario
    split = split_h(scenario)
    return load_scenario(scenario, market={"from_h": split * TRAINING_SHARE, "until_h": split})


def before_reports(scenario: Scenario) -> Scenario:
    """The scenario on all of its trace that is not for reports, where nothing is chosen by development worlds; raises
    as `training_scenario`.
    """
    if not scenario.replays:
        return scenario
    return load_scenario(scenario, market={"from_h": 0.0, "until_h": split_h(scenario)})


def report_scenario(scenario: Scenario) -> Scenario:
    """The scenario on the part of its trace that is for reports; raises as `training_scenario`."""
    if not scenario.replays:
        return scenario
    split = split_h(scenario)
    if scenario.market.from_h >= split:
        return scenario
    return load_scenario(scenario, market={"from_h": split, "until_h": None})


def split_h(scenario: Scenario) -> float:
    """The hour of the replayed trace from which on it is for reports: a bundled trace's own, else where the
    scenario's window begins, or ends if it begins with the trace.

    Raises:
        ValueError: the window is the whole trace.
    """
    market = scenario.market
    if market.trace in BUNDLED:
        return BUNDLED[market.trace].split_h
    split = market.from_h or market.until_h
    if not split:
        raise ValueError(
            f"{scenario.name}: market.from_h: 0 (allowed for training on a trace: an hour above 0, from which on it is "
            "for reports, while what lies before is for training)"
        )
    return split
