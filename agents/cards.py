"""What a shipped policy's card says: texts, and tables out of kept reports."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tessera_env.files.json_files import read_object
from tessera_env.files.problems import named, reason_of

FLEET_TEXT = """# pretrained/{name}

`tessera evaluate --scenario fleet --policies greedy,pretrained/{name}` plays it, as it plays `fleet-mixed` and
`classic`; no torch is needed.

| | |
|---|---|
| trained on | preset `{scenario}`, recorded hours before 700, and beside it {beside} |
| how | `python train.py --scenario {scenario} --steps {total_steps} --seed {seed}{changes}`, commit {commit} |
| search | {algorithm}; {steps:,} decisions played in {generations:,} generations{stopped}; mean of weights.{note} |
| policy | the rule `yielding` with moves that save work, its turns shifted by {weights:,} weights; sha256 {sha256} |
| observation | {fields} fields, which policy.json names; one that is missing or means something else is refused |

## How it does

{table}

`python -m benchmarks.studies.fleet` makes the table anew. Nothing was chosen by hours from 700 on, or by these seeds.

## Limits

- Where spot is never short, as in `classic`, it gains little or nothing over `greedy`, as the table shows.
- It was made on 100 or so tasks that compete for some dozen spot instances in two days. {unknown} or other prices for
  what is missed are unknown to it.
- It keeps deadlines because the scenario's guard forbids what would miss them. Without the guard it promises nothing.
- It sees each task as it is asked, with counts of the others, not the queue; and what the episode has shown of the
  pools, not their history before it.
- It saves work by moving, which pays where a move saves all and an interruption may not.
"""

DEADLINE_TEXT = """# pretrained/{name}

`tessera evaluate --scenario deadline-aws --policies pretrained/{name}` plays it; numpy alone is needed.

| | |
|---|---|
| trained on | preset `{scenario}`: generated spot capacity, no recorded hour |
| how | `python train.py --steps {total_steps} --seed {seed}{changes}`, {algorithm}, commit {commit} |
| decisions learned from | {steps:,}, the best of the run on development worlds |
| network | {network}, {weights:,} weights; sha256 {sha256} |
| observation | {fields} fields, which policy.json names; one that is missing or means something else is refused |

## How it does

{table}

`make report` makes the table anew. It was chosen on generated worlds; hours from 700 on and the other month played no
part in it.

## Limits

- One job in one pool, work of 48 h, deadlines of 50 to 90 h, changeovers of 0.02 to 0.2 h, nothing to save or load. On
  other jobs it may do worse than a rule.
- It was never asked about a job on spot, and leaves it there until it is interrupted, wherever it is asked.
- It keeps deadlines because the scenario's guard forbids what would miss them. Without the guard it promises nothing.
- It knows what the episode has shown of the zone, not the zone's history, the hour of the day there, or other zones.
- Its spot prices were constant; where they move much, it has learned nothing about that.
"""

SERVICE_TEXT = """# pretrained/{name}

`tessera evaluate --scenario service --policies spot_hedge,pretrained/{name}` plays it, as it plays every scenario
of one service and no tasks, with any pools and any target; no torch is needed.

| | |
|---|---|
| trained on | preset `{scenario}`, generated zones, and beside it {beside}; no recorded hour |
| how | `python train.py --scenario {scenario} --steps {total_steps} --seed {seed}{changes}`, commit {commit} |
| search | {algorithm}; {steps:,} decisions played in {generations:,} generations{stopped}; mean of weights.{note} |
| policy | the rule `spot_hedge_plus`, its turns shifted by {weights:,} weights; sha256 {sha256} |
| observation | {fields} fields, which policy.json names; one that is missing or means something else is refused |

## How it does

{table}

`make report-services` makes the table anew. Nothing was chosen by hours from 700 on, or by SkyServe's recordings; that
zones may hold some of the replicas asked for was learned from a first report on these.

## Limits

- In AWS1 and GCP1, whose zones sometimes hold some of the replicas that are asked for, it is cheaper than `spot_hedge`,
  but less available: see the table. It was made on such zones, too, but on others.
- It was made on three and four replicas in three, six and nine zones.
- How much availability is worth is in the weights: `shortfall_weight` {weight} in training. Whoever wants more of it,
  or less, says what an outage is worth beside that: `pretrained/{name}:outage=2`.
- It knows the zones by its own tries since the episode's start, not their history, nor which share a region.
- It keeps spares only where the scenario's `extra` is 1 or more.
- Requests play no part in what it sees but for the target that they set. Since it keeps hardly any spares, which serve
  too, they wait longer with it than with `spot_hedge`.
"""


def fleet_table(report: Path, label: str, sha256: str) -> str:
    """The policy's and the rules' figures on the presets, as Markdown; none if other weights were played."""
    return _table(report, label, sha256, "`python -m benchmarks.studies.fleet`", _fleet_rows)


def _fleet_rows(kept: dict[str, Any], label: str, sha256: str) -> str:
    """The table; empty if other weights were played."""
    tables = [one for one in kept["reports"] if "gap closed %" in one["columns"]]
    if not _has_played(kept, label, sha256):
        return ""
    lines = ["| worlds | policy | objective, $ | difference to greedy, $ | gap closed, % |", "|---|---|---|---|---|"]
    for one in tables:
        preset = one["title"].rpartition(": ")[2]
        shown = [row for row in one["rows"] if row[0] == label or not row[0].startswith("pretrained/")]
        lines += [f"| `{preset}` | {row[0]} | {row[1]} | {row[2]} | {row[3]} |" for row in shown]
    return "\n".join(lines)


def report_table(report: Path, label: str, sha256: str) -> str:
    """The policy's figures in each part of the report, as Markdown; none if other weights were played."""
    return _table(report, label, sha256, "`make report`", _study_rows)


def _table(report: Path, label: str, sha256: str, command: str, rows: Callable[[dict[str, Any], str, str], str]) -> str:
    """What `rows` finds in the report; how to get one, where there is none of these weights."""
    found = ""
    if report.is_file():
        try:
            found = rows(read_object(report, ValueError), label, sha256)
        except (LookupError, TypeError, AttributeError) as error:
            reason = f"{type(error).__name__}: {reason_of(error)}"
            raise ValueError(f"{named(report)}: holds no report ({reason})") from None
    return found or f"No report yet: {command} and `python -m agents.ship` again put the table of {label} here."


def _has_played(kept: dict[str, Any], label: str, sha256: str) -> bool:
    """Whether a study's tables are of these weights, and of full size."""
    return not kept["quick"] and any(f"{label} {sha256[:12]}" in one["note"] for one in kept["reports"])


def _study_rows(found: dict[str, Any], label: str, sha256: str) -> str:
    """The table; empty if other weights were played."""
    if sha256 not in found["policies"].get(label, "") or found["quick"]:
        return ""
    parts = found["summary"]
    lines = ["| worlds | policy | cost, $ | gap closed, % | late |", "|---|---|---|---|---|"]
    for title, part in parts.items():
        lines += [f"| {title} | {_row(one)} |" for one in part["overall"] if _is_shown(one["label"], label)]
    return "\n".join(lines)


def _is_shown(label: str, shipped: str) -> bool:
    return label in (shipped, "clairvoyant", "slack_threshold", "uniform_progress")


def _row(one: dict[str, Any]) -> str:
    gap, cost = one["gap"], one["cost_usd"]
    interval = "" if gap["low"] == gap["high"] else f" [{100 * gap['low']:.1f}, {100 * gap['high']:.1f}]"
    return (
        f"`{one['label']}` | {cost['mean']:.2f} | {100 * gap['mean']:.1f}{interval} | {one['late']} of {one['windows']}"
    )


def service_table(report: Path, label: str, sha256: str) -> str:
    """The policy's figures and the rules', as Markdown; none if other weights were played."""
    return _table(report, label, sha256, "`make report-services`", _service_rows)


def _service_rows(kept: dict[str, Any], label: str, sha256: str) -> str:
    """The table; empty if other weights were played."""
    if not _has_played(kept, label, sha256):
        return ""
    tables = [one for one in kept["reports"] if one["title"].startswith("Services: ")]
    lines = ["| worlds | policy | extra | available, % | of on-demand, % | available more | cost / its cost |"]
    lines.append("|---|---|---|---|---|---|---|")
    for one in tables:
        shown = [row for row in one["rows"] if row[0] in (label, "spot_hedge_plus") or row[:2] == ["spot_hedge", "1"]]
        lines += [f"| {one['title'].removeprefix('Services: ')} | {' | '.join(row[:6])} |" for row in shown]
    return "\n".join(lines)


CARDS = {"shifted_rule": (FLEET_TEXT, fleet_table), "shifted_hedge": (SERVICE_TEXT, service_table)}
