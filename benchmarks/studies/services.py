"""Availability and cost of the rules for services, in the same windows of recorded zones, against SpotHedge's.

Intervals are of bootstrap resamples of windows; these overlap, so that the intervals are narrower than they should be
where the recording is short. By itself it plays the hours for development; `--report` plays the other hours of the
bundled recording, and each folder of SkyServe's own recordings in `--recordings`. `python -m benchmarks` leaves it out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.worlds import development_seed
from benchmarks.common import Report, machine, parser
from tessera_env.evaluation.block_bootstrap import block_sums
from tessera_env.evaluation.experiment import evaluate
from tessera_env.files.paths import expanded
from tessera_env.files.streams import take_any_text
from tessera_env.recordings.bundled import AWS_V100_2023, BUNDLED
from tessera_env.recordings.traces.reading import read_series
from tessera_env.scenario.loading import load_scenario

PRESETS = ("service", "service-spothedge")
FEW_ZONES, SOME_ZONES = (3, 4, 8), (1, 2, 3, 5, 6, 8)
REFERENCE = ("spot_hedge", 1)
PLAYERS = (  # policies, and the extra replicas that the scenario wants
    REFERENCE,
    ("spot_hedge", 0),
    ("spot_hedge", 2),
    ("spot_hedge:ties=cheapest", 1),
    ("spot_hedge_plus", 1),
)
WINDOW_H = 24.0
WINDOWS, QUICK_WINDOWS = 128, 2
FIGURES = ("availability", "relative_cost")
COLUMNS = ("policy", "extra", "availability", "cost", "availability more, 1e-4", "cost / its cost")
NOTE = """\
{windows} windows of a day in hours {first:g} to {last:g}. Cost: of on-demand alone for the target. More, and its: than
of {reference}, in the same windows, with the 95 % interval of bootstrap resamples of windows."""


@dataclass(frozen=True)
class Case:
    """A scenario, and the hours of its recording to play."""

    title: str
    values: dict[str, Any]
    from_h: float
    until_h: float

    def figures(self, policy: str, extra: int, windows: int) -> np.ndarray:
        """(n, 2) of windows drawn alike for each policy."""
        values = {**self.values, "horizon_h": WINDOW_H}
        values["market"] = {**values["market"], "from_h": self.from_h, "until_h": self.until_h}
        values["service"] = [{**values["service"][0], "extra": extra}]
        table = evaluate(load_scenario(values), [policy], windows, development_seed(), None).tables[policy]
        return np.column_stack([table[name] for name in FIGURES])


def bundled_cases(is_report: bool) -> Iterator[Case]:
    """The presets with all zones, with some in either order, and with other targets."""
    split_h = BUNDLED[AWS_V100_2023].split_h
    hours = (split_h, 1074.0) if is_report else (0.0, split_h)
    for preset in PRESETS:
        values = load_scenario(preset).model_dump(mode="json")
        zones = tuple(range(len(values["pools"])))
        choices = [(zones, 4), (zones[::-1], 4), (SOME_ZONES, 4), (FEW_ZONES, 3), (zones, 2), (zones, 3), (zones, 8)]
        for chosen, target in choices:
            title = f"{preset}, zones {''.join(map(str, chosen))}, target {target}"
            yield Case(title, with_pools(values, [values["pools"][k] for k in chosen], target), *hours)


def recorded_cases(folder: Path) -> Iterator[Case]:
    """SkyServe's own recordings, one folder of JSON files each."""
    values = load_scenario("service-spothedge").model_dump(mode="json")
    for each in sorted(path for path in folder.iterdir() if path.is_dir()):
        paths = tuple(str(path) for path in sorted(each.glob("*.json")))
        series = read_series(paths, "available")
        capacity = {"source": "trace", "instances": 1}
        pool = values["pools"][0]
        pools = [{**pool, "name": s.name, "zone": s.name, "trace_zone": s.name, "capacity": capacity} for s in series]
        recorded = {**values, "market": {"trace": paths, "polarity": "available"}}
        until_h = min(s.end_s for s in series) / 3600.0
        yield Case(f"{each.name}, target 4", with_pools(recorded, pools, 4), 0.0, until_h)


def with_pools(values: dict[str, Any], pools: list[dict[str, Any]], target: int) -> dict[str, Any]:
    """The scenario's values with other pools and another target."""
    service = {**values["service"][0], "target": target}
    return {**values, "name": "custom", "pools": pools, "service": [service]}


def report(case: Case, windows: int) -> Report:
    """The table of a case."""
    figures = {player: case.figures(*player, windows) for player in PLAYERS}
    return Report(
        case.title,
        NOTE.format(windows=windows, first=case.from_h, last=case.until_h, reference=REFERENCE[0]),
        COLUMNS,
        tuple((name, f"{extra}", *cells(figures[name, extra], figures[REFERENCE])) for name, extra in PLAYERS),
    )


def cells(own: np.ndarray, other: np.ndarray) -> tuple[str, ...]:
    """Means, and the differences to the reference, (n, 2) each."""
    sums = block_sums(np.stack([own, other, np.ones_like(own)], axis=1), np.arange(len(own)), 0)
    less = sums.estimate(lambda s: 1e4 * (s[..., 0, 0] - s[..., 1, 0]) / s[..., 2, 0])
    ratio = sums.estimate(lambda s: s[..., 0, 1] / s[..., 1, 1])
    differences = f"{less.mean:+.1f} [{less.low:+.1f}, {less.high:+.1f}]"
    ratios = f"{ratio.mean:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"
    return (f"{own[:, 0].mean():.4f}", f"{own[:, 1].mean():.4f}", differences, ratios)


def main() -> None:
    """Print each table as soon as it is played."""
    take_any_text()
    asked = parser(__doc__)
    asked.add_argument("--report", action="store_true", help="play the hours that are for reporting")
    asked.add_argument("--recordings", type=expanded, help="with --report: the folder of SkyServe's recordings")
    given = asked.parse_args()
    cases = list(bundled_cases(given.report))
    if given.report and given.recordings is not None:
        cases += recorded_cases(given.recordings)
    for case in cases:
        report(case, QUICK_WINDOWS if given.quick else WINDOWS).print()
    print(machine())


if __name__ == "__main__":
    main()
