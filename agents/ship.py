"""Put a run's policy into the package as "pretrained/NAME", with its card: python -m agents.ship RUN NAME."""

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.evolution.settings import load_settings
from agents.fleets import FAMILY
from agents.hyperparameters import load_hyperparameters
from tessera_env.files.json_files import read_object
from tessera_env.files.paths import expanded
from tessera_env.files.problems import named, reason_of
from tessera_env.files.streams import take_any_text
from tessera_env.files.writing import write_text
from tessera_env.policies.card import PolicyCard
from tessera_env.policies.folder import read_card, read_weights, save_policy
from tessera_env.policies.learned_rules import LEARNED_RULES

PRETRAINED = Path(__file__).parents[1] / "tessera_env" / "data" / "pretrained"
TEXT_FILE = "CARD.md"
FLEET_REPORT = Path("runs/fleet.json")  # what benchmarks.studies.fleet kept

_FLEET_TEXT = """# pretrained/{name}

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

_TEXT = """# pretrained/{name}

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


def main(arguments: Sequence[str] | None = None) -> None:
    """Copy the policy, and write its card."""
    take_any_text()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=expanded, help="a finished run's folder")
    parser.add_argument("name", help="what comes after pretrained/")
    parser.add_argument("--note", default="", help="a sentence for the card: what was done beside what the run says")
    parser.add_argument("--report", type=expanded, default=Path("runs/cant_be_late.json"), help="what make report kept")
    given = parser.parse_args(arguments)
    try:
        print(ship(given.run, given.name, given.report, note=given.note))
    except (ValueError, OSError) as error:
        parser.exit(2, f"{error}\n")


def ship(
    run: Path,
    name: str,
    report: Path,
    pretrained: Path = PRETRAINED,
    fleet: Path = FLEET_REPORT,
    note: str = "",
) -> Path:
    """Copy `run`'s policy to `pretrained / name`, `note` into its card; returns that folder.

    Raises:
        ValueError: the run holds no policy that can be used, or the name is none.
        OSError: the folder cannot be written.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*", name):
        raise ValueError(f"name: {name!r} (allowed: letters, digits, '_', '-', and '/' between such names)")
    card = read_card(run)
    arrays, label = read_weights(run, card.sha256), f"pretrained/{name}"
    facts = {
        "name": name,
        "scenario": card.scenario,
        "weights": sum(array.size for part, array in arrays.items() if part != "scale"),
        "sha256": card.sha256,
        "fields": len(card.fields),
    }
    if card.kind in LEARNED_RULES:
        facts |= _evolution_settings(run / "config.json", card)
        shown = fleet_table(fleet, label, card.sha256)
        text = _FLEET_TEXT.format(**facts, table=shown, note=f" {note}" if note else "")
    else:
        facts |= _settings(run / "config.json", card)
        network = f"{card.kind}, hidden layers {facts['hidden']}, {card.activation}"
        text = _TEXT.format(**facts, network=network, table=report_table(report, label, card.sha256))
    folder = pretrained / name
    save_policy(folder, arrays, card.model_dump(exclude={"schema_version", "sha256"}))
    write_text(folder / TEXT_FILE, text)
    return folder


def _settings(path: Path, card: PolicyCard) -> dict[str, Any]:
    """What the run was trained with, and how long until its best."""
    try:
        config = read_object(path, ValueError)
        settings = config["hyperparameters"]
        chosen = {key: settings[key] for key in ("total_steps", "seed", "algorithm", "hidden")}
        usual = load_hyperparameters(card.scenario).model_dump(mode="json") | chosen
        changes = _changes(settings, usual)
        return {**chosen, "changes": changes, "commit": config["commit"], "steps": card.training["steps"]}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        reason = f"{type(error).__name__}: {reason_of(error)}"
        raise ValueError(f"{named(path)}: does not say how it was trained ({reason})") from None


def _evolution_settings(path: Path, card: PolicyCard) -> dict[str, Any]:
    """What a search was made with."""
    try:
        config = read_object(path, ValueError)
        settings = config["settings"]
        chosen = {key: settings[key] for key in ("total_steps", "seed", "n_threads")}  # threads change nothing
        usual = load_settings(card.scenario).model_dump(mode="json") | chosen
        changes = _changes(settings, usual)
        is_drawn = settings.get("drawn") is not None
        beside = ", ".join(f"`{name}`" for name in settings["beside"]) or "nothing"
        beside += f"; and `{FAMILY}`, fleets drawn anew for each generation" if is_drawn else ""
        unknown = "Longer horizons" if is_drawn else "Idle or hopelessly overloaded pools, longer horizons"
        notes = {key: card.training[key] for key in ("algorithm", "steps", "generations")}
        stopped = ", stopped there" if notes["steps"] < settings["total_steps"] else ""
        words = {"beside": beside, "changes": changes, "stopped": stopped, "unknown": unknown}
        return {**chosen, **notes, **words, "commit": config["commit"]}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        reason = f"{type(error).__name__}: {reason_of(error)}"
        raise ValueError(f"{named(path)}: does not say how it was trained ({reason})") from None


def _changes(settings: dict[str, Any], usual: dict[str, Any]) -> str:
    """As `train.py` is told of them."""
    changed = {key: value for key, value in settings.items() if usual[key] != value}
    return "".join(f" --set {key}={'none' if value is None else json.dumps(value)}" for key, value in changed.items())


def fleet_table(report: Path, label: str, sha256: str) -> str:
    """The policy's and the rules' figures on the presets, as Markdown; none if other weights were played."""
    none = f"No report yet: `python -m benchmarks.studies.fleet` and `python -m agents.ship` again put {label}'s here."
    if not report.is_file():
        return none
    with _of_a_report(report):
        return _fleet_rows(read_object(report, ValueError), label, sha256) or none


def _fleet_rows(kept: dict[str, Any], label: str, sha256: str) -> str:
    """The table; empty if other weights were played."""
    tables = [one for one in kept["reports"] if "gap closed %" in one["columns"]]
    if kept["quick"] or not any(f"{label} {sha256[:12]}" in one["note"] for one in kept["reports"]):
        return ""
    lines = ["| worlds | policy | objective, $ | difference to greedy, $ | gap closed, % |", "|---|---|---|---|---|"]
    for one in tables:
        preset = one["title"].rpartition(": ")[2]
        shown = [row for row in one["rows"] if row[0] == label or not row[0].startswith("pretrained/")]
        lines += [f"| `{preset}` | {row[0]} | {row[1]} | {row[2]} | {row[3]} |" for row in shown]
    return "\n".join(lines)


def report_table(report: Path, label: str, sha256: str) -> str:
    """The policy's figures in each part of the report, as Markdown; none if other weights were played."""
    none = f"No report yet: `make report` and `python -m agents.ship` again put the table of {label} here."
    if not report.is_file():
        return none
    with _of_a_report(report):
        return _study_rows(read_object(report, ValueError), label, sha256) or none


@contextmanager
def _of_a_report(file: Path) -> Iterator[None]:
    """Raises ValueError: what is looked for is not in the file, or of another form; one line."""
    try:
        yield
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{named(file)}: holds no report ({type(error).__name__}: {reason_of(error)})") from None


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


if __name__ == "__main__":
    main()
