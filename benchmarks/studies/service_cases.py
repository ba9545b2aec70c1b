"""Services in windows of recorded zones: the presets, other zones and targets, and the recordings of SkyServe."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.worlds import development_seed
from tessera_env.evaluation.experiment import evaluate
from tessera_env.evaluation.optimum.service_plans import optimal_service
from tessera_env.recordings.bundled import AWS_V100_2023, BUNDLED
from tessera_env.recordings.traces.reading import read_series
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario

PRESETS = ("service", "service-spothedge")
SPLIT_H, END_H = BUNDLED[AWS_V100_2023].split_h, 1074.0
BEFORE, AFTER = (0.0, SPLIT_H), (SPLIT_H, END_H)  # hours for development, and for reports
FEW_ZONES, SOME_ZONES, ALL_ZONES = (3, 4, 8), (1, 2, 3, 5, 6, 8), tuple(range(9))
WINDOW_H, BLOCK_H = 24.0, 24.0
LEAST_BLOCKS = 4
FIGURES, LATENCIES = ("availability", "relative_cost"), ("requests_p50_s", "requests_p99_s")
Player = tuple[str, int]  # a policy, and the extra replicas that the scenario wants


@dataclass(frozen=True)
class Case:
    """A scenario, and the hours of its recording to play."""

    title: str
    values: dict[str, Any]
    from_h: float
    until_h: float

    def scenario(self, extra: int = 1) -> Scenario:
        """With so many extra replicas wanted."""
        market = {**self.values["market"], "from_h": self.from_h, "until_h": self.until_h}
        service = [{**self.values["service"][0], "extra": extra}]
        return load_scenario({**self.values, "horizon_h": WINDOW_H, "market": market, "service": service})

    @property
    def block_h(self) -> float:
        """Windows that start within so many hours of each other count as alike; they may still overlap."""
        return min(BLOCK_H, (self.until_h - self.from_h - WINDOW_H) / LEAST_BLOCKS)

    def figures(self, player: Player, windows: int) -> np.ndarray:
        """(n, 2) of windows drawn alike for each; (n, 4), latencies behind, where requests are played."""
        policy, extra = player
        table = evaluate(self.scenario(extra), [policy], windows, development_seed(), None).tables[policy]
        return np.column_stack([table[name] for name in (*FIGURES, *LATENCIES) if name in table])

    def least(self, windows: int) -> np.ndarray | None:
        """(n, 2) of the plan that knows each window and is never below the target; None: time does not go by ticks."""
        if not self.values["service"][0]["decides_before_market"]:
            return None
        table = optimal_service(self.scenario(), development_seed(), windows)
        return np.column_stack([table[name] for name in FIGURES])


def with_pools(
    preset: str, chosen: Sequence[int] | list[dict[str, Any]], target: int, **changes: Any
) -> dict[str, Any]:
    """A preset's values with some of its pools, or others, and another target."""
    values = load_scenario(preset).model_dump(mode="json")
    pools = [values["pools"][one] if isinstance(one, int) else one for one in chosen]
    service = {**values["service"][0], "target": target}
    return {**values, "name": "custom", "pools": pools, "service": [service], **changes}


def main_cases(hours: tuple[float, float]) -> Iterator[Case]:
    """The presets as they are."""
    for preset in PRESETS:
        yield Case(preset, with_pools(preset, ALL_ZONES, 4), *hours)


def other_cases(hours: tuple[float, float]) -> Iterator[Case]:
    """The presets with zones in the other order, with fewer, and with other targets."""
    for preset in PRESETS:
        for chosen, target in (
            (ALL_ZONES[::-1], 4),
            (SOME_ZONES, 4),
            (FEW_ZONES, 3),
            *((ALL_ZONES, n) for n in (2, 3, 8)),
        ):
            title = f"{preset}, zones {''.join(map(str, chosen))}, target {target}"
            yield Case(title, with_pools(preset, chosen, target), *hours)


def recorded_cases(folder: Path) -> Iterator[Case]:
    """SkyServe's own recordings, one folder of JSON files each, under the rules of its simulator."""
    pool = load_scenario("service-spothedge").model_dump(mode="json")["pools"][0]
    for each in sorted(path for path in folder.iterdir() if path.is_dir()):
        paths = tuple(str(path) for path in sorted(each.glob("*.json")))
        series = read_series(paths, "available")
        capacity = {"source": "trace", "instances": 1}
        pools = [{**pool, "name": s.name, "zone": s.name, "trace_zone": s.name, "capacity": capacity} for s in series]
        market = {"trace": paths, "polarity": "available"}
        until_h = math.nextafter(min(s.end_s for s in series) / 3600.0, 0.0)
        for target in (3, 4):
            values = with_pools("service-spothedge", pools, target, market=market)
            yield Case(f"{each.name}, target {target}", values, 0.0, until_h)
