"""Recorded workloads: pods of a GPU cluster, or bare run times, as jobs that a scenario's tasks can be.

Rules, field by field:

- `pods` (the columns of Alibaba's cluster-trace-gpu-v2023): arrival = creation_time, from the first one on; work =
  deletion_time - scheduled_time; GPU memory = num_gpu x gpu_milli / 1000 of a GPU, times the memory of one GPU, which
  the file does not say; state to save = memory_mib, the pod's host memory; INTERACTIVE where qos is LS (latency
  sensitive), else BATCH. Left out: pods that ask for no GPU, were never scheduled, ended at once, or need more GPUs
  than one task may have here. Deadlines are not recorded: the scenario's hold.
- `run_times` (one column, `runtime`, in seconds): work alone. Left out: run times of 0. Everything else is the
  scenario's: arrivals, memory, state, kinds, deadlines.
"""

import csv
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tessera_env.text_files import read_text

WorkloadFormat = Literal["pods", "run_times"]

POD_COLUMNS = ("num_gpu", "gpu_milli", "memory_mib", "qos", "creation_time", "deletion_time", "scheduled_time")
INTERACTIVE_QOS = {"LS": 1.0, "BE": 0.0, "Burstable": 0.0, "Guaranteed": 0.0}
MB_PER_MIB = 1.048576
MAX_SHOWN = 20
MAX_NUMBER = 1e12

NO_GPU, NEVER_RAN, NO_TIME, TOO_MANY_GPUS = "asks for no GPU", "never scheduled", "ended at once", "too many GPUs"


class WorkloadError(ValueError):
    """A workload file that cannot be used; one line a problem, the first 20."""


@dataclass(frozen=True, eq=False)
class RecordedWorkload:
    """n jobs in order of arrival; None: the file does not say."""

    work_s: NDArray[np.float64]  # (n,) above 0
    arrival_s: NDArray[np.float64] | None = None  # (n,) ascending from 0
    gpu_share: NDArray[np.float64] | None = None  # (n,) of one GPU
    state_mb: NDArray[np.float64] | None = None  # (n,)
    interactive: NDArray[np.float64] | None = None  # (n,) 1: INTERACTIVE, 0: BATCH
    left_out: dict[str, int] = field(default_factory=dict)  # rows by reason


@dataclass(frozen=True)
class _Job:
    work_s: float
    arrival_s: float = 0.0
    gpu_share: float = 0.0
    state_mb: float = 0.0
    interactive: float = 0.0


def read_workload(path: str | Path, form: WorkloadFormat, most_gpus: float = 1.0) -> RecordedWorkload:
    """Read a file by the module's rules.

    Args:
        path: a CSV file with a header.
        form: which rules.
        most_gpus: pods that ask for more GPUs are left out.

    Raises:
        WorkloadError: the file cannot be read, or has rows that are not of this form; nothing is skipped silently.
    """
    path = Path(path)
    modified = path.stat().st_mtime_ns if path.is_file() else 0
    return _read(path, form, most_gpus, modified)


@lru_cache(maxsize=8)
def _read(path: Path, form: WorkloadFormat, most_gpus: float, _modified: int) -> RecordedWorkload:
    columns, parse = (POD_COLUMNS, _pod) if form == "pods" else (("runtime",), _run_time)
    jobs: list[_Job] = []
    left_out: Counter[str] = Counter()
    problems: list[str] = []
    for line, row in _rows(path, columns):
        try:
            job = parse(row)
        except ValueError as error:
            problems.append(f"{path}: line {line}: {error}")
            continue
        if isinstance(job, str):
            left_out[job] += 1
        elif job.gpu_share > most_gpus:
            left_out[TOO_MANY_GPUS] += 1
        else:
            jobs.append(job)
    if problems:
        more = [f"{path}: {len(problems) - MAX_SHOWN} more problems"] if len(problems) > MAX_SHOWN else []
        raise WorkloadError("\n".join(problems[:MAX_SHOWN] + more))
    if not jobs:
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items()) or "no rows"
        raise WorkloadError(f"{path}: must have a job that ran on a GPU ({reasons})")
    return _workload(jobs, form, dict(left_out))


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """The file's rows by line, with the columns that matter."""
    reader = csv.reader(read_text(path, WorkloadError).splitlines())
    header = next(reader, [])
    missing = [column for column in columns if column not in header]
    if missing:
        raise WorkloadError(
            f"{path}: line 1: must be a header with {', '.join(columns)} (missing: {', '.join(missing)})"
        )
    try:
        for cells in reader:
            if len(cells) != len(header):
                raise WorkloadError(
                    f"{path}: line {reader.line_num}: must have {len(header)} cells, as the header (got {len(cells)})"
                )
            yield reader.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise WorkloadError(f"{path}: line {reader.line_num}: is not CSV ({error})") from None


def _pod(row: dict[str, str]) -> _Job | str:
    """A pod as a job, or why it is left out."""
    if row["qos"] not in INTERACTIVE_QOS:
        raise ValueError(f"qos: must be one of {', '.join(INTERACTIVE_QOS)} (got {row['qos'][:40]!r})")
    share = _number(row, "num_gpu") * _number(row, "gpu_milli") / 1000.0
    created_s, state_mb = _number(row, "creation_time"), _number(row, "memory_mib") * MB_PER_MIB
    if share == 0.0:
        return NO_GPU
    if row["scheduled_time"] == "" or row["deletion_time"] == "":
        return NEVER_RAN
    scheduled_s, deleted_s = _number(row, "scheduled_time"), _number(row, "deletion_time")
    if not created_s <= scheduled_s <= deleted_s:
        raise ValueError(
            f"scheduled_time: must lie between creation_time = {created_s:g} and deletion_time = {deleted_s:g} "
            f"(got {scheduled_s:g})"
        )
    if scheduled_s == deleted_s:
        return NO_TIME
    return _Job(deleted_s - scheduled_s, created_s, share, state_mb, INTERACTIVE_QOS[row["qos"]])


def _run_time(row: dict[str, str]) -> _Job | str:
    seconds = _number(row, "runtime")
    return _Job(seconds) if seconds > 0.0 else NO_TIME


def _number(row: dict[str, str], column: str) -> float:
    text = row[column]
    try:
        value = float(text) if text.isascii() and "_" not in text and len(text) < 40 else math.nan
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= MAX_NUMBER:
        raise ValueError(f"{column}: must be a number from 0 to {MAX_NUMBER:g} (got {text[:40]!r})")
    return value


def _workload(jobs: list[_Job], form: WorkloadFormat, left_out: dict[str, int]) -> RecordedWorkload:
    def column(of: Callable[[_Job], float]) -> NDArray[np.float64]:
        return np.array([of(job) for job in jobs])

    if form == "run_times":
        return RecordedWorkload(work_s=column(lambda job: job.work_s), left_out=left_out)
    jobs.sort(key=lambda job: job.arrival_s)  # stable: jobs of one second stay in the file's order
    first_s = jobs[0].arrival_s
    return RecordedWorkload(
        work_s=column(lambda job: job.work_s),
        arrival_s=column(lambda job: job.arrival_s - first_s),
        gpu_share=column(lambda job: job.gpu_share),
        state_mb=column(lambda job: job.state_mb),
        interactive=column(lambda job: job.interactive),
        left_out=left_out,
    )
