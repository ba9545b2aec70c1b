"""Where a search is, as a file: `search.npz`, which runs no code when it is read."""

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from agents.evolution.search import Search
from tessera_env.files.problems import named, reason_of
from tessera_env.policies.learned_rules import RuleWeights

_VECTORS = ("weights", "mean", "slope", "square")
_MOST_BYTES = 16 * 1024 * 1024  # some hundred kilobytes are written


def search_bytes(search: Search, scale: np.ndarray, decisions: int) -> bytes:
    """The file.

    Args:
        search: all of it.
        scale: of the figures, (2, singles).
        decisions: played so far.
    """
    buffer = io.BytesIO()
    np.savez(
        buffer,
        **{name: getattr(search, name) for name in _VECTORS},
        generation=search.generation,
        spreads=json.dumps(search.spreads),
        scale=scale,
        decisions=decisions,
    )
    return buffer.getvalue()


def read_search(file: Path, rule: type[RuleWeights]) -> tuple[Search, np.ndarray, int]:
    """The search for the rule's weights, the figures' scale and the decisions that `search_bytes` was given.

    Raises:
        ValueError: the file is damaged or of another form; one line.
    """
    if file.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{named(file)}: has {file.stat().st_size} bytes (allowed: up to {_MOST_BYTES})")
    try:
        with np.load(file) as kept:
            return _search_of(kept, rule)
    except Exception as error:  # numpy and zipfile raise some fifteen unrelated ones for damaged files
        reason = f"{type(error).__name__}: {reason_of(error)}"
        raise ValueError(f"{named(file)}: is damaged, or no search ({reason})") from None


def _search_of(kept: Any, rule: type[RuleWeights]) -> tuple[Search, np.ndarray, int]:
    vectors = {name: _figures(kept, name, (rule.count,)) for name in _VECTORS}
    generation, decisions = _count(kept, "generation"), _count(kept, "decisions")
    spreads = json.loads(str(kept["spreads"]))
    for name, spread in spreads.items():
        if type(spread) is not float or not math.isfinite(spread):
            raise ValueError(f"spreads: {name}: not a finite number")
    scale = _figures(kept, "scale", rule.unscaled.shape)
    return Search(**vectors, generation=generation, spreads=spreads), scale, decisions


def _figures(kept: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    values = kept[name]
    if values.shape != shape or values.dtype != np.float64 or not np.isfinite(values).all():
        raise ValueError(f"{name}: must be finite float64 of shape {shape}")
    return values


def _count(kept: Any, name: str) -> int:
    value = kept[name]
    if value.shape != () or value.dtype.kind != "i" or value < 0:
        raise ValueError(f"{name}: must be a whole number")
    return int(value)
