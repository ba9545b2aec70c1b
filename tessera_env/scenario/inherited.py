"""Values of a changed scenario that nothing reads any more, since the overrides: they fall back to their defaults.

Whoever has a preset play a workload file did not ask for that preset's memory of tasks; what is told of oneself, in the
overrides or in the changed scenario, and read by nobody is refused (`tessera_env.scenario.unread`).
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from tessera_env.scenario.model import ScenarioFields
from tessera_env.scenario.unread import unread


def unread_fields(values: Mapping[str, Any]) -> set[str]:
    """The dotted names of what a scenario's mapping says and does not read; none where it is no scenario by itself."""
    try:
        return {one.field for one in unread(ScenarioFields.model_validate(values))}
    except ValidationError:
        return set()


def told(overrides: Mapping[str, Any]) -> list[list[str]]:
    """The places that overrides name, as parts of dotted names."""
    places = []
    for key, value in overrides.items():
        inner = [f"{key}.{name}" for name in value] if isinstance(value, Mapping) and "." not in key else [key]
        places += [place.split(".") for place in inner]
    return places


def forget_unread(values: dict[str, Any], before: Collection[str], places: Iterable[list[str]]) -> None:
    """Take out of a changed scenario's mapping what was read before, is not any more, and was not told.

    Args:
        values: of the scenario with its overrides.
        before: what it did not read without them.
        places: that the overrides named, see `told`.
    """
    while forgotten := [
        field for field in unread_fields(values) if field not in before and not _is_told(field.split("."), places)
    ]:
        for field in forgotten:
            _remove(values, field.split("."))


def _is_told(field: list[str], places: Iterable[list[str]]) -> bool:
    return any(
        len(place) <= len(field) and all(part in (name, "*") for part, name in zip(place, field, strict=False))
        for place in places
    )


def _remove(values: Any, parts: list[str]) -> None:
    *path, last = parts
    for part in path:
        values = values[int(part)] if isinstance(values, list) else values[part]
    del values[last]
