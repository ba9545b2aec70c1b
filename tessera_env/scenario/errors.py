"""Errors of a scenario as lines for people: field, what must hold, what was given."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tessera_env.files.problems import MAX_LINES, MAX_SHOWN, shown
from tessera_env.recordings.catalogue import POOL_FIELDS, unknown

Location = tuple[int | str, ...]

# Pydantic's words about types, in ours.
_ALLOWED = {
    "model_type": "a section",
    "model_attributes_type": "a section",
    "tuple_type": "a list",
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_pattern_mismatch": "letters, digits and _ . : - only, a letter or digit first",
}


class ScenarioError(ValueError):
    """A scenario that cannot be used; its text has one line a problem."""


def report(origin: str, lines: list[str]) -> ScenarioError:
    """One error of the first problems, each with the name of what was read."""
    rest = len(lines) - MAX_LINES
    # One more is told as well: it may be a recording's own count of what is more.
    told = lines if rest <= 1 else [*lines[:MAX_LINES], f"and {rest} more"]
    return ScenarioError("\n".join(f"{origin}: {line}" for line in told))


def lines_of(error: ValidationError, values: Any, model: type[BaseModel] | None = None) -> list[str]:
    """Lines `field: must … (got …)` of pydantic's error about these values; the model's keys help with unknown ones.

    Those beyond what `report` tells are empty: they are counted alone, since the catalogue takes long to find what is
    near a name.
    """
    lines: list[str] = []
    for detail in error.errors(include_url=False):
        lines += _lines(detail, values, model) if len(lines) <= MAX_LINES else [""] * _line_count(detail)
    return lines


def _lines(detail: ErrorDetails, values: Any, model: type[BaseModel] | None) -> list[str]:
    path = _path(detail["loc"], values)
    problems = _problems(detail, model)
    return [f"{path}: {problem}" if path else problem for problem in problems]


def _line_count(detail: ErrorDetails) -> int:
    return len(str(detail["ctx"]["error"]).splitlines()) if detail["type"] == "value_error" else 1


def _path(location: Location, values: Any) -> str:
    """The dotted field; names of a union's member, which pydantic adds, are not in the values and are left out."""
    parts: list[str] = []
    for place, part in enumerate(location):
        is_last = place == len(location) - 1
        in_values = isinstance(values, list | tuple) or (isinstance(values, Mapping) and part in values)
        if not in_values and not is_last:
            continue
        parts.append(str(part)[:MAX_SHOWN] if part != "" and str(part).isprintable() else shown(part))
        values = _inner(values, part)
    return ".".join(parts)


def _inner(values: Any, part: int | str) -> Any:
    if isinstance(values, Mapping):
        return values.get(part)
    if isinstance(values, list | tuple) and isinstance(part, int) and part < len(values):
        return values[part]
    return None


def _problems(detail: ErrorDetails, model: type[BaseModel] | None) -> list[str]:
    context, kind, got = detail.get("ctx", {}), detail["type"], f"(got {shown(detail['input'])})"
    match kind:
        case "value_error":
            return [line if "(got " in line else f"{line} {got}" for line in str(context["error"]).splitlines()]
        case "missing":
            return [_missing(detail)]
        case "extra_forbidden":
            keys = ", ".join(_known_keys(detail["loc"], model))
            return [f"is not a known key (allowed: {keys}) {got}" if keys else f"is not a known key {got}"]
        case "union_tag_not_found":
            return [f"must have {context['discriminator']} {got}"]
        case "union_tag_invalid":
            tag = str(context["discriminator"]).strip("'")
            return [f"{tag}: must be one of {context['expected_tags']} (got {shown(context['tag'])})"]
    if kind in _ALLOWED:
        return [f"must be {_ALLOWED[kind]} {got}"]
    message = detail["msg"]
    for theirs, ours in (("Input should ", "must "), (" should ", " must ")):
        message = message.replace(theirs, ours)
    return [f"{message[0].lower()}{message[1:]} {got}"]


def _missing(detail: ErrorDetails) -> str:
    """What a pool lacks, the catalogue might have known."""
    given, field = detail["input"], detail["loc"][-1]
    instance_type = given.get("instance_type") if isinstance(given, Mapping) else None
    if field in POOL_FIELDS and isinstance(instance_type, str):
        return f"must be given: {unknown(instance_type)}"
    return "must be given"


def _known_keys(location: Location, model: type[BaseModel] | None) -> list[str]:
    """The keys that the section around this place has."""
    sections = [model] if model is not None else []
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        fields = [section.model_fields[part] for section in sections if part in section.model_fields]
        if fields:
            sections = [section for field in fields for section in _sections(field.annotation)]
        else:  # the name of a union's member
            sections = [section for section in sections if part in _tags(section)] or sections
    return list(dict.fromkeys(key for section in sections for key in section.model_fields))


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _sections(inner)


def _tags(section: type[BaseModel]) -> list[Any]:
    return [tag for field in section.model_fields.values() for tag in get_args(field.annotation)]
