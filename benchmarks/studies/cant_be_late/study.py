"""What was found: figures of each window by policy, zone, deadline and changeover; and its JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from tessera_env.files.reading import read_text
from tessera_env.files.writing import write_text

SCHEMA = 1
METRICS = (
    "cost_usd",
    "spot_h",
    "on_demand_h",
    "launches",
    "deadlines_missed",
    "spot_available_h",  # hours with spot to be had from the start to the job's end, or the deadline if that is earlier
)
OPTIMUM = "clairvoyant"
ON_DEMAND = "on_demand_only"
YARDSTICK = "uniform_progress"  # whose gap to the optimum is to be closed

Table = dict[str, np.ndarray]  # METRICS by name, each (zones, deadlines, changeovers, windows)


class StudyError(ValueError):
    """A file that holds no study; one line."""


@dataclass(frozen=True)
class Study:
    """One part: every policy, and the optimum, in the same windows."""

    title: str
    note: str
    zones: tuple[str, ...]
    deadlines_h: tuple[float, ...]
    changeovers_h: tuple[float, ...]
    windows_h: np.ndarray  # (zones, windows) hours of the recording at which they start
    learned: tuple[str, ...]  # labels of the policies that were trained
    tables: dict[str, Table]  # by label, OPTIMUM among them

    @property
    def rules(self) -> tuple[str, ...]:
        """Labels of the hand-coded policies."""
        return tuple(label for label in self.tables if label not in (*self.learned, OPTIMUM))


@dataclass(frozen=True)
class Studies:
    """All parts of one run."""

    seed: int
    quick: bool  # at toy size: the figures mean nothing
    machine: str
    policies: dict[str, str]  # by label, what identifies an exported one; others are their names
    studies: tuple[Study, ...]

    def write_json(self, path: str | Path, summary: Any) -> None:
        """Write the file in one step; what `summary` holds stands in front for people to read."""
        values = {"schema": SCHEMA, **{key: value for key, value in asdict(self).items() if key != "studies"}}
        values |= {"summary": summary, "studies": [_plain(study) for study in self.studies]}
        write_text(path, json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")

    @classmethod
    def from_json(cls, path: str | Path) -> Self:
        """Read what `write_json` wrote.

        Raises:
            StudyError: the file is missing or not of this form.
        """
        try:
            values = json.loads(read_text(Path(path), StudyError))
            if values["schema"] != SCHEMA:
                raise StudyError(f"{path}: schema: {values['schema']!r} (allowed: {SCHEMA})")
            studies = tuple(_study(one) for one in values["studies"])
            if not studies:
                raise StudyError(f"{path}: studies: none (allowed: one or more)")
            return cls(values["seed"], values["quick"], values["machine"], values["policies"], studies)
        except StudyError:
            raise
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise StudyError(f"{path}: holds no study of deadlines ({reason})") from None


def _plain(study: Study) -> dict[str, Any]:
    tables = {
        label: {metric: values.tolist() for metric, values in table.items()} for label, table in study.tables.items()
    }
    return {**study.__dict__, "windows_h": study.windows_h.tolist(), "tables": tables}


def _study(values: dict[str, Any]) -> Study:
    tables = {
        label: {metric: np.array(table[metric], dtype=np.float64) for metric in METRICS}
        for label, table in values["tables"].items()
    }
    windows_h = np.array(values["windows_h"], dtype=np.float64)
    lists = {key: tuple(values[key]) for key in ("zones", "deadlines_h", "changeovers_h", "learned")}
    shape = (len(lists["zones"]), len(lists["deadlines_h"]), len(lists["changeovers_h"]), windows_h.shape[1])
    if missing := [label for label in (OPTIMUM, ON_DEMAND, YARDSTICK, *lists["learned"]) if label not in tables]:
        raise StudyError(f"{values['title']}: tables: without {', '.join(missing)}, which figures need")
    for label, table in tables.items():
        for metric, found in table.items():
            if found.shape != shape or not np.isfinite(found).all():
                raise StudyError(f"{label}: {metric}: of shape {found.shape} (allowed: {shape}, finite numbers)")
    return Study(title=values["title"], note=values["note"], windows_h=windows_h, tables=tables, **lists)
