"""What a scenario makes of a workload file, in lines for people."""

from pathlib import Path

from tessera_env.files.problems import named
from tessera_env.recordings.played_rows import PlayedRows


def workload_lines(rows: PlayedRows | None) -> list[str]:
    """How many rows were left out or changed, and what may be wrong where most were; nothing where none was."""
    if rows is None:
        return []
    changed = _changed(rows)
    if not (rows.left_out or changed):
        return []
    parts = [f"{named(Path(rows.file))}: {rows.played:,} of {rows.rows:,} rows played"]
    if rows.left_out:
        parts.append("left out: " + ", ".join(f"{count:,} ({reason})" for reason, count in rows.left_out.items()))
    if changed:
        parts.append("work of " + ", of ".join(changed))
    return ["; ".join(parts), *_doubt(rows)]


def _changed(rows: PlayedRows) -> list[str]:
    """Whose work is not what was recorded."""
    low_h, high_h = rows.work_h
    kinds = (
        (rows.raised, f"raised to {low_h:g} h"),
        (rows.lowered, f"cut to {high_h:g} h"),
        (rows.still_running, "known up to the recording's end only"),
    )
    return [f"{count:,} {what}" for count, what in kinds if count]


def _doubt(rows: PlayedRows) -> list[str]:
    if not rows.is_mostly_changed:
        return []
    low_h, high_h = rows.work_h
    text = (
        f"{named(Path(rows.file))}: most of its work is changed, since task.recording_work_h = [{low_h:g}, {high_h:g}] "
        f"h; its median is {rows.median_work_s:g} s"
    )
    units = " or ".join(rows.likely_units)
    return [f"{text}: is the file's time in {units}? It is read as seconds" if units else text]
