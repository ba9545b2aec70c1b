"""What a scenario makes of a workload file's rows: which it leaves out, and whose work it changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from tessera_env.files.problems import shown
from tessera_env.recordings.workloads import NO_WORK, TOO_MUCH_WORK, RecordedWorkload

_HOUR_S = 3600.0
_UNITS_S = {"hours": _HOUR_S, "minutes": 60.0, "milliseconds": 0.001}  # what times may be in that are read as seconds


@dataclass(frozen=True)
class PlayedRows:
    """How many rows of a workload file a scenario plays, and how many of them not as they were recorded."""

    file: str
    played: int
    left_out: Mapping[str, int]  # by reason
    work_h: tuple[float, float]  # what work is clipped to
    raised: int  # of those played: to the first of these
    lowered: int  # and to the second
    still_running: int  # and whose work is what was done when the recording ended
    median_work_s: float  # as read, of those played or left out for their work

    @classmethod
    def of(cls, workload: RecordedWorkload, work_h: tuple[float, float]) -> Self:
        """Those of a workload whose work is clipped to this, h."""
        low_s, high_s = (bound_h * _HOUR_S for bound_h in work_h)
        return cls(
            file=workload.name,
            played=len(workload),
            left_out=dict(workload.dropped),  # a mapping proxy cannot be pickled
            work_h=work_h,
            raised=int(np.count_nonzero(workload.work_s < low_s)),
            lowered=int(np.count_nonzero(workload.work_s > high_s)),
            still_running=workload.cut,
            median_work_s=workload.median_work_s,
        )

    @property
    def rows(self) -> int:
        """All of the file."""
        return self.played + sum(self.left_out.values())

    @property
    def is_mostly_changed(self) -> bool:
        """Whether more than half of the rows that have work would do unlike work, or are left out for it."""
        unfit = self.left_out.get(NO_WORK, 0) + self.left_out.get(TOO_MUCH_WORK, 0)
        return 2 * (self.raised + self.lowered + unfit) > self.played + unfit

    @property
    def likely_units(self) -> list[str]:
        """Units of time in which the median work would be within what is kept; none where it is so in seconds."""
        low_h, high_h = self.work_h
        median_h = self.median_work_s / _HOUR_S
        if low_h <= median_h <= high_h:
            return []
        return [unit for unit, seconds in _UNITS_S.items() if low_h <= median_h * seconds <= high_h]

    def to_values(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "file": self.file,
            "rows": self.rows,
            "played": self.played,
            "left_out": dict(self.left_out),
            "work_h": list(self.work_h),
            "raised": self.raised,
            "lowered": self.lowered,
            "still_running": self.still_running,
            "median_work_s": self.median_work_s,
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """What `to_values` gave.

        Raises:
            KeyError, TypeError, ValueError: the values are not of this form.
        """
        low_h, high_h = values["work_h"]
        counts = {name: _count(values[name]) for name in ("played", "raised", "lowered", "still_running")}
        return cls(
            file=_text(values["file"]),
            left_out={_text(reason): _count(count) for reason, count in values["left_out"].items()},
            work_h=(_figure(low_h), _figure(high_h)),
            median_work_s=_figure(values["median_work_s"]),
            **counts,
        )


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= 10**15:
        raise ValueError(f"played_rows: must be a whole number of rows (got {shown(value)})")
    return value


def _figure(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value <= 1e15:
        raise ValueError(f"played_rows: must be a number from 0 to 1e15 (got {shown(value)})")
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError(f"played_rows: must be a text (got {shown(value)})")
    return value
