"""Tasks that compete: every rule, the trained policies and the bound on worlds that nothing was chosen by.

`python -m benchmarks.studies.fleet` plays 200 worlds of seed 1 of each preset, recorded hours from 700 on where hours
are recorded, and keeps the tables as JSON; `rolling_plan`'s programmes take most of the twenty minutes.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from agents.worlds import report_scenario
from benchmarks.common import CORES, Report, check_least, is_kept, keep, keeping_parser
from benchmarks.studies.blocks import blocks_of
from tessera_env.evaluation.block_bootstrap import block_sums
from tessera_env.evaluation.experiment import evaluate
from tessera_env.evaluation.optimum.fleet import fleet_bound_usd
from tessera_env.evaluation.statistics import Estimate
from tessera_env.files.streams import take_any_text
from tessera_env.policies import pretrained_names
from tessera_env.policies.folder import read_card
from tessera_env.policies.pretrained import pretrained_folder
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario

PRESETS = ("fleet", "fleet-mixed", "classic")
RULES = ("on_demand_only", "on_demand_fallback", "greedy", "fleet_threshold", "yielding", "rolling_plan")
TRAINED = ("pretrained/fleet", "pretrained/fleet-1", "pretrained/fleet-2")
BASELINE, BOUND = "greedy", "bound"
BEFORE = "greedy, options off"  # as it is asked without the presets' options of asking and moving
OPTIONS_OFF = {
    "ask_at_freed_room": False,
    "ask_order": "arrival",
    "make_before_break": False,
    "just_in_time": False,
    "guard_counts_saves": False,
}
EPISODES, QUICK_EPISODES, SEED = 200, 4, 1
BLOCK_H = 48.0  # windows that start within so many hours of each other may overlap
KEPT = Path("runs/fleet.json")
NOTE = """\
{episodes} worlds, seed {seed}{hours}; the objective is cost and penalties; means [95 % interval of bootstrap resamples
over {blocks}]; * clear of 0. Gap closed: the share of the way from `{baseline}` down to `bound`, below which no policy
can be. Of the trained ones the first is for use; the others are of other seeds, and were trained less.{unlike}"""

Table = dict[str, np.ndarray]


@dataclass(frozen=True)
class Job:
    """One policy, or the bound, on one preset."""

    preset: str
    label: str
    episodes: int

    @property
    def scenario(self) -> Scenario:
        """The worlds."""
        off = OPTIONS_OFF if self.label == BEFORE else {}
        return report_scenario(load_scenario(self.preset, **off))

    def run(self) -> Table:
        """The metrics, (episodes,) each."""
        if self.label == BOUND:
            return {"objective_usd": fleet_bound_usd(self.scenario, SEED, self.episodes)}
        policy = BASELINE if self.label == BEFORE else self.label
        return evaluate(self.scenario, [policy], self.episodes, SEED, None).tables[policy]


def jobs_of(preset: str, episodes: int) -> list[Job]:
    """What is played, the slowest first."""
    trained = [name for name in TRAINED if name in pretrained_names()]
    before = [BEFORE] if preset != "classic" else []
    labels = ["rolling_plan", BOUND, *(rule for rule in RULES if rule != "rolling_plan"), *before, *trained]
    return [Job(preset, label, episodes) for label in labels]


def ordered(tables: dict[str, Table]) -> dict[str, Table]:
    """As they are shown."""
    order = [*RULES[:2], BEFORE, *RULES[2:], *TRAINED, BOUND]
    return {label: tables[label] for label in order if label in tables}


def mean_of(values: np.ndarray, blocks: np.ndarray) -> Estimate:
    """The mean and its interval."""
    rows = np.column_stack([values, np.ones(len(values))])
    return block_sums(rows, blocks, SEED).estimate(lambda sums: sums[..., 0] / sums[..., 1])


def gap_closed(values: np.ndarray, tables: dict[str, Table], blocks: np.ndarray) -> Estimate:
    """The share of the baseline's gap to the bound."""
    base, bound = (tables[name]["objective_usd"] for name in (BASELINE, BOUND))
    sums = block_sums(np.column_stack([base - values, base - bound]), blocks, SEED)
    return sums.estimate(lambda sums: 100.0 * sums[..., 0] / sums[..., 1])


def text_of(one: Estimate, form: str = ",.1f", is_difference: bool = False) -> str:
    """An estimate with its interval."""
    sign = "+" if is_difference else ""
    clear = (" *" if one.low > 0.0 or one.high < 0.0 else "") if is_difference else ""
    return f"{one.mean:{sign}{form}} [{one.low:{sign}{form}}, {one.high:{sign}{form}}]{clear}"


def row_of(label: str, tables: dict[str, Table], blocks: np.ndarray) -> tuple[str, ...]:
    """A policy's line of the first table."""
    table = tables[label]
    objective, base = table["objective_usd"], tables[BASELINE]["objective_usd"]
    difference = "baseline" if label == BASELINE else text_of(mean_of(objective - base, blocks), is_difference=True)
    closed = "" if label in (BASELINE, BOUND) else text_of(gap_closed(objective, tables, blocks), ".0f")
    shown = [f"{table[name].mean():,.1f}" if name in table else "" for name in ("cost_usd", "spot_h")]
    shown += [f"{table[name].mean():,.1f}" if name in table else "" for name in ("on_demand_h", "work_lost_h")]
    counts = [f"{int(table[name].sum()):,}" if name in table else "" for name in ("deadlines_missed", "tasks_done")]
    return (label, text_of(mean_of(objective, blocks)), difference, closed, *shown, *counts)


COLUMNS = (
    "policy",
    "objective $",
    f"difference to {BASELINE} $",
    "gap closed %",
    "cost $",
    "spot h",
    "on-demand h",
    "work lost h",
    "missed",
    "tasks done",
)


def main_report(preset: str, tables: dict[str, Table], episodes: int) -> Report:
    """Every policy of one preset."""
    scenario = report_scenario(load_scenario(preset))
    blocks, words = blocks_of(scenario, episodes, SEED, BLOCK_H)
    hours = f", recorded hours from {scenario.market.from_h:g} on" if scenario.replays else ""
    unlike = f" `{BEFORE}`: the same worlds with {', '.join(OPTIONS_OFF)} off." if BEFORE in tables else ""
    note = NOTE.format(episodes=episodes, seed=SEED, hours=hours, blocks=words, baseline=BASELINE, unlike=unlike)
    rows = tuple(row_of(label, tables, blocks) for label in tables)
    return Report(f"Tasks that compete: {preset}", note, COLUMNS, rows)


def difference_report(everything: dict[str, dict[str, Table]], episodes: int) -> Report:
    """The trained policies against each rule, preset by preset."""
    trained = [name for name in TRAINED if name in everything[PRESETS[0]]]
    rows = []
    for preset, tables in everything.items():
        blocks, _ = blocks_of(report_scenario(load_scenario(preset)), episodes, SEED, BLOCK_H)
        for rule in (label for label in tables if label not in (*TRAINED, BOUND)):
            apart = [tables[name]["objective_usd"] - tables[rule]["objective_usd"] for name in trained]
            rows.append((preset, rule, *(text_of(mean_of(one, blocks), is_difference=True) for one in apart)))
    weights = ", ".join(f"{name} {read_card(pretrained_folder(name)).sha256[:12]}" for name in trained)
    note = (
        "Paired differences of the objective in $, intervals as above; below 0 the trained policy is cheaper.\n"
        f"SHA-256 of the weights: {weights}."
    )
    return Report("The trained policies against each rule", note, ("preset", "against", *trained), tuple(rows))


def measure(episodes: int, processes: int) -> tuple[Report, ...]:
    """Play everything; the tables."""
    jobs = [job for preset in PRESETS for job in jobs_of(preset, episodes)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        played = dict(zip(jobs, pool.map(Job.run, jobs), strict=True))
    everything = {
        preset: ordered({job.label: table for job, table in played.items() if job.preset == preset})
        for preset in PRESETS
    }
    reports = [main_report(preset, tables, episodes) for preset, tables in everything.items()]
    return (*reports, difference_report(everything, episodes))


def main(arguments: Sequence[str] | None = None) -> None:
    """Play, print, keep."""
    take_any_text()
    options = keeping_parser(__doc__, KEPT)
    options.add_argument("--processes", type=int, default=CORES, metavar="N", help="the results do not depend on it")
    given = options.parse_args(arguments)
    try:
        check_least("--processes", given.processes, 1)
        to_keep = is_kept(given, KEPT)
    except (ValueError, OSError) as error:
        options.exit(2, f"{error}\n")
    reports = measure(QUICK_EPISODES if given.quick else EPISODES, given.processes)
    for report in reports:
        report.print()
    if to_keep:
        keep(reports, given)


if __name__ == "__main__":
    main()
