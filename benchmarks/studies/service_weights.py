"""What `shortfall_weight` makes of what is learned: availability against cost, a short search for each weight.

Each search is by the settings of the scenario `service-train`, with fewer decisions and its weight, and is played in
windows of hours that are for development, in the presets of services.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from agents.evolution.settings import load_settings
from agents.evolution.training import EvolutionRun, evolve
from agents.worlds import development_seed
from benchmarks.common import Report, run_kept
from benchmarks.studies.blocks import blocks_of
from benchmarks.studies.service_cases import BEFORE, main_cases
from benchmarks.studies.services import REFERENCE, cells, shares
from tessera_env.scenario.loading import load_scenario

KEPT = Path("runs/service_weights.json")
SCENARIO = "service-train"
WEIGHTS, QUICK_WEIGHTS = (5.0, 15.0, 40.0, 160.0), (40.0,)
STEPS, QUICK_STEPS = 45_000_000, 2_000
WINDOWS, QUICK_WINDOWS = 128, 2
COLUMNS = ("preset", "weight", "availability %", "of on-demand %", "availability more, points", "cost / its cost")
NOTE = """\
{windows} windows of a day in hours {first:g} to {last:g}; more, and its: than {reference} with 1 extra, in the same
windows, as in the tables above. {steps:,} decisions of training each, seed 0."""


def searched(weight: float, folder: Path, quick: bool) -> Path:
    """The folder of a search with that weight, in all that counts in it."""
    settings = load_settings(SCENARIO, {"total_steps": QUICK_STEPS if quick else STEPS}, is_service=True)
    values = settings.model_dump()
    for one in values["beside"].values():
        one["changes"]["service.0.shortfall_weight"] *= weight / load_scenario(SCENARIO).service[0].shortfall_weight
    if quick:
        values |= {"pairs": 2, "beside": {}, "evaluation_worlds": 2}
    scenario = load_scenario(SCENARIO, **{"service.0.shortfall_weight": weight})
    run = EvolutionRun.create(folder / f"{weight:g}", scenario, type(settings).model_validate(values))
    evolve(run, Console(quiet=True))
    return run.folder


def measure(quick: bool) -> Report:
    """Search and play with each weight."""
    windows, rows = QUICK_WINDOWS if quick else WINDOWS, []
    with TemporaryDirectory() as folder:
        found = {weight: searched(weight, Path(folder), quick) for weight in (QUICK_WEIGHTS if quick else WEIGHTS)}
        for case in main_cases(BEFORE):
            reference = case.figures(REFERENCE, windows)
            blocks, _ = blocks_of(case.scenario(), windows, development_seed(), case.block_h)
            for weight, path in found.items():
                own = case.figures((str(path), 1), windows)
                rows.append((case.title, f"{weight:g}", *shares(own), *cells(own, reference, blocks)))
    note = NOTE.format(
        windows=windows, first=BEFORE[0], last=BEFORE[1], reference=REFERENCE[0], steps=QUICK_STEPS if quick else STEPS
    )
    return Report("Services: what time below the target is worth", note, COLUMNS, tuple(rows))


if __name__ == "__main__":
    run_kept(measure, __doc__, KEPT)
