"""Which theta of `slack_threshold`, and how many slices of `time_sliced`, cost least in development worlds.

The defaults of both policies were chosen by these tables; what is reported elsewhere plays other hours of the
recordings. `python -m benchmarks` leaves it out: it measures no speed, and its figures change with the rules alone.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np

from agents.worlds import development_seed
from benchmarks.common import Report, machine, parser
from tessera_env.evaluation.experiment import evaluate
from tessera_env.evaluation.statistics import bootstrap_means, estimate
from tessera_env.files.streams import take_any_text
from tessera_env.observation.layout import Layout
from tessera_env.policies import SlackThreshold, TimeSliced
from tessera_env.recordings.bundled import AWS_V100_2023, BUNDLED
from tessera_env.recordings.traces.reading import read_series
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario

SCENARIO = "deadline-aws"
DEADLINES_H, CHANGEOVERS_H = (52, 60, 70), (0.02, 0.05, 0.1, 0.2)
WINDOWS, QUICK_WINDOWS = 50, 2  # of each zone, for each deadline and changeover
THETAS = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4)
SLICES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 48)
OTHERS = ("greedy_safety_net", "uniform_progress", "uniform_progress_plain")  # to compare

NOTE = """\
Mean cost in $ by changeover (d) and by deadline, each over all of the other, of {windows} windows of each of {zones}
recorded zones, hours 0 to {split:g} only. Difference: to the default, {default}, in the same worlds, with the 95 %
interval of bootstrap resamples over zones, * clear of 0. Deadlines missed: {missed}.
Mean cost of the best value for all, {best}: {one:.2f}; of the best for each changeover, {apart}: {by_changeover:.2f};
of the best for each changeover and deadline: {by_job:.2f}."""


def scenario(zone: str, changeover_h: float, deadline_h: float) -> Scenario:
    """The job in windows of the zone's hours for development."""
    hours = {"from_h": 0.0, "until_h": BUNDLED[AWS_V100_2023].split_h}
    job = {"task.deadline_h": deadline_h, "pools.0.setup_h": changeover_h, "pools.0.trace_zone": zone}
    return load_scenario(SCENARIO, market=hours, **job)


class Costs:
    """What policies cost in the same worlds.

    Attributes:
        of: by policy, (changeovers, deadlines, zones, windows), $.
        missed: deadlines, by all policies.
    """

    def __init__(self, policies: Sequence[str], windows: int):
        zones = [series.name for series in read_series((AWS_V100_2023,), None)]
        shape = (len(CHANGEOVERS_H), len(DEADLINES_H), len(zones))
        self.of = {policy: np.zeros((*shape, windows)) for policy in policies}
        self.missed = 0
        grid = product(enumerate(CHANGEOVERS_H), enumerate(DEADLINES_H), enumerate(zones))
        for (i, changeover_h), (j, deadline_h), (k, zone) in grid:
            results = evaluate(scenario(zone, changeover_h, deadline_h), policies, windows, development_seed(), None)
            for policy, table in results.tables.items():
                self.of[policy][i, j, k] = table["cost_usd"]
                self.missed += int(table["deadlines_missed"].sum())

    def row(self, policy: str, default: str) -> tuple[str, ...]:
        """A policy's line of the table."""
        costs = self.of[policy]
        means = [*costs.mean(axis=(1, 2, 3)), *costs.mean(axis=(0, 2, 3)), costs.mean()]
        return (policy.rpartition(":")[2], *(f"{mean:.2f}" for mean in means), self.difference(policy, default))

    def difference(self, policy: str, default: str) -> str:
        """To the default, with its interval."""
        if policy == default:
            return "default"
        by_zone = (self.of[policy] - self.of[default]).mean(axis=(0, 1, 3))
        value = estimate(by_zone, bootstrap_means(by_zone[:, np.newaxis], 0)[:, 0])
        return f"{value.mean:+.2f} [{value.low:+.2f}, {value.high:+.2f}] {'*' if value.is_clear_of_zero else ' '}"

    def note(self, options: Sequence[str], default: str) -> str:
        """What the table's figures are, and what one value for all jobs costs."""
        jobs = np.stack([self.of[option].mean(axis=(2, 3)) for option in options])  # (options, changeovers, deadlines)
        values = [option.partition("=")[2] for option in options]
        zones, windows = self.of[default].shape[2:]
        return NOTE.format(
            windows=windows,
            zones=zones,
            split=BUNDLED[AWS_V100_2023].split_h,
            default=default.partition(":")[2],
            missed=self.missed,
            one=jobs.mean(axis=(1, 2)).min(),
            best=values[jobs.mean(axis=(1, 2)).argmin()],
            apart=", ".join(values[k] for k in jobs.mean(axis=2).argmin(axis=0)),
            by_changeover=jobs.mean(axis=2).min(axis=0).mean(),
            by_job=jobs.min(axis=0).mean(),
        )


def reports(quick: bool) -> tuple[Report, Report]:
    """A table for each option."""
    layout = Layout(1)
    thetas, slices = [f"slack_threshold:theta={x:g}" for x in THETAS], [f"time_sliced:slices={n}" for n in SLICES]
    costs = Costs([*thetas, *slices, *OTHERS], QUICK_WINDOWS if quick else WINDOWS)
    default_theta = f"slack_threshold:theta={SlackThreshold(layout).options['theta']:g}"
    default_slices = f"time_sliced:slices={TimeSliced(layout).options['slices']}"
    return (
        report("Theta of slack_threshold", costs, thetas, default_theta),
        report("Slices of time_sliced", costs, slices, default_slices),
    )


def report(title: str, costs: Costs, options: Sequence[str], default: str) -> Report:
    """The table of one option, and the other rules below it."""
    changeovers, deadlines = (f"d {h:g} h" for h in CHANGEOVERS_H), (f"{h:g} h" for h in DEADLINES_H)
    return Report(
        f"{title}: mean cost in $ in development worlds of {SCENARIO}",
        costs.note(options, default),
        ("policy", *changeovers, *deadlines, "all", "difference"),
        tuple(costs.row(policy, default) for policy in (*options, *OTHERS)),
    )


def main() -> None:
    """Print both tables."""
    take_any_text()
    given = parser(__doc__).parse_args()
    for one in reports(given.quick):
        one.print()
    print(machine())


if __name__ == "__main__":
    main()
