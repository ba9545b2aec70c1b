"""A service that stands for itself: `[service]` is a list of one, and `service.target` is of that one."""

from collections.abc import Mapping
from typing import Any

_SECTION = "service"


def with_places(values: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The overrides with a place for each value of the only service; `values` get a list, of one if any is told.

    With several services a name without a place stays as it is, and is refused as in any list.
    """
    told = any(key.partition(".")[0] == _SECTION for key in overrides)
    services = values.get(_SECTION)
    if isinstance(services, dict):
        services = values[_SECTION] = [services]
    elif told and not services:
        services = values[_SECTION] = [{}]
    if not (isinstance(services, list) and len(services) == 1):
        return dict(overrides)
    placed: dict[str, Any] = {}
    for key, value in overrides.items():
        if key == _SECTION and isinstance(value, Mapping):
            placed |= {f"{_SECTION}.0.{name}": inner for name, inner in value.items()}
        else:
            placed[_placed(key)] = value
    return placed


def _placed(key: str) -> str:
    section, _, rest = key.partition(".")
    first = rest.partition(".")[0]
    has_place = not rest or first == "*" or first.isdigit()
    return key if section != _SECTION or has_place else f"{_SECTION}.0.{rest}"
