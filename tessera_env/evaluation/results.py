"""What an evaluation found, and its JSON: the same inputs give the same bytes."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tessera_env.evaluation.floors import Floor, floor_of
from tessera_env.evaluation.kept_tables import (
    ResultsError,
    Table,
    accounts_by_label,
    baseline_from,
    object_from,
    policies_from,
    reference_from,
    rows_by_label,
    seed_from,
    table_from,
)
from tessera_env.evaluation.statistics import Estimate, bootstrap_means, estimate, gap_closed, savings
from tessera_env.files.json_files import parsed_object
from tessera_env.files.problems import shown
from tessera_env.files.writing import write_text
from tessera_env.recordings.played_rows import PlayedRows
from tessera_env.simulation.accounts import Accounts, plain_chunks

SCHEMA = 1
ON_DEMAND = "on_demand_only"  # what savings are measured against, where it is evaluated

_Sample = tuple[np.ndarray, np.ndarray]  # a metric's episodes, and its resampled means
_Samples = dict[str, dict[str, _Sample]]  # by metric and label


@dataclass(frozen=True)
class Summary:
    """One policy, or the floor, over all worlds."""

    cost_usd: Estimate | None  # None: a floor of the objective, of which part is cost
    objective_usd: Estimate  # cost and penalties
    difference_usd: Estimate | None  # objective minus the baseline's in the same worlds; None: it is the baseline
    savings: Estimate | None  # share of OnDemandOnly's mean cost; None: that was not evaluated
    gap_closed: Estimate | None  # share of the way from the floor's reference to the floor; None: no floor, or no gap
    means: dict[str, float | None]  # of every metric over the episodes that have it; None: no episode has


@dataclass(frozen=True)
class Results:
    """Every policy's episodes in the same worlds; row k of every table is world k of the seed."""

    scenario: dict[str, Any]  # in full
    seed: int
    baseline: str | None
    versions: dict[str, str]
    policies: dict[str, dict[str, Any]]  # by label: name, and what identifies an exported network
    tables: dict[str, Table]  # by label, in the order given; the floor, if there is one, last
    reference_usd: np.ndarray | None = None  # (episodes,) the floor's metric of its reference; with a floor only
    accounts: dict[str, Accounts] | None = None  # by label, what each task cost; None: that was not kept
    played_rows: PlayedRows | None = None  # of the workload file; None: tasks were generated

    @property
    def floor(self) -> Floor | None:
        """What is least possible, if that is among the tables."""
        if self.reference_usd is None:
            return None
        return floor_of(self.tables, bool(self.scenario.get("service")))

    @property
    def played(self) -> list[str]:
        """The labels of the policies, in the order given: all but the floor's."""
        return [label for label in self.tables if self.floor is None or label != self.floor.label]

    @property
    def episodes(self) -> int:
        """Worlds played by each policy."""
        return len(next(iter(self.tables.values()))["cost_usd"])

    @cached_property
    def summary(self) -> dict[str, Summary]:
        """Means, intervals and comparisons by label; all intervals rest on the same resampled worlds."""
        samples = self._samples()
        return {label: self._summarise(label, samples) for label in self.tables}

    def _samples(self) -> _Samples:
        figures = {
            metric: {label: table[metric].astype(np.float64) for label, table in self.tables.items() if metric in table}
            for metric in ("cost_usd", "objective_usd")
        }
        if self.floor is not None and self.reference_usd is not None:
            figures[self.floor.metric].setdefault(self.floor.reference, self.reference_usd)
        # Where nothing is penalised the objective is the cost, which need not be resampled twice.
        columns = {values.tobytes(): values for by_label in figures.values() for values in by_label.values()}
        means = dict(zip(columns, bootstrap_means(np.column_stack([*columns.values()]), self.seed).T, strict=True))
        return {
            metric: {label: (values, means[values.tobytes()]) for label, values in by_label.items()}
            for metric, by_label in figures.items()
        }

    def _summarise(self, label: str, samples: _Samples) -> Summary:
        costs, objectives = samples["cost_usd"], samples["objective_usd"]
        difference = None
        if self.baseline is not None and label != self.baseline:
            (objective, resampled), (base, resampled_base) = objectives[label], objectives[self.baseline]
            difference = estimate(objective - base, resampled - resampled_base)
        return Summary(
            cost_usd=estimate(*costs[label]) if label in costs else None,
            objective_usd=estimate(*objectives[label]),
            difference_usd=difference,
            savings=_savings(label, costs),
            gap_closed=None if self.floor is None else _gap_closed(label, self.floor, samples[self.floor.metric]),
            means={metric: _mean(values) for metric, values in self.tables[label].items()},
        )

    def to_json(self, accounts: bool = True) -> str:
        """JSON with sorted keys, no clock time, null for what there is none of, one episode and one task a line.

        Args:
            accounts: with what each task cost, if that was kept.
        """
        rows = [row for label in self.tables for row in self._rows(label)]
        parts = {
            "baseline": _dumps(self.baseline),
            "episodes": "[\n" + ",\n".join(map(_dumps, rows)) + "\n]",
            "policies": _dumps([{"label": label, **self.policies[label]} for label in self.tables]),
            "scenario": _dumps(self.scenario),
            "schema": _dumps(SCHEMA),
            "seed": _dumps(self.seed),
            "summary": _dumps({label: self._summary_values(summary) for label, summary in self.summary.items()}),
            "versions": _dumps(self.versions),
        }
        if self.reference_usd is not None:
            parts["reference_usd"] = _dumps(self.reference_usd.tolist())
        if self.played_rows is not None:
            parts["played_rows"] = _dumps(self.played_rows.to_values())
        if self.accounts is not None and accounts:
            parts["tasks"] = "[\n" + ",\n".join(map(_dumps, _task_rows(self.accounts))) + "\n]"
        return "{\n" + ",\n".join(f'"{key}": {text}' for key, text in sorted(parts.items())) + "\n}\n"

    def write_json(self, path: str | Path, accounts: bool = True) -> None:
        """Write `to_json` so that the file holds the old results or the new ones, never a part.

        Raises:
            OSError: it cannot be written.
        """
        write_text(path, self.to_json(accounts))

    @classmethod
    def from_json(cls, path: str | Path) -> "Results":
        """Read what `write_json` wrote.

        Raises:
            ResultsError: the file is missing or not of this form; one line.
        """
        return parsed_object(Path(path), _from_values, ResultsError, "results of an evaluation")

    def _summary_values(self, summary: Summary) -> dict[str, Any]:
        gap = {"gap_closed": _estimate_values(summary.gap_closed)} if self.floor is not None else {}
        return {
            "cost_usd": _estimate_values(summary.cost_usd),
            "objective_usd": _estimate_values(summary.objective_usd),
            "difference_usd": _estimate_values(summary.difference_usd),
            "savings": _estimate_values(summary.savings),
            "means": summary.means,
            **gap,
        }

    def _rows(self, label: str) -> list[dict[str, Any]]:
        table = {metric: values.tolist() for metric, values in self.tables[label].items()}
        return [
            {"policy": label, "world": world, **{metric: _finite(values[world]) for metric, values in table.items()}}
            for world in range(self.episodes)
        ]


def _savings(label: str, costs: dict[str, _Sample]) -> Estimate | None:
    if label == ON_DEMAND or not {label, ON_DEMAND} <= costs.keys():
        return None
    (cost, resampled), (full, resampled_full) = costs[label], costs[ON_DEMAND]
    return savings(cost, full, resampled, resampled_full) if full.mean() > 0 else None


def _gap_closed(label: str, floor: Floor, samples: dict[str, _Sample]) -> Estimate | None:
    three = [samples[name] for name in (label, floor.reference, floor.label)]
    return gap_closed(*(np.column_stack(columns) for columns in zip(*three, strict=True)))


def _from_values(values: dict[str, Any]) -> Results:
    if values["schema"] != SCHEMA:
        raise ResultsError(f"schema: {shown(values['schema'])} (allowed: {SCHEMA})")
    policies, tables = policies_from(values["policies"]), {}
    for label, rows in rows_by_label(values["episodes"], policies, "episodes").items():
        tables[label] = table_from(rows, label)
    lengths = {label: len(table["objective_usd"]) for label, table in tables.items()}
    if len(set(lengths.values())) != 1:
        raise ResultsError(f"episodes: unlike numbers for the policies (got {shown(lengths)})")
    return Results(
        scenario=object_from(values, "scenario"),
        seed=seed_from(values["seed"]),
        baseline=baseline_from(values["baseline"], policies),
        versions=object_from(values, "versions"),
        policies=policies,
        tables=tables,
        reference_usd=reference_from(values, lengths),
        accounts=accounts_by_label(values["tasks"], lengths) if "tasks" in values else None,
        played_rows=PlayedRows.from_values(values["played_rows"]) if "played_rows" in values else None,
    )


def _task_rows(accounts: dict[str, Accounts]) -> Iterator[dict[str, Any]]:
    """What each task cost, policy by policy, world by world."""
    for label, columns in accounts.items():
        for chunk in plain_chunks(columns):
            for row in zip(*chunk.values(), strict=True):
                yield {"policy": label, **dict(zip(chunk, row, strict=True))}


def _mean(values: np.ndarray) -> float | None:
    present = values[np.isfinite(values)]
    return float(present.mean()) if len(present) else None


def _estimate_values(value: Estimate | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {
        "mean": _finite(value.mean),
        "low": _finite(value.low),
        "high": _finite(value.high),
        "clear_of_zero": value.is_clear_of_zero,
    }


def _finite(value: float) -> float | None:
    """JSON knows neither NaN nor infinity."""
    return value if math.isfinite(value) else None


def _dumps(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False)
