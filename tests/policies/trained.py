"""Small networks with random weights, the folders that they are saved in, and the numbers that they give."""

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tessera_env.observation.layout import Layout
from tessera_env.policies import LearnedPolicy, PolicyError
from tessera_env.policies.folder import CARD_FILE, WEIGHTS_FILE
from tests.policies.observations import LAYOUT

K = LAYOUT.size
FIRST, FIELDS = LAYOUT.first_pool_index, LAYOUT.pool_field_count


def card(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "mlp",
        "activation": "tanh",
        "pool_count": 2,
        "fields": LAYOUT.signatures,
        "scenario": "deadline",
        "masked": True,
        "versions": {"torch": "2.13"},
        **changes,
    }


def stack(name: str, *widths: int, seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    arrays = {}
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
        arrays[f"{name}.{i}.weight"] = generator.normal(0, inputs**-0.5, (outputs, inputs)).astype(np.float32)
        arrays[f"{name}.{i}.bias"] = generator.normal(0, 0.5, outputs).astype(np.float32)
    return arrays


def mlp(seed: int = 0, hidden: int = 48) -> dict[str, np.ndarray]:
    return stack("layer", K, hidden, 40, 5, seed=seed)


def scorer(seed: int = 0) -> dict[str, np.ndarray]:
    return {
        **stack("shared", FIRST, 24, 16, seed=seed),
        **stack("pool", 16 + FIELDS, 20, 12, 2, seed=seed + 1),
        **stack("wait", 16 + 12, 10, 1, seed=seed + 2),
    }


def forward(arrays: dict[str, np.ndarray], name: str, values: np.ndarray, act: Any, last: bool) -> np.ndarray:
    """A stack's output in float64; `last`: the last layer is activated too."""
    count = sum(key.startswith(f"{name}.") and key.endswith("weight") for key in arrays)
    for i in range(count):
        values = arrays[f"{name}.{i}.weight"].astype(float) @ values + arrays[f"{name}.{i}.bias"]
        values = act(values) if last or i < count - 1 else values
    return values


def hidden_of(arrays: dict[str, np.ndarray], name: str, values: np.ndarray, act: Any) -> np.ndarray:
    """A stack's last hidden values in float64."""
    without_last = {key: array for key, array in arrays.items() if key.startswith(name)}
    last = max(int(key.split(".")[1]) for key in without_last)
    kept = {key: array for key, array in without_last.items() if int(key.split(".")[1]) < last}
    return forward(kept, name, values, act, last=True)


def rewrite(folder: Path, **changes: Any) -> None:
    """Change the card by hand."""
    values = json.loads((folder / CARD_FILE).read_text())
    (folder / CARD_FILE).write_text(json.dumps({**values, **changes}))


def put_weights(folder: Path, data: bytes) -> None:
    """Other weights, with a card that names their digest."""
    (folder / WEIGHTS_FILE).write_bytes(data)
    rewrite(folder, sha256=hashlib.sha256(data).hexdigest())


def refusal(folder: Path, layout: Layout = LAYOUT) -> str:
    with pytest.raises(PolicyError) as caught:
        LearnedPolicy(folder, layout)
    assert "\n" not in str(caught.value)
    return str(caught.value)
