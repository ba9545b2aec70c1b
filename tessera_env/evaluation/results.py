"""What an evaluation found, and its JSON: the same inputs give the same bytes."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tessera_env.evaluation.floors import FLOORS, Floor
from tessera_env.evaluation.statistics import Estimate, bootstrap_means, estimate, gap_closed, savings
from tessera_env.files.reading import read_text
from tessera_env.files.writing import write_text
from tessera_env.recordings.played_rows import PlayedRows
from tessera_env.simulation.accounts import Accounts, accounts_from, plain_chunks

SCHEMA = 1
ON_DEMAND = "on_demand_only"  # what savings are measured against, where it is evaluated

Table = dict[str, np.ndarray]  # one metric's episodes by name, each (episodes,)
_Sample = tuple[np.ndarray, np.ndarray]  # a metric's episodes, and its resampled means
_Samples = dict[str, dict[str, _Sample]]  # by metric and label

_ROUNDING = 1e-9  # of the work's on-demand cost; penalties below it are differences of rounding


class ResultsError(ValueError):
    """A file that holds no results; one line."""


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
        return next(floor for label, floor in FLOORS.items() if label in self.tables)

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
        try:
            return _from_values(json.loads(read_text(Path(path), ResultsError)))
        except ResultsError as error:
            raise ResultsError(f"{path}: {error}" if str(path) not in str(error) else str(error)) from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise ResultsError(f"{path}: holds no results of an evaluation ({reason})") from None

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
        raise ResultsError(f"schema: {values['schema']!r} (allowed: {SCHEMA})")
    policies = {policy["label"]: {k: v for k, v in policy.items() if k != "label"} for policy in values["policies"]}
    tables = {label: _table(values["episodes"], label) for label in policies}
    lengths = {label: len(table["objective_usd"]) for label, table in tables.items()}
    if len(set(lengths.values())) != 1:
        raise ResultsError(f"episodes: unlike numbers (got {lengths})")
    reference_usd = _reference_usd(values, lengths)
    return Results(
        scenario=values["scenario"],
        seed=values["seed"],
        baseline=values["baseline"],
        versions=values["versions"],
        policies=policies,
        tables=tables,
        reference_usd=reference_usd,
        accounts=_accounts(values["tasks"], lengths) if "tasks" in values else None,
        played_rows=PlayedRows.from_values(values["played_rows"]) if "played_rows" in values else None,
    )


def _reference_usd(values: dict[str, Any], lengths: dict[str, int]) -> np.ndarray | None:
    floors = [label for label in lengths if label in FLOORS]
    if len(floors) != ("reference_usd" in values):
        raise ResultsError(f"reference_usd: must be given with one of the policies {', '.join(FLOORS)}, and only then")
    if not floors:
        return None
    reference_usd = _column(values["reference_usd"])
    if reference_usd.shape != (lengths[floors[0]],):
        raise ResultsError(f"reference_usd: must be one for each world (got {len(reference_usd)})")
    return reference_usd


def _task_rows(accounts: dict[str, Accounts]) -> Iterator[dict[str, Any]]:
    """What each task cost, policy by policy, world by world."""
    for label, columns in accounts.items():
        for chunk in plain_chunks(columns):
            for row in zip(*chunk.values(), strict=True):
                yield {"policy": label, **dict(zip(chunk, row, strict=True))}


def _accounts(rows: list[dict[str, Any]], lengths: dict[str, int]) -> dict[str, Accounts]:
    of_label: dict[str, list[dict[str, Any]]] = {label: [] for label in lengths if label not in FLOORS}
    for row in rows:
        of_label[row["policy"]].append(row)
    accounts = {label: accounts_from(own) for label, own in of_label.items()}
    for label, columns in accounts.items():
        worlds, tasks = columns["world"], columns["task"]
        follows = (np.diff(worlds) > 0) & (tasks[1:] == 0) | (np.diff(worlds) == 0) & (np.diff(tasks) == 1)
        if not follows.all() or tasks[:1].any() or not ((worlds >= 0) & (worlds < lengths[label])).all():
            raise ResultsError(f"tasks: of {label!r}: must be each world's from 0 on, in order")
    return accounts


def _table(episodes: list[dict[str, Any]], label: str) -> Table:
    rows = [row for row in episodes if row["policy"] == label]
    if [row["world"] for row in rows] != list(range(len(rows))) or not rows:
        raise ResultsError(f"episodes: of {label!r}: must be one for each world from 0 on")
    metrics = [key for key in rows[0] if key not in ("policy", "world")]
    table = _with_objective({metric: _column([row[metric] for row in rows]) for metric in metrics})
    needed = FLOORS[label].metric if label in FLOORS else "cost_usd"
    if needed not in table:
        raise ResultsError(f"episodes: of {label!r}: must have {needed}")
    return table


def _with_objective(table: Table) -> Table:
    """A table from a file that was written before there was an objective: it is minus the return, in dollars."""
    if "objective_usd" in table:
        return table
    cost, penalty = table["cost_usd"], np.zeros(len(table["cost_usd"]))
    if {"episode_return", "scale_usd"} <= table.keys():
        penalty = -table["episode_return"] * table["scale_usd"] - cost
        penalty[np.abs(penalty) <= _ROUNDING * table["scale_usd"]] = 0.0
    return {**table, "objective_usd": cost + penalty, "penalty_usd": penalty}


def _column(values: list[float | None]) -> np.ndarray:
    return np.array([math.nan if value is None else value for value in values])


def _mean(values: np.ndarray) -> float | None:
    present = values[np.isfinite(values)]
    return float(present.mean()) if len(present) else None


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
