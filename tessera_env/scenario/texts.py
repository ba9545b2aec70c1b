"""A scenario's values as text."""

import json
import re
from typing import Any

from pydantic import BaseModel

from tessera_env.files.numbers import exact

_BARE_WORD = re.compile(r"(?!(?:none|true|false|inf|nan)$)[A-Za-z_][A-Za-z0-9_.:-]*")  # text without quotes


def value_text(value: Any) -> str:
    """A value as `--set` takes it."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value) if isinstance(value, int) else exact(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_quoted, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_quoted(inner)}' for key, inner in value.items())} }}"
    return value if _BARE_WORD.fullmatch(value) else _quoted(value)


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else value_text(value)
