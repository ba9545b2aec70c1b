"""A search goes there and back; a file that holds none is one line."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.evolution.kept_search import read_search, search_bytes
from agents.evolution.search import Search
from tessera_env.policies.shifting.policy import UNSCALED, WEIGHT_COUNT, Shifts


def search() -> Search:
    made = Search.start(WEIGHT_COUNT)
    made.weights[:] = np.arange(WEIGHT_COUNT)
    made.generation, made.spreads = 7, {"fleet": 1.5}
    return made


def test_there_and_back(tmp_path: Path) -> None:
    (tmp_path / "search.npz").write_bytes(search_bytes(search(), UNSCALED, 12))
    found, scale, decisions = read_search(tmp_path / "search.npz", Shifts)
    assert (found.generation, found.spreads, decisions) == (7, {"fleet": 1.5}, 12)
    np.testing.assert_array_equal(found.weights, np.arange(WEIGHT_COUNT))
    np.testing.assert_array_equal(scale, UNSCALED)


def changed(**arrays: Any) -> bytes:
    with np.load(io.BytesIO(search_bytes(search(), UNSCALED, 12))) as kept:
        values = {**kept, **arrays}
    buffer = io.BytesIO()
    np.savez(buffer, **{name: value for name, value in values.items() if value is not None})
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        search_bytes(search(), UNSCALED, 12)[:-40],
        search_bytes(search(), UNSCALED, 12).replace(b"\x93NUMPY", b"\x93NUMPX"),
        changed(weights=None),
        changed(weights=np.zeros(3)),
        changed(mean=np.full(WEIGHT_COUNT, np.nan)),
        changed(slope=np.array([object()])),
        changed(generation=-1),
        changed(generation=1.5),
        changed(decisions=[1, 2]),
        changed(spreads="[]"),
        changed(spreads=json.dumps({"fleet": "wide"})),
        changed(scale=np.zeros(2)),
    ],
)
def test_a_file_that_holds_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "search.npz").write_bytes(data)
    with pytest.raises(ValueError) as caught:
        read_search(tmp_path / "search.npz", Shifts)
    line = str(caught.value)
    assert line.startswith(f"{tmp_path / 'search.npz'}: is damaged, or no search (") and "\n" not in line


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "search.npz").write_bytes(bytes(17 * 1024 * 1024))
    with pytest.raises(ValueError, match="allowed: up to"):
        read_search(tmp_path / "search.npz", Shifts)
