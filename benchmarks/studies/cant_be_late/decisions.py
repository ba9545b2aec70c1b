"""What policies do, from the decisions in logged episodes: with outages, with spot that is back, ahead or behind.

The jobs are those of `benchmarks.studies.cant_be_late`: every zone, deadline and changeover.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.common import Report, Reports, check_least, machine, parser, telling
from benchmarks.studies.cant_be_late.behaviour import MOMENTS, Behaviour, Outage, behaviour
from benchmarks.studies.cant_be_late.parts import Part, development_part, report_part
from benchmarks.studies.cant_be_late.playing import SEED, TOY, Grid, make_players
from benchmarks.studies.cant_be_late.tables import display_name
from tessera_env.evaluation.episodes import play_episode
from tessera_env.files.paths import expanded
from tessera_env.files.streams import take_any_text
from tessera_env.files.writing import check_outputs
from tessera_env.policies import Policy

RULES = ("uniform_progress", "greedy", "slack_threshold")
WINDOWS = 5
SLACK_H = (1.0, 2.0, 4.0, 8.0)  # where the classes of slack end

Jobs = list[tuple[float, Behaviour]]  # of one policy, with each job's changeover, hours

OUTAGES_NOTE = """\
Outages: times without spot that begin while the job runs on spot or holds nothing; a job. Slack: time left less work
left, at their start. Waited: through, until spot is back. At once: on-demand at the very start. Later: on-demand after
so many hours, on average."""
SPELLS_NOTE = """\
Outages as above. Spells: times with spot that begin while the job runs on on-demand; a job. Skipped: of them, in which
it stays there; taken: after so many minutes, on average. Stretches on on-demand: a job, and their mean length."""
PROGRESS_NOTE = """\
Ahead: work done less even progress up to the deadline, hours, after that share of the time; mean [10 %, 90 % of jobs].
Given up: times that on-demand was left for nothing; a job."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Play, print, keep."""
    take_any_text()
    made = command_line()
    given = made.parse_args(arguments)
    try:
        check_outputs({"--json": given.json})
        check_least("--windows", given.windows, 1)
        check_least("--seed", given.seed, 0)
        players = make_players([*RULES, *given.policies], given.seed)
    except (ValueError, OSError) as error:
        made.exit(2, f"{error}\n")
    part = development_part() if given.development else report_part()
    grid = TOY if given.quick else Grid(given.windows, given.seed)
    jobs = {label: play_jobs(part, policy, grid, display_name(label)) for label, policy in players.items()}
    reports = (outages(part, jobs), spells(part, jobs), progress(part, jobs))
    for report in reports:
        report.print()
    if given.json:
        with telling():
            Reports(machine(), given.quick, reports).write_json(given.json)


def command_line() -> argparse.ArgumentParser:
    """What can be asked for."""
    made = parser(__doc__)
    made.add_argument("--policies", nargs="+", default=[], metavar="POLICY", help=f"beside {', '.join(RULES)}")
    made.add_argument("--windows", type=int, default=WINDOWS, metavar="N", help=f"of each zone, {WINDOWS}")
    made.add_argument("--seed", type=int, default=SEED, metavar="N", help=f"of the windows, {SEED}")
    made.add_argument("--development", action="store_true", help="hours for development instead of those for reports")
    made.add_argument("--json", type=expanded, metavar="FILE", help="keep the tables")
    return made


def play_jobs(part: Part, policy: Policy, grid: Grid, name: str) -> Jobs:
    """Every job of the grid."""
    places = [(z, d, s) for z in grid.zones_of(part) for d in grid.deadlines_h for s in grid.changeovers_h]
    console = Console(stderr=True)
    return [
        (changeover_h, behaviour(play_episode(scenario, policy, grid.seed, world)))
        for zone, deadline_h, changeover_h in track(
            places, name, transient=True, console=console, disable=not console.is_terminal
        )
        for scenario in [part.scenario(zone, deadline_h, changeover_h)]
        for world in range(grid.windows)
    ]


def outages(part: Part, jobs: Mapping[str, Jobs]) -> Report:
    """By policy and slack."""
    rows = []
    for label, played in jobs.items():
        classes = grouped((slack_class(one.slack_h), one) for _, job in played for one in job.outages)
        rows += [(display_name(label), name, *outage_cells(classes[name], len(played))) for name in SLACK_CLASSES]
    columns = ("policy", "slack, h", "outages", "waited %", "at once %", "later %", "after h")
    return Report(f"{part.title}: what is done about outages, by slack", OUTAGES_NOTE, columns, tuple(rows))


def spells(part: Part, jobs: Mapping[str, Jobs]) -> Report:
    """By policy and changeover."""
    rows = []
    for label, played in jobs.items():
        for changeover_h, group in sorted(grouped(played).items()):
            found = [one for job in group for one in job.outages]
            back = [one for job in group for one in job.spells]
            taken = [60.0 * one.taken_after_h for one in back if one.taken_after_h is not None]
            stretches = [hours for job in group for hours in job.on_demand_h]
            cells = outage_cells(found, len(group))
            skipped = (f"{len(back) / len(group):.1f}", share(len(back) - len(taken), len(back)), average(taken, 0))
            running = (f"{len(stretches) / len(group):.1f}", average(stretches, 1))
            rows.append((display_name(label), f"{changeover_h:g}", *cells, *skipped, *running))
    columns = (
        "policy", "change-\nover, h", "out-\nages", "waited\n%", "at\nonce %", "later\n%", "after\nh",
        "spells", "skipped\n%", "taken\nmin", "stret-\nches", "each\nh",
    )  # fmt: skip
    return Report(f"{part.title}: outages and spot that is back, by changeover", SPELLS_NOTE, columns, tuple(rows))


def progress(part: Part, jobs: Mapping[str, Jobs]) -> Report:
    """Ahead of even progress."""
    rows = []
    for label, played in jobs.items():
        ahead = np.array([job.ahead_h for _, job in played])  # (jobs, moments)
        low, high = np.quantile(ahead, [0.1, 0.9], axis=0)
        cells = [f"{m:+.1f} [{a:+.1f}, {b:+.1f}]" for m, a, b in zip(ahead.mean(axis=0), low, high, strict=True)]
        rows.append((display_name(label), *cells, f"{np.mean([job.given_up for _, job in played]):.1f}"))
    columns = ("policy", *(f"after {100 * moment:.0f} %" for moment in MOMENTS), "given up")
    return Report(f"{part.title}: work done against even progress", PROGRESS_NOTE, columns, tuple(rows))


def outage_cells(found: Sequence[Outage], jobs: int) -> tuple[str, ...]:
    """How many a job, and what was done about them."""
    later = [one.waited_h for one in found if one.waited_h]
    at_once, waited = (sum(one.waited_h == end for one in found) for end in (0.0, None))
    shares = (share(count, len(found)) for count in (waited, at_once, len(later)))
    return (f"{len(found) / jobs:.1f}", *shares, average(later, 1))


def slack_class(slack_h: float) -> str:
    """The name of the class that a slack is in."""
    return SLACK_CLASSES[int(np.searchsorted(SLACK_H, slack_h, side="right"))]


def grouped(pairs: Iterable[tuple[Any, Any]]) -> Mapping[Any, list[Any]]:
    """The values of each key."""
    groups: dict[Any, list[Any]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def share(count: int, of: int) -> str:
    """In per cent."""
    return f"{100 * count / of:.0f}" if of else "–"


def average(values: Sequence[float], decimals: int) -> str:
    """The mean."""
    return f"{np.mean(values):.{decimals}f}" if values else "–"


SLACK_CLASSES = (
    f"below {SLACK_H[0]:g}",
    *(f"{low:g} to {high:g}" for low, high in pairwise(SLACK_H)),
    f"{SLACK_H[-1]:g} or more",
)

if __name__ == "__main__":
    main()
