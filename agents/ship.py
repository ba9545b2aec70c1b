"""Put a run's policy into the package as "pretrained/NAME", with its card: python -m agents.ship RUN NAME."""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.cards import CARDS, DEADLINE_TEXT, report_table
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
# What reports were kept in, by the kind of policy; and what makes their tables.
REPORTS = {"shifted_rule": Path("runs/fleet.json"), "shifted_hedge": Path("runs/services.json")}
REPORT = Path("runs/cant_be_late.json")


def main(arguments: Sequence[str] | None = None) -> None:
    """Copy the policy, and write its card."""
    take_any_text()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=expanded, help="a finished run's folder")
    parser.add_argument("name", help="what comes after pretrained/")
    parser.add_argument("--note", default="", help="a sentence for the card: what was done beside what the run says")
    parser.add_argument("--report", type=expanded, help="what the report of its kind kept, if not where usual")
    given = parser.parse_args(arguments)
    try:
        print(ship(given.run, given.name, given.report, note=given.note))
    except (ValueError, OSError) as error:
        parser.exit(2, f"{error}\n")


def ship(
    run: Path,
    name: str,
    report: Path | None = None,
    pretrained: Path = PRETRAINED,
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
    form, table_of = CARDS.get(card.kind, (DEADLINE_TEXT, report_table))
    table = table_of(report or REPORTS.get(card.kind, REPORT), label, card.sha256)
    if card.kind in LEARNED_RULES:
        facts |= _evolution_settings(run / "config.json", card) | {"note": f" {note}" if note else ""}
    else:
        facts |= _settings(run / "config.json", card)
        facts["network"] = f"{card.kind}, hidden layers {facts['hidden']}, {card.activation}"
    text = form.format(**facts, table=table)
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
        usual = (
            load_settings(card.scenario, is_service=LEARNED_RULES[card.kind].for_services).model_dump(mode="json")
            | chosen
        )
        changes = _changes(settings, usual)
        is_drawn = settings.get("drawn") is not None
        beside = ", ".join(_beside(name, one) for name, one in settings["beside"].items()) or "nothing"
        beside += f"; and `{FAMILY}`, fleets drawn anew for each generation" if is_drawn else ""
        unknown = "Longer horizons" if is_drawn else "Idle or hopelessly overloaded pools, longer horizons"
        notes = {key: card.training[key] for key in ("algorithm", "steps", "generations")}
        stopped = ", stopped there" if notes["steps"] < settings["total_steps"] else ""
        words = {"beside": beside, "changes": changes, "stopped": stopped, "unknown": unknown}
        words["weight"] = ", ".join(f"{one['shortfall_weight']:g}" for one in config["scenario"].get("service", []))
        return {**chosen, **notes, **words, "commit": config["commit"]}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        reason = f"{type(error).__name__}: {reason_of(error)}"
        raise ValueError(f"{named(path)}: does not say how it was trained ({reason})") from None


def _beside(name: str, one: dict[str, Any]) -> str:
    changes = one.get("changes", {})
    return f"`{one.get('scenario') or name}`{f' as `{name}`, with {len(changes)} changes' if changes else ''}"


def _changes(settings: dict[str, Any], usual: dict[str, Any]) -> str:
    """As `train.py` is told of them."""
    changed = {key: value for key, value in settings.items() if usual[key] != value}
    return "".join(f" --set {key}={'none' if value is None else json.dumps(value)}" for key, value in changed.items())


if __name__ == "__main__":
    main()
