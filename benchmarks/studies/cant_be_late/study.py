"""What was found: figures of each window by policy, zone, deadline and changeover; and its JSON."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from tessera_env.files.json_files import parsed_object
from tessera_env.files.problems import shown, shown_key
from tessera_env.files.writing import write_text

SCHEMA = 1
_MOST = 1e15  # of any figure
_LONGEST_TEXT = 2_000
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
        return parsed_object(Path(path), _studies, StudyError, "study of deadlines")


def _plain(study: Study) -> dict[str, Any]:
    tables = {
        label: {metric: values.tolist() for metric, values in table.items()} for label, table in study.tables.items()
    }
    return {**study.__dict__, "windows_h": study.windows_h.tolist(), "tables": tables}


def _studies(values: dict[str, Any]) -> Studies:
    if values["schema"] != SCHEMA:
        raise StudyError(f"schema: {shown(values['schema'])} (allowed: {SCHEMA})")
    studies = tuple(_study(one) for one in values["studies"])
    if not studies:
        raise StudyError("studies: none (allowed: one or more)")
    seed, quick, machine, policies = (values[key] for key in ("seed", "quick", "machine", "policies"))
    if type(seed) is not int or not 0 <= seed < 2**64:
        raise StudyError(f"seed: must be a whole number from 0 to {2**64 - 1} (got {shown(seed)})")
    if not isinstance(quick, bool):
        raise StudyError(f"quick: must be true or false (got {shown(quick)})")
    if not all(map(_is_text, policies.values())):
        raise StudyError(f"policies: must be texts by label (got {shown(policies)})")
    return Studies(seed, quick, _text("machine", machine), policies, studies)


def _study(values: dict[str, Any]) -> Study:
    title, note = (_text(key, values[key]) for key in ("title", "note"))
    tables = {
        _text("tables", label): {metric: np.array(table[metric], dtype=np.float64) for metric in METRICS}
        for label, table in values["tables"].items()
    }
    windows_h = np.array(values["windows_h"], dtype=np.float64)
    zones, learned = (_list(values, key, _is_text, "texts, each once") for key in ("zones", "learned"))
    hours = (_list(values, key, _is_hours, "numbers of hours, each once") for key in ("deadlines_h", "changeovers_h"))
    deadlines_h, changeovers_h = (tuple(map(float, one)) for one in hours)
    if windows_h.ndim != 2 or len(windows_h) != len(zones) or not windows_h.size or not np.isfinite(windows_h).all():
        raise StudyError(f"{shown(title)}: windows_h: must be hours for each zone (got shape {windows_h.shape})")
    shape = (len(zones), len(deadlines_h), len(changeovers_h), windows_h.shape[1])
    if missing := [label for label in (OPTIMUM, ON_DEMAND, YARDSTICK, *learned) if label not in tables]:
        raise StudyError(f"{title}: tables: without {', '.join(map(shown_key, missing))}, which figures need")
    for label, table in tables.items():
        for metric, found in table.items():
            if found.shape != shape or not (np.abs(found) <= _MOST).all():
                allowed = f"(allowed: {shape}, finite numbers)"
                raise StudyError(f"{shown_key(label)}: {metric}: of shape {found.shape} {allowed}")
    return Study(title, note, zones, deadlines_h, changeovers_h, windows_h, learned, tables)


def _list(values: dict[str, Any], key: str, is_allowed: Callable[[Any], bool], words: str) -> tuple[Any, ...]:
    found = values[key]
    if not isinstance(found, list) or not all(map(is_allowed, found)) or len(set(found)) < len(found):
        raise StudyError(f"{key}: must be a list of {words} (got {shown(found)})")
    return tuple(found)


def _text(place: str, value: Any) -> str:
    if not _is_text(value):
        raise StudyError(f"{place}: must be a printable text (got {shown(value)})")
    return str(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and len(value) <= _LONGEST_TEXT


def _is_hours(value: Any) -> bool:
    return type(value) in (int, float) and 0.0 <= value <= 1e6
