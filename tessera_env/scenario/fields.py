"""Every value that defines a world - key, unit, default, what is allowed, what it means - read off the model itself."""

from dataclasses import dataclass, replace
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tessera_env.scenario.distributions import Distribution
from tessera_env.scenario.scenario import Scenario
from tessera_env.scenario.service import TARGET
from tessera_env.scenario.texts import value_text

REQUIRED = "required"
ALONE = "service"  # a list whose only element can be named without its place
DISTRIBUTION = "a distribution"  # its group's title
NUMBER_OR_DISTRIBUTION = "a number or a distribution"

# A name carries its unit; longer endings first.
_UNITS = {
    "usd_per_h": "$/h",
    "mb_per_work_h": "MB/h",
    "per_h": "1/h",
    "per_day": "1/day",
    "requests_per_s": "requests/s",
    "requests_per_replica": "requests/s",
    "h": "h",
    "s": "s",
    "mb": "MB",
    "gbps": "Gbit/s",
    "share": "share",
    "fraction": "share",
    "slack": "share",
}


@dataclass(frozen=True)
class FieldRow:
    """One value of a scenario."""

    key: str  # dotted, as `--set` takes it
    name: str  # its last part, or parts, within its group
    unit: str  # empty where it has none
    default: str  # as `--set` takes it
    allowed: str
    meaning: str


@dataclass(frozen=True)
class FieldGroup:
    """The values of one section, or of one member of a union of sections."""

    key: str  # of the section; empty: the scenario itself
    tag: tuple[str, str] | None  # the member's discriminator and its value, such as ("source", "trace")
    meaning: str
    rows: tuple[FieldRow, ...]
    title: str  # as it would stand in a scenario's TOML file, with what selects a union's member


def scenario_fields() -> list[FieldGroup]:
    """Every section of a scenario in the model's order, and at last the forms of a distribution."""
    meaning = "Instead of a number: drawn for each world, or for each task, from exactly one of these."
    forms = tuple(replace(row, name=row.key) for group in _groups(Distribution, "") for row in group.rows)
    return [*_groups(Scenario, ""), FieldGroup(DISTRIBUTION, None, meaning, forms, DISTRIBUTION)]


def values_of(scenario: Scenario, group: FieldGroup) -> dict[str, str] | None:
    """The scenario's value of each of the group's keys as text; None: the scenario has no such section.

    Values of pools that differ stand in the pools' order, or with the names of those that have them.
    """
    owners = _owners(scenario, group)
    if not owners:
        return None
    return {
        row.key: _merged([(pool, value_text(_reached(owner, row.name.split(".")))) for pool, owner in owners])
        for row in group.rows
    }


def _groups(model: type[BaseModel], key: str, tag: tuple[str, str] | None = None) -> list[FieldGroup]:
    """The model's own group, then those of its sections."""
    rows, inner = [], []
    for name, field in model.model_fields.items():
        path = f"{key}.{name}" if key else name
        if tag is not None and name == tag[0]:
            continue
        if isinstance(field.discriminator, str):
            members = _members(field, field.discriminator)
            rows.append(_choice_row(path, name, field, list(members)))
            inner += [
                group
                for value, member in members.items()
                for group in _groups(member, path, (field.discriminator, value))
            ]
        elif section := _section(field.annotation):
            is_list = get_origin(_bare(field.annotation)) is tuple
            inner += _groups(section, f"{path}.*" if is_list and name != ALONE else path)
        else:
            rows.append(_row(path, name, field))
    meaning = " ".join((model.__doc__ or "").split())
    return [FieldGroup(key, tag, meaning, tuple(rows), _title(key, tag)), *inner]


def _title(key: str, tag: tuple[str, str] | None) -> str:
    chosen = "" if tag is None else f' {tag[0]} = "{tag[1]}"'
    return f"[{key}]{chosen}" if key else ""


def _row(path: str, name: str, field: FieldInfo) -> FieldRow:
    default = REQUIRED if field.is_required() else value_text(field.get_default())
    return FieldRow(path, name, _unit(name), default, _allowed(field), field.description or "")


def _choice_row(path: str, name: str, field: FieldInfo, values: list[str]) -> FieldRow:
    """The row of a union: which of its members."""
    selector = str(field.discriminator)
    default = REQUIRED if field.is_required() else value_text(getattr(field.get_default(), selector, None))
    return FieldRow(f"{path}.{selector}", f"{name}.{selector}", "", default, ", ".join(values), field.description or "")


def _unit(name: str) -> str:
    return next((unit for end, unit in _UNITS.items() if name == end or name.endswith(f"_{end}")), "")


def _bare(annotation: Any) -> Any:
    """The type without its Annotated wrapping and without None."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        return _bare(kinds[0]) if len(kinds) == 1 else annotation
    return annotation


def _section(annotation: Any) -> type[BaseModel] | None:
    """The section that a field holds, or a list of; a distribution is a value."""
    kind = _bare(annotation)
    if get_origin(kind) is tuple:
        kind = _bare(get_args(kind)[0])
    is_section = isinstance(kind, type) and issubclass(kind, BaseModel) and kind is not Distribution
    return kind if is_section else None


def _members(field: FieldInfo, discriminator: str) -> dict[str, type[BaseModel]]:
    """A union's sections by the value of their discriminator."""
    members = [member for member in get_args(_bare(field.annotation)) if member is not type(None)]
    return {get_args(member.model_fields[discriminator].annotation)[0]: member for member in members}


def _allowed(field: FieldInfo) -> str:
    kind = _bare(field.annotation)
    if kind is Distribution:
        return NUMBER_OR_DISTRIBUTION
    if get_origin(kind) is Literal:
        return ", ".join(map(str, get_args(kind)))
    if kind is bool:
        return "true, false"
    if get_origin(kind) is tuple:
        return "[low, high]" if len(get_args(kind)) == 2 and Ellipsis not in get_args(kind) else "a list of numbers"
    if kind == TARGET:
        return "a whole number, or [[hour, whole number], ...]"
    if kind in (int, float):
        return _span(field, "a whole number" if kind is int else "a number")
    return "text" if kind is str else "text, or a list of text"


def _span(field: FieldInfo, kind: str) -> str:
    """The bounds that the field states, such as "more than 0, up to 10000"."""
    low = high = ""
    for bound in field.metadata:
        match bound:
            case Ge(ge=value):
                low = f"{value_text(value)}"
            case Gt(gt=value):
                low = f"more than {value_text(value)}"
            case Le(le=value):
                high = f"{value_text(value)}"
            case Lt(lt=value):
                high = f"less than {value_text(value)}"
    if not low or not high:
        return kind
    return f"{low}, up to {high}" if low.startswith("more") else f"{low} to {high}"


def _owners(scenario: Scenario, group: FieldGroup) -> list[tuple[str, BaseModel]]:
    """The sections of the scenario that the group is about, each with the name of its pool, or an empty name."""
    parts = group.key.split(".") if group.key else []
    if parts[:1] == ["pools"]:
        owners: list[tuple[str, Any]] = [(pool.name, _reached(pool, parts[2:])) for pool in scenario.pools]
    elif parts[:1] == [ALONE]:
        owners = [(service.name, _reached(service, parts[1:])) for service in scenario.service]
    else:
        owners = [("", _reached(scenario, parts))]
    return [(name, owner) for name, owner in owners if owner is not None and _is_tagged(owner, group)]


def _reached(owner: Any, parts: list[str]) -> Any:
    for part in parts:
        owner = getattr(owner, part, None)
    return owner


def _is_tagged(owner: BaseModel, group: FieldGroup) -> bool:
    return group.tag is None or getattr(owner, group.tag[0]) == group.tag[1]


def _merged(values: list[tuple[str, str]]) -> str:
    """One value where all pools have the same."""
    pools_by_value: dict[str, list[str]] = {}
    for pool, value in values:
        pools_by_value.setdefault(value, []).append(pool)
    if len(pools_by_value) in (1, len(values)):
        return ", ".join(pools_by_value)
    return "; ".join(f"{value} ({', '.join(pools)})" for value, pools in pools_by_value.items())
