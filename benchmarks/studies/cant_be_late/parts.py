"""What is played: recordings, and each combination of a zone, a deadline and a changeover as a scenario."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tessera_env.recordings.bundled import AWS_V100_2023, BUNDLED
from tessera_env.recordings.traces.reading import read_series
from tessera_env.recordings.traces.series import Series
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario

PRESET = "deadline-aws"
DEADLINES_H = (52.0, 60.0, 70.0)
CHANGEOVERS_H = (0.02, 0.05, 0.1, 0.2)
SPLIT_H = BUNDLED[AWS_V100_2023].split_h  # before it for choices, from it on for reports
PUBLISHED_PRICE = 0.9731  # $/h, where none was recorded

TRACES = Path(os.environ.get("TESSERA_TRACES", Path(__file__).parents[4] / "shared" / "traces"))
OTHER_MONTHS = "spot_preemption"


@dataclass(frozen=True)
class Part:
    """Recordings that are played alike."""

    title: str
    note: str  # what was recorded, and what is assumed where nothing was
    zones: Mapping[str, Mapping[str, Any]]  # by name, what makes the preset play it

    def scenario(self, zone: str, deadline_h: float, changeover_h: float) -> Scenario:
        """One combination. All share the preset's horizon, so that all see the same windows of their recording."""
        task = {"task.deadline_h": deadline_h, "pools.0.setup_h": changeover_h}
        return load_scenario(PRESET, **{**self.zones[zone], **task})


def report_part() -> Part:
    """The bundled recording from the split hour on."""
    note = f"{AWS_V100_2023}, recorded hours from {SPLIT_H:g} on, at recorded prices."
    return Part("Hours kept for reports", note, _bundled_zones(SPLIT_H, None))


def development_part() -> Part:
    """The bundled recording before the split hour: what choices may rest on."""
    note = f"{AWS_V100_2023}, recorded hours before {SPLIT_H:g}, at recorded prices: for choices, not for reports."
    return Part("Hours for development", note, _bundled_zones(0.0, SPLIT_H))


def _bundled_zones(from_h: float, until_h: float | None) -> dict[str, dict[str, Any]]:
    window = {"market.from_h": from_h, "market.until_h": until_h}
    return {_short(one.name): {**window, "pools.0.trace_zone": one.name} for one in read_series([AWS_V100_2023])}


def other_months_part(folder: Path = TRACES) -> Part | None:
    """Recordings of another month beside the project; None: they are not there.

    Raises:
        TraceError: a file cannot be used; one line.
    """
    zones, unpriced = {}, []
    for series, path in _other_months(folder):
        price: dict[str, Any] = {"source": "trace"}
        if series.price is None:
            price = {"source": "constant", "usd_per_h": PUBLISHED_PRICE}
            unpriced.append(_short(series.name))
        zones[_short(series.name)] = {
            "market.trace": [str(path)],
            "market.polarity": "available",  # the publisher: 1 while a held spot instance lived
            "market.from_h": 0.0,
            "market.until_h": None,
            "pools.0.trace_zone": series.name,
            "pools.0.price": price,
        }
    assumed = f"; in {', '.join(unpriced)} none was recorded: {PUBLISHED_PRICE} $/h" if unpriced else ""
    note = f"{OTHER_MONTHS}: when a held spot instance lived, from 2023-04-22 on, at recorded prices{assumed}."
    return Part("Recordings of another month", note, zones) if zones else None


def _other_months(folder: Path) -> Iterator[tuple[Series, Path]]:
    for path in sorted((folder / OTHER_MONTHS).glob("*.json")):
        for series in read_series([str(path)], "available"):
            yield series, path


def _short(zone: str) -> str:
    """Without the machine's name, which is the same everywhere."""
    return zone.removesuffix("_v100_1")
