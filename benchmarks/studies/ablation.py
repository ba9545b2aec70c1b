"""What the two ideas are worth: the optimal assignment of displaced tasks, and saving within the grace period."""

from agents.worlds import report_scenario
from benchmarks.common import Report, run_alone
from tessera_env.evaluation.ablation import GRACE, METRICS, OFF, PLANNING, Difference, Row, ablate, periodic_settings
from tessera_env.scenario.loading import load_scenario, preset_names
from tessera_env.scenario.scenario import Scenario

SCENARIOS = ("classic", "fleet", "fleet-mixed")  # those of them that there are
TITLE = "What the optimal assignment and the grace period are worth"
POLICY = "greedy"
EPISODES, QUICK_EPISODES = 200, 4
SEED = 1
CHECKPOINT_S = 60.0  # to write one periodic checkpoint: a few GB to a local disk or over the network

NOTE = """\
Kuhn-Munkres: its figure minus nearest first's. Saving at notice: within the grace period, minus nothing saved then.
Paired means over the same {episodes} worlds, policy {policy}, [95 % bootstrap interval]; * clear of 0; equal: in every
world. Below 0 an idea helps, in tasks done above 0. Completion is from a task's arrival, over a world's tasks that are
done: where an idea gets more of the late ones done, it need not fall. Periodic checkpoints take {cost:.0f} s each,
at the interval of Young, sqrt(2 C M), or of Daly's higher order; M, spot hours an interruption, is from other worlds.
A nil difference of the planners is no accident. A task's cost on an instance is what is left of set-up there plus
state / bandwidth. With equal bandwidth everywhere the first part depends on the instance alone and the second on the
task alone, so any assignment of the same tasks costs the same seconds, and which task gets which instance decides only
chance. Unlike bandwidths, or memory that not every task fits, can make the planners differ, and only where several
tasks are displaced at one instant."""


def measured(name: str, quick: bool) -> list[Row]:
    """The rows of one preset, on the part of its trace that is for reports."""
    scenario = report_scenario(small(load_scenario(name)) if quick else load_scenario(name))
    episodes = QUICK_EPISODES if quick else EPISODES
    settings = periodic_settings(scenario, POLICY, episodes, SEED, CHECKPOINT_S)
    return ablate(scenario, POLICY, episodes, SEED, settings=settings)


def small(scenario: Scenario) -> Scenario:
    """With ten tasks."""
    return load_scenario(scenario, **{"task.count": 10})


def table_rows(name: str, rows: list[Row]) -> list[tuple[str, ...]]:
    """Of one preset: a row for each metric under each kind of periodic checkpoints."""
    planning = {row.periodic: row for row in rows if row.idea == PLANNING.name}
    grace = {row.periodic: row for row in rows if row.idea == GRACE.name}
    lines = []
    for periodic, row in planning.items():
        interval = OFF if row.interval_h is None else f"{periodic} {row.interval_h:.2f} h"
        for metric, words in METRICS.items():
            one, other = row.differences.get(metric), grace[periodic].differences.get(metric)
            level = f"{one.with_idea:,.2f}" if one else "-"
            lines.append((name, interval, words, level, text_of(one), text_of(other)))
    return lines


def text_of(one: Difference | None) -> str:
    """A difference with its interval."""
    if one is None:
        return "-"
    if not one.unequal_worlds:
        return "equal"
    value = one.difference
    return f"{value.mean:+.2f} [{value.low:+.2f}, {value.high:+.2f}] {'*' if value.is_clear_of_zero else ' '}"


def measure(quick: bool) -> Report:
    """The table."""
    present = [name for name in SCENARIOS if name in preset_names()]
    rows = [line for name in present for line in table_rows(name, measured(name, quick))]
    episodes = QUICK_EPISODES if quick else EPISODES
    return Report(
        TITLE,
        NOTE.format(episodes=episodes, policy=POLICY, cost=CHECKPOINT_S),
        ("scenario", "periodic", "metric", "with both", "Kuhn-Munkres", "saving at notice"),
        tuple(rows),
    )


if __name__ == "__main__":
    run_alone(measure, __doc__)
