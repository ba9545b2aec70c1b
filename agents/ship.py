"""Put a run's policy into the package as "pretrained/NAME", with its card: python -m agents.ship RUN NAME."""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.hyperparameters import load_hyperparameters
from tessera_env.files.writing import write_text
from tessera_env.policies.card import PolicyCard
from tessera_env.policies.folder import read_card, read_weights, save_policy

PRETRAINED = Path(__file__).parents[1] / "tessera_env" / "data" / "pretrained"
TEXT_FILE = "CARD.md"

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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a finished run's folder")
    parser.add_argument("name", help="what comes after pretrained/")
    parser.add_argument("--report", type=Path, default=Path("runs/cant_be_late.json"), help="what make report kept")
    given = parser.parse_args(arguments)
    try:
        print(ship(given.run, given.name, given.report))
    except (ValueError, OSError) as error:
        parser.exit(2, f"{error}\n")


def ship(run: Path, name: str, report: Path, pretrained: Path = PRETRAINED) -> Path:
    """Copy `run`'s policy to `pretrained / name`; returns that folder.

    Raises:
        ValueError: the run holds no policy that can be used, or the name is none.
        OSError: the folder cannot be written.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*", name):
        raise ValueError(f"name: {name!r} (allowed: letters, digits, '_', '-', and '/' between such names)")
    card = read_card(run)
    arrays, settings = read_weights(run, card.sha256), _settings(run / "config.json", card)
    folder = pretrained / name
    save_policy(folder, arrays, card.model_dump(exclude={"schema_version", "sha256"}))
    facts = {
        **settings,
        "name": name,
        "scenario": card.scenario,
        "network": f"{card.kind}, hidden layers {settings['hidden']}, {card.activation}",
        "weights": sum(array.size for array in arrays.values()),
        "sha256": card.sha256,
        "fields": len(card.fields),
        "table": report_table(report, f"pretrained/{name}", card.sha256),
    }
    write_text(folder / TEXT_FILE, _TEXT.format(**facts))
    return folder


def _settings(path: Path, card: PolicyCard) -> dict[str, Any]:
    """What the run was trained with, and how long until its best."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        settings = config["hyperparameters"]
        chosen = {key: settings[key] for key in ("total_steps", "seed", "algorithm", "hidden")}
        usual = load_hyperparameters(card.scenario).model_dump(mode="json") | chosen
        changed = [f" --set {key}={json.dumps(value)}" for key, value in settings.items() if usual[key] != value]
        return {**chosen, "changes": "".join(changed), "commit": config["commit"], "steps": card.training["steps"]}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path}: does not say how it was trained ({type(error).__name__}: {error})") from None


def report_table(report: Path, label: str, sha256: str) -> str:
    """The policy's figures in each part of the report, as Markdown; none if other weights were played."""
    found = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else {"policies": {}}
    if sha256 not in found["policies"].get(label, "") or found["quick"]:
        return f"No report yet: `make report` and `python -m agents.ship` again put the table of {label} here."
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
