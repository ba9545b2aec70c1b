"""A policy's folder: whole at every moment, and one line about each way in which it can be unusable."""

import errno
import hashlib
import os
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from tessera_env.policies import LearnedPolicy, PolicyError, save_policy
from tessera_env.policies.folder import CARD_FILE, WEIGHTS_FILE
from tests.faults import apart, faults, kills
from tests.policies.observations import LAYOUT, random_rows
from tests.policies.trained import card, forward, mlp, put_weights, refusal


class TestRefusals:
    """Folders that cannot be used."""

    def test_no_folder(self, tmp_path: Path) -> None:
        assert "no such folder" in refusal(tmp_path / "none")

    def test_a_file_instead(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        assert "no such folder" in refusal(tmp_path / "file")

    @pytest.mark.parametrize("name", [CARD_FILE, WEIGHTS_FILE])
    def test_half_a_folder(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        assert name in refusal(folder)

    def test_weights_that_changed(self, folder: Path) -> None:
        data = bytearray((folder / WEIGHTS_FILE).read_bytes())
        data[-1] ^= 1
        (folder / WEIGHTS_FILE).write_bytes(data)
        assert "SHA-256 differs" in refusal(folder)

    @pytest.mark.parametrize("keep", [0, 7, 100, 5_000])
    def test_weights_cut_short(self, folder: Path, keep: int) -> None:
        put_weights(folder, (folder / WEIGHTS_FILE).read_bytes()[:keep])
        assert "is not a safetensors file" in refusal(folder)


class TestSaving:
    """The folder holds one whole policy at every moment."""

    def test_there_and_back(self, folder: Path) -> None:
        assert sorted(path.name for path in folder.iterdir()) == [CARD_FILE, WEIGHTS_FILE]
        policy = LearnedPolicy(folder, LAYOUT)
        assert policy.name == "policy"
        assert policy.card.model_dump() == {
            **card(),
            "asked_on_spot": True,
            "schema_version": 2,
            "sha256": hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest(),
            "normaliser": None,
            "training": {},
        }

    def test_the_same_policy_gives_the_same_bytes(self, folder: Path, tmp_path: Path) -> None:
        save_policy(tmp_path / "again", dict(reversed(mlp().items())), card())
        for name in (CARD_FILE, WEIGHTS_FILE):
            assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()

    def test_arrays_that_are_not_contiguous(self, tmp_path: Path) -> None:
        arrays = mlp()
        save_policy(tmp_path, {name: np.asfortranarray(array) for name, array in arrays.items()}, card())
        rows = random_rows(5)
        expected = np.array([forward(arrays, "layer", row, np.tanh, last=False) for row in rows])
        assert np.allclose(LearnedPolicy(tmp_path, LAYOUT).logits(rows), expected, atol=2e-6)

    @pytest.mark.parametrize(
        ("arrays", "changes"),
        [
            ({**mlp(), "layer.0.bias": np.full(48, np.nan, np.float32)}, {}),
            (mlp(), {"fields": LAYOUT.signatures[:-1]}),
            (mlp(), {"fields": [*LAYOUT.signatures, "surprise:01234567"]}),
            (mlp(), {"pool_count": 3}),
            (mlp(), {"scenario": None}),
            (mlp(), {"training": {"model": object()}}),
        ],
    )
    def test_what_is_no_policy_is_not_written(self, folder: Path, arrays: Any, changes: dict[str, Any]) -> None:
        before = [(folder / name).read_bytes() for name in (CARD_FILE, WEIGHTS_FILE)]
        with pytest.raises(PolicyError):
            save_policy(folder, arrays, card(**changes))
        assert before == [(folder / name).read_bytes() for name in (CARD_FILE, WEIGHTS_FILE)]

    def test_the_weights_of_another_policy_are_refused(self, folder: Path, tmp_path: Path) -> None:
        save_policy(tmp_path / "other", mlp(1), card())
        (folder / WEIGHTS_FILE).write_bytes((tmp_path / "other" / WEIGHTS_FILE).read_bytes())
        assert "SHA-256 differs" in refusal(folder)

    @pytest.mark.parametrize("lasting", [False, True])
    @pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EBUSY, errno.EXDEV, errno.EDQUOT, errno.EACCES])
    def test_a_fault_leaves_the_old_policy_or_the_new_one(self, folder: Path, code: int, lasting: bool) -> None:
        """At each call that a save makes; and the line says which."""
        seen = set()
        for error in faults(lambda: save_policy(folder, mlp(1), card()), code, lasting):
            held, line = in_force(folder), str(error)
            seen.add(held)
            if error is not None:
                assert line.startswith(f"{folder}: ") and "\n" not in line and os.strerror(code) in line
                assert held == 1 or "holds the new policy" not in line
                assert held == 0 or "holds no new policy" not in line
            for left in {path.name for path in folder.iterdir()} - {CARD_FILE, WEIGHTS_FILE}:
                assert left in line
            start_anew(folder)
        assert seen == {0, 1} and in_force(folder) == 1

    def test_a_kill_leaves_the_old_policy_or_the_new_one(self, tmp_path: Path) -> None:
        apart(killed_saves, tmp_path)


def killed_saves(folder: Path) -> None:
    for check in (a_kill, two_kills, a_kill_of_the_first_save):
        (folder / check.__name__).mkdir()
        check(folder / check.__name__)


def a_kill(folder: Path) -> None:
    """Before each call that a save makes, loaded and saved over afterwards."""
    start_anew(folder)
    seen = []
    for _ in kills(lambda: save_policy(folder, mlp(1), card())):
        seen.append(in_force(folder))
        save_policy(folder, mlp(2), card())
        assert in_force(folder) == 2
        assert sorted(path.name for path in folder.iterdir() if path.suffix != ".tmp") == [CARD_FILE, WEIGHTS_FILE]
        start_anew(folder)
    assert seen == sorted(seen) and {*seen} == {0, 1} and in_force(folder) == 1


def two_kills(folder: Path) -> None:
    """Of the save after one that died when its card was in place, and its weights not under their own name yet."""
    start_anew(folder)
    seen = set()
    for _ in kills(lambda: save_policy(folder, mlp(2), card())):
        seen.add(in_force(folder))
        start_anew(folder)
        put(folder, 1, "policy.next.safetensors")
        assert in_force(folder) == 1
    assert seen == {0, 1, 2} and in_force(folder) == 2


def a_kill_of_the_first_save(folder: Path) -> None:
    """Where no policy was."""
    seen = set()
    for _ in kills(lambda: save_policy(folder / "new" / "one", mlp(1), card())):
        try:
            seen.add(in_force(folder / "new" / "one"))
        except PolicyError:
            seen.add(None)
        shutil.rmtree(folder / "new", ignore_errors=True)
    assert seen == {None, 1} and in_force(folder / "new" / "one") == 1


def start_anew(folder: Path) -> None:
    """Policy 0, and nothing else."""
    for path in folder.iterdir():
        path.unlink()
    put(folder, 0, WEIGHTS_FILE)


def put(folder: Path, seed: int, weights_file: str) -> None:
    """A policy, without waiting for the disk."""
    weights, text = _saved(seed)
    (folder / weights_file).write_bytes(weights)
    (folder / CARD_FILE).write_bytes(text)


def in_force(folder: Path) -> int:
    """Which of the policies the folder holds, by the seed of its weights."""
    found = LearnedPolicy(folder, LAYOUT).card.sha256
    (seed,) = [seed for seed in range(3) if hashlib.sha256(_saved(seed)[0]).hexdigest() == found]
    return seed


@cache
def _saved(seed: int) -> tuple[bytes, bytes]:
    """The weights and the card of a policy."""
    with TemporaryDirectory() as folder:
        save_policy(folder, mlp(seed), card())
        return (Path(folder) / WEIGHTS_FILE).read_bytes(), (Path(folder) / CARD_FILE).read_bytes()


@pytest.mark.parametrize("name", ["x" * 10_000, "\x1b[31m", "a\nb", ""])
def test_names_of_tensors_are_for_people(folder: Path, name: str) -> None:
    put_weights(folder, save({**mlp(), name: np.zeros(1, np.float32)}))
    message = refusal(folder)
    assert message.isprintable() and len(message) < 400


def test_what_the_library_says_of_a_damaged_header_is_one_short_line(folder: Path) -> None:
    for dtype in ("\\n", "x" * 10_000):
        header = f'{{"layer.0.weight": {{"dtype": "{dtype}", "shape": [1], "data_offsets": [0, 4]}}}}'.encode()
        put_weights(folder, len(header).to_bytes(8, "little") + header + bytes(4))
        message = refusal(folder)
        assert "is not a safetensors file" in message and message.isprintable() and len(message) < 500


def test_the_same_file_is_refused_for_the_same_reason(folder: Path) -> None:
    put_weights(folder, save({name: np.full(2, np.nan, np.float32) for name in mlp()}))
    assert len({refusal(folder) for _ in range(20)}) == 1
