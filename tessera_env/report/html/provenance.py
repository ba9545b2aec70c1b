"""What the report rests on: the scenario in full, seed, versions, command."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from tessera_env.evaluation.results import Results
from tessera_env.report.html.page import folded, paragraph, table


def provenance(results: Results, command: str) -> list[str]:
    """HTML, the scenario folded away."""
    facts = [
        ["Worlds", f"0 to {results.episodes - 1} of seed {results.seed}; the bootstrap has the same seed"],
        *([f"Policy {label}", _card(card)] for label, card in results.policies.items() if card != {"name": label}),
        *([package, version] for package, version in sorted(results.versions.items())),
    ]
    # File names that are not UTF-8 come from the command line as lone surrogates, which cannot be written.
    command = command.encode("utf-8", "replace").decode("utf-8")
    shown = [f"<pre>{escape(command)}</pre>"] if command else []
    return [*shown, table(["", ""], facts, "facts"), folded("The scenario in full", _scenario(results.scenario))]


def _card(card: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in card.items())


def _scenario(scenario: Mapping[str, Any]) -> str:
    """A table of all but the pools, and a folded one for each pool."""
    pools = scenario.get("pools", [])
    rest = {key: value for key, value in scenario.items() if key != "pools"}
    parts = [table(["", ""], list(flat(rest)), "facts")]
    for number, pool in enumerate(pools):
        name = f"pools.{number}: {pool.get('name', '')}" if isinstance(pool, Mapping) else f"pools.{number}"
        parts.append(folded(name, table(["", ""], list(flat(pool)), "facts")))
    return "".join(parts) if scenario else paragraph("These results hold no scenario.")


def flat(values: Any, prefix: str = "") -> Iterator[list[str]]:
    """Dotted keys and values as text, as a scenario's file has them; unset ones are "none"."""
    if not isinstance(values, Mapping):
        yield [prefix, "none" if values is None else str(values).lower() if isinstance(values, bool) else str(values)]
        return
    for key, value in values.items():
        yield from flat(value, f"{prefix}.{key}" if prefix else str(key))
