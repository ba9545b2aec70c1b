"""Scenarios from presets, TOML files and mappings, with single values overridden; one error lists all that is wrong."""

import difflib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tessera_env.files.paths import expanded
from tessera_env.files.problems import named, shown, shown_key
from tessera_env.files.reading import read_text
from tessera_env.files.toml_files import toml_of
from tessera_env.recordings.bundled import BUNDLED
from tessera_env.recordings.demand import DemandError
from tessera_env.recordings.traces.series import TraceError
from tessera_env.recordings.workloads import WorkloadError
from tessera_env.scenario.errors import ScenarioError, lines_of, report
from tessera_env.scenario.inherited import forget_unread, told, unread_fields
from tessera_env.scenario.only_service import with_places
from tessera_env.scenario.scenario import Scenario

# What a shell user means as text without quoting it twice: names and paths.
_BARE_WORD = re.compile(r"[A-Za-z_~./][A-Za-z0-9_~./:-]*")
_MAX_DEPTH = 8  # no field of a scenario lies deeper


def preset_names() -> list[str]:
    """The presets inside the package, sorted."""
    return sorted(entry.name.removesuffix(".toml") for entry in _presets().iterdir() if entry.name.endswith(".toml"))


def load_scenario(source: str | Path | Mapping[str, Any] | Scenario, /, **overrides: Any) -> Scenario:
    """A validated scenario from a preset's name, the path of a TOML file, a mapping or another scenario.

    A scenario was checked when it was made, and cannot change: without overrides it is handed back itself.

    Overrides replace single values: `**{"task.deadline_h": 70}`, `**{"pools.0.setup_h": 0.1}`, `pools.*.` for every
    pool, or a section's mapping, `task={"deadline_h": 70}`, whose other values stay. Values of the source that nothing
    reads any more then fall back to their defaults.

    Raises:
        ScenarioError: one line a problem, naming file, field, value and what is allowed.
    """
    if isinstance(source, Scenario) and not overrides:
        return _with_recordings(source, source.name)
    origin, values = _read(source)
    try:
        overrides = with_places(values, overrides)
        if overrides:
            before = unread_fields(values)
            for key, value in overrides.items():
                override(values, key, _copied(value))
            forget_unread(values, before, told(overrides))
        scenario = Scenario.model_validate(values)
    except ValidationError as error:
        raise report(origin, lines_of(error, values, Scenario)) from None
    except RecursionError:
        raise report(origin, ["is nested too deeply"]) from None
    except ScenarioError as error:
        raise report(origin, str(error).splitlines()) from None
    return _with_recordings(scenario, origin)


def refuse_unknown_keywords(function: Callable[..., Any], keywords: Iterable[str]) -> None:
    """Answer a keyword that is neither the function's nor a scenario's as Python does, for callers that rely on it.

    Dotted names are a scenario's, which says itself what is wrong with them.

    Raises:
        TypeError: there is one.
    """
    for keyword in keywords:
        if "." in keyword or keyword in Scenario.model_fields:
            continue
        named = [one.name for one in inspect.signature(function).parameters.values() if one.kind is not one.VAR_KEYWORD]
        near = difflib.get_close_matches(keyword, [*named, *Scenario.model_fields], n=1)
        hint = f". Did you mean '{near[0]}'?" if near else ""
        raise TypeError(f"{function.__qualname__}() got an unexpected keyword argument '{keyword}'{hint}")


def _with_recordings(scenario: Scenario, origin: str) -> Scenario:
    """The scenario, once what it replays has been read and checked."""
    try:
        _ = scenario.recordings
    except (TraceError, WorkloadError, DemandError) as error:
        raise report(origin, str(error).splitlines()) from None
    return scenario


def parse_override(text: str) -> tuple[str, Any]:
    """`task.deadline_h=70` as (key, value); the value is TOML, a bare word is text, `none` is none.

    Raises:
        ScenarioError: no `=`, an empty key or a value that is not TOML.
    """
    key, equals, value = text.partition("=")
    key, value = key.strip(), value.strip()
    if not (equals and key and value):
        raise ScenarioError(f"{shown(text)}: must be KEY=VALUE, such as task.deadline_h=70")
    if value == "none":
        return key, None
    try:
        parsed = toml_of(f"value = {value}", key, ScenarioError)
    except ScenarioError:
        if _BARE_WORD.fullmatch(value):
            return key, value
        raise ScenarioError(
            f'{shown_key(key)}: must be a TOML value, such as 70, true, "text" or [50, 90] (got {shown(value)})'
        ) from None
    if list(parsed) != ["value"]:
        raise ScenarioError(f"{shown_key(key)}: must be one TOML value (got {shown(value)})")
    return key, parsed["value"]


def override(values: dict[str, Any], key: str, value: Any) -> None:
    """Set one value of a scenario's mapping in place; a mapping given for a section replaces what it names.

    Raises:
        ScenarioError: the key names a list's element that does not exist.
    """
    parts = key.split(".")
    if len(parts) > _MAX_DEPTH:
        raise ScenarioError(f"{shown(key)}: must have at most {_MAX_DEPTH} parts (got {len(parts)})")
    if isinstance(value, Mapping) and len(parts) == 1:
        for name, inner in value.items():
            override(values, f"{key}.{name}", inner)
        return
    for container, last in _targets(values, parts, key):
        container[last] = value


def _targets(node: Any, parts: list[str], key: str) -> Iterator[tuple[Any, str | int]]:
    """Every (container, key or index) that a dotted key names; mappings that are missing on the way are made."""
    first, rest = parts[0], parts[1:]
    if isinstance(node, list):
        indices = range(len(node)) if first == "*" else [_index(node, first, key)]
        for index in indices:
            yield from _targets(node[index], rest, key) if rest else iter([(node, index)])
    elif rest:
        if not isinstance(node.get(first), dict | list):
            node[first] = {}
        yield from _targets(node[first], rest, key)
    else:
        yield node, first


def _index(node: list[Any], text: str, key: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) < len(node)):
        raise ScenarioError(
            f"{shown_key(key)}: must name an element by 0 to {len(node) - 1}, or * for all (got {shown(text)})"
        )
    return int(text)


def _presets() -> Any:
    return files("tessera_env") / "scenario" / "presets"


def _read(source: str | Path | Mapping[str, Any] | Scenario) -> tuple[str, dict[str, Any]]:
    """What to call the source in errors, and its values as a mapping that can be changed."""
    if not isinstance(source, str | Path | Mapping | Scenario):
        raise ScenarioError(f"scenario: must be a preset's name, a path, a mapping or a Scenario (got {shown(source)})")
    if isinstance(source, Scenario):
        return source.name, source.model_dump(mode="json")
    if isinstance(source, Mapping):
        return "scenario", _copied(source)
    if isinstance(source, Path) or _is_path(source):
        path = expanded(source)
        values = _parsed(read_text(path, ScenarioError), named(path))
        _resolve_traces(values, path.parent)
        return named(path), {**values, "name": path.stem}
    if source not in preset_names():
        raise ScenarioError(
            f"scenario: must be one of {', '.join(preset_names())}, or a path, which ends in .toml or contains a "
            f"separator (got {shown(source)})"
        )
    text = (_presets() / f"{source}.toml").read_text(encoding="utf-8")
    return f"{source}.toml", {**_parsed(text, f"{source}.toml"), "name": source}


def _is_path(source: str) -> bool:
    return source.endswith(".toml") or "/" in source or "\\" in source


def _parsed(text: str, origin: str) -> dict[str, Any]:
    values = toml_of(text, origin, ScenarioError)
    if not values:
        raise ScenarioError(f"{origin}: is empty (allowed: a scenario in TOML)")
    if "name" in values:
        raise ScenarioError(f"{origin}: name: must not be given; a file's name is its scenario's name")
    return values


def _resolve_traces(values: dict[str, Any], folder: Path) -> None:
    """Make a file's relative trace paths relative to that file, whatever the working directory is later."""
    market, task = values.get("market"), values.get("task")
    if isinstance(task, dict) and isinstance(task.get("recording"), str):
        task["recording"] = _beside(folder, task["recording"])
    services = values.get("service")
    for service in services if isinstance(services, list) else [services]:
        demand = service.get("demand") if isinstance(service, dict) else None
        if isinstance(demand, dict) and isinstance(demand.get("recording"), str):
            demand["recording"] = _beside(folder, demand["recording"])
    if not isinstance(market, dict):
        return
    trace = market.get("trace")
    if isinstance(trace, str) and trace not in BUNDLED:
        market["trace"] = _beside(folder, trace)
    elif isinstance(trace, list):
        market["trace"] = [_beside(folder, path) if isinstance(path, str) else path for path in trace]


def _beside(folder: Path, path: str) -> str:
    """A path as seen from a folder; as it stands where it is none, which reading it says."""
    try:
        return str((folder / expanded(path)).resolve())
    except (ValueError, OSError, RuntimeError):  # a null character, links in a circle
        return path


def _copied(value: Any) -> Any:
    """A copy that shares no mapping or list with the caller's, so that overriding changes only ours."""
    if isinstance(value, Mapping):
        return {key: _copied(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(inner) for inner in value]
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value
