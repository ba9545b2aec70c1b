"""What a scenario makes of a workload file's rows, counted from files worked out by hand."""

from pathlib import Path

import pytest

from tessera_env.recordings.played_rows import PlayedRows
from tessera_env.recordings.workloads import read_workload


def of(folder: Path, *runtimes_s: float, work_h: tuple[float, float] = (0.1, 24.0)) -> PlayedRows:
    path = folder / "run_times.csv"
    path.write_text("\n".join(["runtime", *map(str, runtimes_s)]) + "\n")
    return PlayedRows.of(read_workload(path, "run_times"), work_h)


def test_rows_are_counted_by_what_becomes_of_them(tmp_path):
    """359 s are less than 0.1 h, 360 s are not; a day is not more than 24 h; a week and a second is left out."""
    rows = of(tmp_path, 0, 359, 360, 3_600, 86_400, 86_401, 604_801)
    assert (rows.file, rows.rows, rows.played) == ("run_times.csv", 7, 5)
    assert dict(rows.left_out) == {"ran for 0 s": 1, "ran longer than allowed": 1}
    assert (rows.raised, rows.lowered, rows.still_running) == (1, 1, 0)
    assert rows.median_work_s == 3_600
    assert PlayedRows.from_values(rows.to_values()) == rows


@pytest.mark.parametrize(
    ("runtimes_s", "mostly", "units"),
    [
        ([3_600, 7_200, 60], False, []),
        ([3_600, 60], False, []),  # half is not most
        ([0.5, 2, 8], True, ["hours"]),
        ([40, 45, 60], True, ["minutes"]),
        ([10, 15, 20], True, ["hours", "minutes"]),
        ([500_000, 7_200_000, 300_000], True, ["milliseconds"]),
        ([60, 3_600, 90_000, 0], True, []),  # to either side: no unit would help
    ],
)
def test_where_most_work_changes_its_unit_is_guessed(tmp_path, runtimes_s, mostly, units):
    rows = of(tmp_path, *runtimes_s)
    assert (rows.is_mostly_changed, rows.likely_units) == (mostly, units)
