"""What the two ideas are worth: the optimal assignment of displaced tasks, and saving within the grace period."""

from agents.worlds import report_scenario
from benchmarks.common import Report, run_alone
from tessera_env.ablation import GRACE, METRICS, OFF, PLANNING, Difference, Row, ablate, periodic_settings
from tessera_env.scenario import Scenario
from tessera_env.scenario_files import load_scenario, preset_names

SCENARIOS = ("classic", "fleet", "fleet-mixed")  # those of them that there are
POLICY = "greedy"
EPISODES, QUICK_EPISODES = 200, 4
SEED = 1
CHECKPOINT_S = 60.0  # to write one periodic checkpoint: a few GB to a local disk or over the network

IDEA_NAMES = {PLANNING.name: "planner", GRACE.name: "notice"}
SHORT = {
    "cost_usd": "cost $",
    "work_lost_h": "lost h",
    "completion_p50_h": "p50 h",
    "completion_p95_h": "p95 h",
    "tasks_done": "done",
}
NOTE = """\
planner: Kuhn-Munkres minus nearest first. notice: state saved within the grace period minus nothing saved then.
Paired means over {episodes} worlds [95 % bootstrap interval], policy {policy}; * clear of 0; = equal in every world. Below
0 the idea helps, in tasks done above 0; p50 and p95 are of the hours from a task's arrival to its completion. Periodic checkpoints take {cost:.0f} s; their interval is Young's sqrt(2 C M) or
Daly's higher order, with M, spot hours an interruption, measured in other worlds.
A nil difference of the planners is no accident: a task's cost on an instance is what is left of set-up there plus
state / bandwidth, and where all bandwidths are equal the first part depends on the instance alone and the second on the
task alone, so that any assignment of all tasks costs the same. Unlike bandwidths, or memory that not every task fits,
make them differ, and only where several tasks are displaced at one instant."""


def measured(name: str, quick: bool) -> list[Row]:
    """The rows of one preset, on the part of its trace that is for reports."""
    scenario = report_scenario(small(load_scenario(name)) if quick else load_scenario(name))
    episodes = QUICK_EPISODES if quick else EPISODES
    settings = periodic_settings(scenario, POLICY, episodes, SEED, CHECKPOINT_S)
    return ablate(scenario, POLICY, episodes, SEED, settings=settings)


def small(scenario: Scenario) -> Scenario:
    """With ten tasks."""
    return load_scenario(scenario, **{"task.count": 10})


def cells(name: str, row: Row) -> tuple[str, ...]:
    """A row of the table."""
    interval = OFF if row.interval_h is None else f"{row.periodic} {row.interval_h:.2f} h"
    shown = [text_of(row.differences.get(metric)) for metric in METRICS]
    return (name, IDEA_NAMES[row.idea], interval, *shown)


def text_of(one: Difference | None) -> str:
    """A difference with its interval below it."""
    if one is None:
        return "-"
    if not one.unequal_worlds:
        return "="
    value = one.difference
    mark = " *" if value.is_clear_of_zero else ""
    return f"{value.mean:+.2f}{mark}\n[{value.low:+.2f}, {value.high:+.2f}]"


def measure(quick: bool) -> Report:
    """The table."""
    present = [name for name in SCENARIOS if name in preset_names()]
    rows = [cells(name, row) for name in present for row in measured(name, quick)]
    episodes = QUICK_EPISODES if quick else EPISODES
    return Report(
        "What the optimal assignment and the grace period are worth",
        NOTE.format(episodes=episodes, policy=POLICY, cost=CHECKPOINT_S),
        ("scenario", "idea", "periodic", *SHORT.values()),
        tuple(rows),
    )


if __name__ == "__main__":
    run_alone(measure, __doc__)
