"""Availability and cost of policies for services, in the same windows of recorded zones, against SpotHedge's.

By itself it plays the hours that are for development. `--report` plays the other hours of the bundled recording, where
nothing was chosen, and the recordings published with SkyServe if `--recordings` says where they lie, and keeps the
tables as JSON: half an hour. `python -m benchmarks` leaves it out.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from agents.worlds import development_seed
from benchmarks.common import CORES, Report, check_least, is_kept, keep, keeping_parser, machine
from benchmarks.studies.blocks import blocks_of
from benchmarks.studies.service_cases import (
    AFTER,
    BEFORE,
    SPLIT_H,
    Case,
    Player,
    main_cases,
    other_cases,
    recorded_cases,
)
from tessera_env.evaluation.block_bootstrap import block_sums
from tessera_env.evaluation.statistics import Estimate
from tessera_env.files.paths import expanded
from tessera_env.files.streams import take_any_text
from tessera_env.policies import pretrained_names
from tessera_env.policies.folder import read_card
from tessera_env.policies.pretrained import pretrained_folder

KEPT = Path("runs/services.json")
TRAINED = ("pretrained/service", "pretrained/service-1", "pretrained/service-2")
REFERENCE: Player = ("spot_hedge", 1)
OMNISCIENT: Player = ("omniscient", 0)  # the least cost for who knows the window
MENDED: Player = ("spot_hedge_plus", 1)
PLAYERS: tuple[Player, ...] = (
    ("on_demand_only", 0),
    ("static_mix:share=0.5", 0),
    ("even_spread", 1),
    ("round_robin", 1),
    ("spot_hedge", 0),
    REFERENCE,
    ("spot_hedge", 2),
    ("spot_hedge:ties=cheapest", 1),
    MENDED,
)
WANTED = 0.999  # availability for which the cheapest policy is named
LADDER: tuple[Player, ...] = (  # which that is looked for among
    *(("spot_hedge", extra) for extra in range(5)),
    *(("spot_hedge:ties=cheapest", extra) for extra in range(1, 5)),
    *(("spot_hedge:safety_net=1", extra) for extra in range(3)),
    *(("even_spread", extra) for extra in (2, 4, 6)),
    *((f"spot_hedge_plus:outage_h={value}", 1) for value in (1, 2, 4, 8, 16, 32)),
    *((f"pretrained/service:outage={value}", 1) for value in (2, 4, 8, 16)),
    ("static_mix:share=0.5", 0),
    ("on_demand_only", 0),
)
WINDOWS, QUICK_WINDOWS = 128, 2
LATENCY_COLUMNS = ("P50 s", "P99 s")
FRONTIER: tuple[Player, ...] = (  # from cheap to available
    *(("spot_hedge", extra) for extra in range(3)),
    *((f"spot_hedge_plus:outage_h={value}", 1) for value in (2, 3.5, 7, 14, 28)),
    *((f"pretrained/service:outage={value}", 1) for value in (0.5, 1, 2, 4, 8)),
)
FRONTIER_NOTE = """\
As above, against {reference} with 1 extra, in the same windows: what an outage is worth goes from low to high."""
COLUMNS = ("policy", "extra", "availability %", "of on-demand %", "availability more, points", "cost / its cost")
NOTE = """\
{windows} windows of a day in hours {first:g} to {last:g}; cost in % of on-demand alone for the target. More, and its:
than {reference} with 1 extra, in the same windows; [95 % interval of bootstrap resamples of {blocks}];
* clear of 0, of 1."""
CASES_NOTE = """\
As above; more and cost against {reference} with 1 extra, in the same windows. SHA-256 of the weights: {weights}."""
LEAST_NOTE = """\
Of {count} policies with their extra replicas the cheapest that is available {wanted} of the time or more, chosen in
hours before {split:g} (availability and cost there), then played in the hours from {split:g} on."""


def trained() -> tuple[Player, ...]:
    """The trained policies that there are."""
    return tuple((name, 1) for name in TRAINED if name in pretrained_names())


def compared(own: np.ndarray, other: np.ndarray, blocks: np.ndarray) -> tuple[Estimate, Estimate]:
    """Of two policies' figures (n, 2) each: points of availability more, and the ratio of costs."""
    sums = block_sums(np.stack([own, other, np.ones_like(own)], axis=1), blocks, 0)
    more = sums.estimate(lambda s: 100.0 * (s[..., 0, 0] - s[..., 1, 0]) / s[..., 2, 0])
    return more, sums.estimate(lambda s: s[..., 0, 1] / s[..., 1, 1])


def cells(own: np.ndarray, other: np.ndarray, blocks: np.ndarray) -> tuple[str, str]:
    """The two as text."""
    more, ratio = compared(own, other, blocks)
    clear = [" *" if one.low > value or one.high < value else "" for one, value in ((more, 0.0), (ratio, 1.0))]
    return (
        f"{more.mean:+.3f} [{more.low:+.3f}, {more.high:+.3f}]{clear[0]}",
        f"{ratio.mean:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]{clear[1]}",
    )


def shares(figures: np.ndarray) -> tuple[str, str]:
    """Availability and cost, in %."""
    return f"{100.0 * figures[:, 0].mean():.3f}", f"{100.0 * figures[:, 1].mean():.1f}"


def latencies(figures: np.ndarray) -> tuple[str, ...]:
    """Requests' percentiles, s: means over windows; none where requests are not played."""
    return tuple(f"{value:.1f}" for value in figures[:, 2:].mean(axis=0))


def report(case: Case, windows: int) -> Report:
    """Every player in one case."""
    blocks, words = blocks_of(case.scenario(), windows, development_seed(), case.block_h)
    figures = {player: case.figures(player, windows) for player in (*PLAYERS, *trained())}
    if (least := case.least(windows)) is not None:
        figures[OMNISCIENT] = least
    rows = []
    for player, own in figures.items():
        against = ("", "") if player == REFERENCE else cells(own, figures[REFERENCE], blocks)
        rows.append((player[0], f"{player[1]}", *shares(own), *against, *latencies(own)))
    note = NOTE.format(windows=windows, first=case.from_h, last=case.until_h, reference=REFERENCE[0], blocks=words)
    columns = COLUMNS + (LATENCY_COLUMNS if len(rows[0]) > len(COLUMNS) else ())
    return Report(f"Services: {case.title}", note, columns, tuple(rows))


def cases_report(cases: Sequence[Case], windows: int) -> Report:
    """The mended rule and the first trained policy in many cases."""
    shown = [MENDED, *trained()[:1]]
    rows = []
    for case in cases:
        blocks, _ = blocks_of(case.scenario(), windows, development_seed(), case.block_h)
        reference = case.figures(REFERENCE, windows)
        row = [case.title, *shares(reference)]
        for player in shown:
            row += cells(case.figures(player, windows), reference, blocks)
        rows.append(tuple(row))
    columns = ["case", f"{REFERENCE[0]}: availability %", "of on-demand %"]
    for name, _ in shown:
        columns += [f"{name}: more, points", "cost / its cost"]
    weights = ", ".join(f"{name} {read_card(pretrained_folder(name)).sha256[:12]}" for name, _ in trained()) or "none"
    note = CASES_NOTE.format(reference=REFERENCE[0], weights=weights)
    return Report("Services with other zones and targets", note, tuple(columns), tuple(rows))


def frontier_report(cases: Sequence[Case], windows: int) -> Report:
    """What more availability costs under each policy."""
    rows = []
    for case in cases:
        blocks, _ = blocks_of(case.scenario(), windows, development_seed(), case.block_h)
        figures = {player: case.figures(player, windows) for player in FRONTIER}
        for (name, extra), own in figures.items():
            against = ("", "") if (name, extra) == REFERENCE else cells(own, figures[REFERENCE], blocks)
            rows.append((case.title, name, f"{extra}", *shares(own), *against))
    note = FRONTIER_NOTE.format(reference=REFERENCE[0])
    return Report("What more availability costs", note, ("case", *COLUMNS), tuple(rows))


def least_report(windows: int) -> Report:
    """The cheapest policy for an availability, preset by preset."""
    ladder = (*LADDER, *trained())
    rows = []
    for choosing, reporting in zip(main_cases(BEFORE), main_cases(AFTER), strict=True):
        tried = {player: choosing.figures(player, windows) for player in ladder}
        enough = [player for player, own in tried.items() if own[:, 0].mean() >= WANTED]
        best = min(enough, key=lambda player: tried[player][:, 1].mean())
        found = reporting.figures(best, windows)
        rows.append((choosing.title, best[0], f"{best[1]}", *shares(tried[best]), *shares(found)))
    note = LEAST_NOTE.format(count=len(ladder), wanted=f"{100.0 * WANTED:g} %", split=SPLIT_H)
    columns = (
        "preset",
        "policy",
        "extra",
        "availability %",
        "of on-demand %",
        "then: availability %",
        "of on-demand %",
    )
    return Report(f"The cheapest policy for {100.0 * WANTED:g} %", note, columns, tuple(rows))


def jobs(is_report: bool, recordings: Path | None, windows: int) -> list[partial[Report]]:
    """What makes each table."""
    hours = AFTER if is_report else BEFORE
    recorded = list(recorded_cases(recordings)) if is_report and recordings is not None else []
    made = [partial(report, case, windows) for case in (*main_cases(hours), *recorded)]
    made.append(partial(frontier_report, [*main_cases(hours), *recorded], windows))
    made.append(partial(cases_report, list(other_cases(hours)), windows))
    return [*made, partial(least_report, windows)] if is_report else made


def main(arguments: Sequence[str] | None = None) -> None:
    """Print each table, and keep those of a report."""
    take_any_text()
    options = keeping_parser(__doc__, KEPT)
    options.add_argument("--report", action="store_true", help="play the hours that are for reporting")
    options.add_argument("--recordings", type=expanded, help="with --report: the folder of SkyServe's recordings")
    options.add_argument("--processes", type=int, default=CORES, metavar="N", help="the results do not depend on it")
    given = options.parse_args(arguments)
    try:
        check_least("--processes", given.processes, 1)
        if given.recordings is not None and not given.recordings.is_dir():
            raise ValueError(
                f"--recordings: {given.recordings}: no such folder (needed: one with a folder a recording)"
            )
        to_keep = given.report and is_kept(given, KEPT)
    except (ValueError, OSError) as error:
        options.exit(2, f"{error}\n")
    reports = []
    with ProcessPoolExecutor(given.processes, mp_context=get_context("spawn")) as pool:
        asked = jobs(given.report, given.recordings, QUICK_WINDOWS if given.quick else WINDOWS)
        for done in [pool.submit(job) for job in asked]:
            reports.append(done.result())
            reports[-1].print()
    print(machine())
    if to_keep:
        keep(reports, given)


if __name__ == "__main__":
    main()
