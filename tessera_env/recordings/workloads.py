"""Recorded workloads as arrays of jobs: arrival, work, GPU memory, state, kind, with a rule for whatever is missing.

Two forms are read. `run_times` is a CSV file with the one column `runtime`, in seconds, such as the run times of
Microsoft's Philly cluster: work alone, without arrivals. `pods` is the CSV form of Alibaba's cluster-trace-gpu-v2023:
one row a Kubernetes pod, times in seconds. What becomes of a row (those left out are counted by reason in `dropped`):

- `creation_time`: the arrival. Jobs are sorted by it, and the first one kept arrives at 0.
- Created before the file's first deletion: left out, because of the pods of that time only those that outlived it
  were recorded; `from_s` names another start.
- `scheduled_time` blank: left out; it never ran, so that its work is unknown.
- `deletion_time` - `scheduled_time`: the work. What a pod waited for a place is not part of it.
- `deletion_time` blank, or the file's last time: the work until the recording's end; counted in `cut`.
- Work, or `runtime`, of 0 s: left out.
- Work longer than `longest_work_h`: left out; a service that outlasts every episode is not a job.
- `num_gpu` 0: left out; it needs no GPU.
- `num_gpu`, `gpu_milli`: the GPU memory is the share of a GPU, `num_gpu` x `gpu_milli` / 1,000, times the memory of a
  reference GPU. So a pod of several GPUs needs one instance whose GPUs together have that memory.
- More GPU memory than `gpu_memory_limit_mb`: left out; no instance could run it.
- `memory_mib`: the state to save. The host memory that a pod asked for bounds what a snapshot of it holds; 0 is not
  known (NaN).
- `qos` LS (latency-sensitive): INTERACTIVE. BE, Burstable and Guaranteed: BATCH. Another one is an error.
- `pod_phase` Failed: kept; it held its GPUs as long as others did.
- `cpu_milli`, `gpu_spec`: not used.

A scenario clips what work is left to its `task.recording_work_h`. What was left out and clipped `tessera simulate` and
`evaluate` say on standard error; it stands in the results' JSON (`played_rows`) and in the HTML report.

Anything else in a file (a ragged row, NaN, a negative number, an end before its start) is an error.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tessera_env.files.csv_tables import Column, Row, check_unique, number, one_of, read_rows, text, whole
from tessera_env.files.numbers import exact
from tessera_env.files.paths import expanded
from tessera_env.files.problems import Problems
from tessera_env.files.reading import version_of

WorkloadFormat = Literal["pods", "run_times"]
FORMATS = ("pods", "run_times")
MB_PER_MIB = 1.048576
MAX_TIME_S = 1e10
LONGEST_WORK_H = 168.0  # a week

NO_WORK, TOO_MUCH_WORK = "ran for 0 s", "ran longer than allowed"  # why rows are left out for their work

INTERACTIVE_QOS = "LS"
_TIME = number(0.0, MAX_TIME_S)
_TIME_OR_BLANK = number(0.0, MAX_TIME_S, blank=math.nan)
_POD_COLUMNS = (
    Column("name", *text(lambda name: 0 < len(name) <= 100, "a name of 1 to 100 characters")),
    Column("cpu_milli", *whole(0, 10_000_000)),
    Column("memory_mib", *number(0.0, 1e9)),
    Column("num_gpu", *whole(0, 1_000)),
    Column("gpu_milli", *whole(0, 1_000)),
    Column("gpu_spec", *text(lambda spec: len(spec) <= 1_000, "up to 1000 characters")),
    Column("qos", *one_of(INTERACTIVE_QOS, "BE", "Burstable", "Guaranteed")),
    Column("pod_phase", *one_of("Pending", "Running", "Succeeded", "Failed", "Unknown")),
    Column("creation_time", *_TIME),
    Column("deletion_time", *_TIME_OR_BLANK),
    Column("scheduled_time", *_TIME_OR_BLANK),
)
_RUN_TIME_COLUMNS = (Column("runtime", *_TIME),)


class WorkloadError(ValueError):
    """A workload file that cannot be used; its text has one line a problem."""


@dataclass(frozen=True, eq=False)
class RecordedWorkload:
    """n jobs in the order of their arrival, or of the file where arrivals were not recorded; arrays are read-only."""

    name: str
    work_s: NDArray[np.float64]  # (n,) above 0
    arrival_s: NDArray[np.float64] | None = None  # (n,) rising from 0
    gpu_memory_mb: NDArray[np.float64] | None = None  # (n,)
    state_mb: NDArray[np.float64] | None = None  # (n,) NaN: not known
    interactive: NDArray[np.bool_] | None = None  # (n,)
    dropped: Mapping[str, int] = field(default_factory=dict)  # rows left out, by reason
    cut: int = 0  # jobs kept that were still running when the recording ended
    median_work_s: float = math.nan  # as read, of the jobs and of those left out for their work

    def __len__(self) -> int:
        return len(self.work_s)


class _Rules(NamedTuple):
    """What the caller chooses."""

    gpu_memory_mb_per_gpu: float
    gpu_memory_limit_mb: float
    longest_work_s: float
    from_s: float | None


class _Job(NamedTuple):
    """What is kept of a row."""

    arrival_s: float
    work_s: float
    gpu_memory_mb: float
    state_mb: float
    interactive: bool


def read_workload(
    path: str | Path,
    format: WorkloadFormat,
    *,
    gpu_memory_mb_per_gpu: float = 16_000.0,
    gpu_memory_limit_mb: float = math.inf,
    longest_work_h: float = LONGEST_WORK_H,
    from_s: float | None = None,
) -> RecordedWorkload:
    """The jobs of a file of recorded work, by the rules above; parsed once for each version of the file.

    Args:
        path: of a CSV file.
        format: "pods" or "run_times".
        gpu_memory_mb_per_gpu: memory of the GPU that shares of a GPU are of, MB (pods).
        gpu_memory_limit_mb: jobs that need more are left out, MB (pods).
        longest_work_h: jobs with more work are left out, h.
        from_s: jobs created earlier are left out, s of the recording; none: before the first deletion (pods).

    Raises:
        WorkloadError: the file, or one of its rows, cannot be used, or no row is kept.
    """
    if format not in FORMATS:
        raise WorkloadError(f"format: must be one of {', '.join(FORMATS)} (got {format!r})")
    file = expanded(path)
    rules = _Rules(gpu_memory_mb_per_gpu, gpu_memory_limit_mb, longest_work_h * 3600.0, from_s)
    return _read_once(file, format, rules, version_of(file))


def statistics(workload: RecordedWorkload) -> dict[str, float]:
    """Figures of a workload for people: how many jobs, how long, how many INTERACTIVE; NaN where not recorded."""
    hours = workload.work_s / 3600.0
    span_h = math.nan if workload.arrival_s is None else float(workload.arrival_s[-1]) / 3600.0
    return {
        "tasks": float(len(workload)),
        "dropped": float(sum(workload.dropped.values())),
        "cut": float(workload.cut),
        "span_h": span_h,
        "arrivals_per_h": (len(workload) - 1) / span_h if span_h > 0.0 else math.nan,
        "work_mean_h": float(hours.mean()),
        "work_median_h": float(np.median(hours)),
        "work_p95_h": float(np.quantile(hours, 0.95)),
        "gpu_memory_median_mb": _median(workload.gpu_memory_mb),
        "state_median_mb": _median(workload.state_mb),
        "interactive_share": math.nan if workload.interactive is None else float(workload.interactive.mean()),
    }


def _median(values: NDArray[np.float64] | None) -> float:
    known = np.zeros(0) if values is None else values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else math.nan


@lru_cache(maxsize=16)
def _read_once(file: Path, format: WorkloadFormat, rules: _Rules, _version: tuple[int, int]) -> RecordedWorkload:
    return _read_pods(file, rules) if format == "pods" else _read_run_times(file, rules)


def _read_run_times(file: Path, rules: _Rules) -> RecordedWorkload:
    rows, problems = read_rows(file, _RUN_TIME_COLUMNS, WorkloadError)
    dropped: Counter[str] = Counter()
    kept = []
    for row in rows:
        work_s = row.values["runtime"]
        reason = _unfit_work(work_s, rules)
        if reason:
            dropped[reason] += 1
        else:
            kept.append(work_s)
    _check_any(kept, dropped, rules, problems)
    median_s = float(np.median([row.values["runtime"] for row in rows]))
    return RecordedWorkload(file.name, _frozen(kept), dropped=MappingProxyType(dict(dropped)), median_work_s=median_s)


def _read_pods(file: Path, rules: _Rules) -> RecordedWorkload:
    rows, problems = read_rows(file, _POD_COLUMNS, WorkloadError)
    check_unique(rows, "name", problems)
    for row in rows:
        _check_pod(row, problems)
    problems.raise_any()
    end_s = _last_time_s(rows)
    from_s = _first_deletion_s(rows, end_s) if rules.from_s is None else rules.from_s
    dropped: Counter[str] = Counter()
    jobs, works_s, cut = [], [], 0
    for row in rows:
        job = _job(row, end_s, rules)
        reason = _unfit_pod(row, job, from_s, rules)
        if reason in ("", NO_WORK, TOO_MUCH_WORK):
            works_s.append(job.work_s)
        if reason:
            dropped[reason] += 1
            continue
        jobs.append(job)
        cut += _end_s(row, end_s) == end_s
    _check_any(jobs, dropped, rules, problems)
    workload = _workload(file.name, sorted(jobs, key=lambda job: job.arrival_s), dropped, cut)
    return replace(workload, median_work_s=float(np.median(works_s)))


def _check_pod(row: Row, problems: Problems) -> None:
    """What two fields of a row say together."""
    pod, line = row.values, f"line {row.line}"
    created_s, scheduled_s, deleted_s = pod["creation_time"], pod["scheduled_time"], pod["deletion_time"]
    if scheduled_s < created_s:
        problems.add(f"{line}: scheduled_time", f"at least creation_time = {exact(created_s)}, or blank", scheduled_s)
    if deleted_s < (created_s if math.isnan(scheduled_s) else scheduled_s):
        problems.add(f"{line}: deletion_time", "at least creation_time and scheduled_time, or blank", deleted_s)
    if pod["num_gpu"] > 0 and pod["gpu_milli"] == 0:
        problems.add(f"{line}: gpu_milli", "at least 1 where num_gpu is not 0", 0)


def _last_time_s(rows: Sequence[Row]) -> float:
    """When the recording ended."""
    times = [row.values[column] for row in rows for column in ("creation_time", "deletion_time", "scheduled_time")]
    return max(time_s for time_s in times if not math.isnan(time_s))


def _first_deletion_s(rows: Sequence[Row], end_s: float) -> float:
    """Before this, pods that ended are missing; 0 where all were deleted at the recording's end or not at all."""
    deletions = [deleted_s for row in rows if (deleted_s := row.values["deletion_time"]) < end_s]
    return min(deletions, default=0.0)


def _end_s(row: Row, end_s: float) -> float:
    deleted_s = row.values["deletion_time"]
    return end_s if math.isnan(deleted_s) else deleted_s


def _job(row: Row, end_s: float, rules: _Rules) -> _Job:
    pod = row.values
    gpus = pod["num_gpu"] * pod["gpu_milli"] / 1000.0
    return _Job(
        arrival_s=pod["creation_time"],
        work_s=_end_s(row, end_s) - pod["scheduled_time"],
        gpu_memory_mb=gpus * rules.gpu_memory_mb_per_gpu,
        state_mb=pod["memory_mib"] * MB_PER_MIB if pod["memory_mib"] > 0.0 else math.nan,
        interactive=pod["qos"] == INTERACTIVE_QOS,
    )


def _unfit_pod(row: Row, job: _Job, from_s: float, rules: _Rules) -> str:
    """Why a row is left out; empty if it is not. The first reason counts."""
    if row.values["num_gpu"] == 0:
        return "needs no GPU"
    if math.isnan(job.work_s):
        return "never scheduled"
    if job.arrival_s < from_s:
        return "created before the recording began"
    if job.gpu_memory_mb > rules.gpu_memory_limit_mb:
        return "needs more GPU memory than there is"
    return _unfit_work(job.work_s, rules)


def _unfit_work(work_s: float, rules: _Rules) -> str:
    if work_s == 0.0:
        return NO_WORK
    return TOO_MUCH_WORK if work_s > rules.longest_work_s else ""


def _check_any(kept: Sequence[object], dropped: Mapping[str, int], rules: _Rules, problems: Problems) -> None:
    if kept:
        return
    reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
    longest = f"; up to {rules.longest_work_s / 3600.0:g} h, read as seconds" if TOO_MUCH_WORK in dropped else ""
    problems.refuse(f"has no row that can be used ({reasons}{longest})")


def _workload(name: str, jobs: Sequence[_Job], dropped: Mapping[str, int], cut: int) -> RecordedWorkload:
    arrival_s = _frozen([job.arrival_s - jobs[0].arrival_s for job in jobs])
    interactive = np.array([job.interactive for job in jobs])
    interactive.setflags(write=False)
    columns: dict[str, Any] = {
        key: _frozen([getattr(job, key) for job in jobs]) for key in ("work_s", "gpu_memory_mb", "state_mb")
    }
    return RecordedWorkload(
        name,
        arrival_s=arrival_s,
        interactive=interactive,
        dropped=MappingProxyType(dict(dropped)),
        cut=cut,
        **columns,
    )


def _frozen(values: Sequence[float]) -> NDArray[np.float64]:
    """An array that its sharers cannot change."""
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array
