"""What an evaluation found, and its JSON: the same inputs give the same bytes."""

import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tessera_env.files import write_text
from tessera_env.statistics import Estimate, bootstrap_means, estimate, savings
from tessera_env.text_files import read_text

SCHEMA = 1
ON_DEMAND = "on_demand_only"  # what savings are measured against, where it is evaluated

Table = dict[str, np.ndarray]  # one metric's episodes by name, each (episodes,)


class ResultsError(ValueError):
    """A file that holds no results; one line."""


@dataclass(frozen=True)
class Summary:
    """One policy over all worlds."""

    cost_usd: Estimate
    difference_usd: Estimate | None  # cost minus the baseline's in the same worlds; None: it is the baseline
    savings: Estimate | None  # share of OnDemandOnly's mean cost; None: that was not evaluated
    means: dict[str, float | None]  # of every metric over the episodes that have it; None: no episode has


@dataclass(frozen=True)
class Results:
    """Every policy's episodes in the same worlds; row k of every table is world k of the seed."""

    scenario: dict[str, Any]  # in full
    seed: int
    baseline: str | None
    versions: dict[str, str]
    policies: dict[str, dict[str, Any]]  # by label: name, and what identifies an exported network
    tables: dict[str, Table]  # by label, in the order given

    @property
    def episodes(self) -> int:
        """Worlds played by each policy."""
        return len(next(iter(self.tables.values()))["cost_usd"])

    @cached_property
    def summary(self) -> dict[str, Summary]:
        """Means, intervals and comparisons by label; all intervals rest on the same resampled worlds."""
        labels = list(self.tables)
        costs = np.column_stack([self.tables[label]["cost_usd"] for label in labels]).astype(np.float64)
        resampled = bootstrap_means(costs, self.seed)
        columns = {label: (costs[:, k], resampled[:, k]) for k, label in enumerate(labels)}
        return {label: self._summarise(label, columns) for label in labels}

    def _summarise(self, label: str, columns: dict[str, tuple[np.ndarray, np.ndarray]]) -> Summary:
        cost, resampled = columns[label]
        difference = saved = None
        if self.baseline is not None and label != self.baseline:
            base, resampled_base = columns[self.baseline]
            difference = estimate(cost - base, resampled - resampled_base)
        if ON_DEMAND in columns and label != ON_DEMAND and columns[ON_DEMAND][0].mean() > 0:
            full, resampled_full = columns[ON_DEMAND]
            saved = savings(cost, full, resampled, resampled_full)
        means = {metric: _mean(values) for metric, values in self.tables[label].items()}
        return Summary(estimate(cost, resampled), difference, saved, means)

    def to_json(self) -> str:
        """JSON with sorted keys, no clock time, null for what an episode does not have, and one episode a line."""
        rows = [row for label in self.tables for row in self._rows(label)]
        parts = {
            "baseline": _dumps(self.baseline),
            "episodes": "[\n" + ",\n".join(map(_dumps, rows)) + "\n]",
            "policies": _dumps([{"label": label, **self.policies[label]} for label in self.tables]),
            "scenario": _dumps(self.scenario),
            "schema": _dumps(SCHEMA),
            "seed": _dumps(self.seed),
            "summary": _dumps({label: _summary_values(summary) for label, summary in self.summary.items()}),
            "versions": _dumps(self.versions),
        }
        return "{\n" + ",\n".join(f'"{key}": {text}' for key, text in parts.items()) + "\n}\n"

    def write_json(self, path: str | Path) -> None:
        """Write `to_json` so that the file holds the old results or the new ones, never a part.

        Raises:
            OSError: it cannot be written.
        """
        write_text(path, self.to_json())

    @classmethod
    def from_json(cls, path: str | Path) -> "Results":
        """Read what `write_json` wrote.

        Raises:
            ResultsError: the file is missing or not of this form; one line.
        """
        try:
            return _from_values(json.loads(read_text(Path(path), ResultsError)))
        except ResultsError as error:
            raise ResultsError(f"{path}: {error}" if str(path) not in str(error) else str(error)) from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise ResultsError(f"{path}: holds no results of an evaluation ({reason})") from None

    def _rows(self, label: str) -> list[dict[str, Any]]:
        table = {metric: values.tolist() for metric, values in self.tables[label].items()}
        return [
            {"policy": label, "world": world, **{metric: _finite(values[world]) for metric, values in table.items()}}
            for world in range(self.episodes)
        ]


def _from_values(values: dict[str, Any]) -> Results:
    if values["schema"] != SCHEMA:
        raise ResultsError(f"schema: {values['schema']!r} (allowed: {SCHEMA})")
    policies = {policy["label"]: {k: v for k, v in policy.items() if k != "label"} for policy in values["policies"]}
    tables = {label: _table(values["episodes"], label) for label in policies}
    lengths = {label: len(table["cost_usd"]) for label, table in tables.items()}
    if len(set(lengths.values())) != 1:
        raise ResultsError(f"episodes: unlike numbers (got {lengths})")
    return Results(
        scenario=values["scenario"],
        seed=values["seed"],
        baseline=values["baseline"],
        versions=values["versions"],
        policies=policies,
        tables=tables,
    )


def _table(episodes: list[dict[str, Any]], label: str) -> Table:
    rows = [row for row in episodes if row["policy"] == label]
    if [row["world"] for row in rows] != list(range(len(rows))) or not rows:
        raise ResultsError(f"episodes: of {label!r}: must be one for each world from 0 on")
    metrics = [key for key in rows[0] if key not in ("policy", "world")]
    return {metric: _column([row[metric] for row in rows]) for metric in metrics}


def _column(values: list[float | None]) -> np.ndarray:
    return np.array([math.nan if value is None else value for value in values])


def _mean(values: np.ndarray) -> float | None:
    present = values[np.isfinite(values)]
    return float(present.mean()) if len(present) else None


def _summary_values(summary: Summary) -> dict[str, Any]:
    return {
        "cost_usd": _estimate_values(summary.cost_usd),
        "difference_usd": _estimate_values(summary.difference_usd),
        "savings": _estimate_values(summary.savings),
        "means": summary.means,
    }


def _estimate_values(value: Estimate | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {
        "mean": value.mean,
        "low": _finite(value.low),
        "high": _finite(value.high),
        "clear_of_zero": value.is_clear_of_zero,
    }


def _finite(value: float) -> float | None:
    """JSON knows neither NaN nor infinity."""
    return value if math.isfinite(value) else None


def _dumps(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False)
