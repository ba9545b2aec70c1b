"""A policy's folder: whole at every moment, and one line about each way in which it can be unusable."""

import hashlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from tessera_env.policies import LearnedPolicy, PolicyError, save_policy
from tessera_env.policies.folder import CARD_FILE, WEIGHTS_FILE
from tests.policies.observations import LAYOUT, random_rows
from tests.policies.trained import card, forward, mlp, put_weights, refusal

# Saves each policy that it is told of in a child, which kills itself at a rename; prints how the child ended.
KILLER = """
import os, signal, sys
from tests.policies.trained import mlp, card
from tessera_env.policies import save_policy

def save(left, new, folder):
    rename = os.replace

    def replace(*paths):
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        rename(*paths)

    os.replace = replace
    save_policy(folder, mlp(new), card())

for line in sys.stdin:
    left, new, folder = line.rstrip().split(" ", 2)
    child = os.fork()
    if child == 0:
        save(int(left), int(new), folder)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def killer() -> Iterator[subprocess.Popen[str]]:
    """A process that has imported what it takes to save."""
    command, pipe = [sys.executable, "-c", KILLER], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        yield process


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

    @pytest.mark.parametrize("survived", range(4))
    def test_a_kill_leaves_the_old_policy_or_the_new_one(
        self, folder: Path, survived: int, killer: subprocess.Popen[str]
    ) -> None:
        """Killed at each rename in turn, twice in a row; loaded and saved over afterwards."""
        old, rows = 0, random_rows(3)
        for new in (1, 2):
            killer.stdin.write(f"{survived} {new} {folder}\n")
            killer.stdin.flush()
            died = int(killer.stdout.readline())
            assert died == (-signal.SIGKILL if survived < 3 else 0)  # a save renames three times
            old = self.in_force(folder, rows, {old, new})
            assert new == 2 or old == (1 if survived >= 2 else 0)  # the second rename, of the card, is what counts
        save_policy(folder, mlp(3), card())
        assert self.in_force(folder, rows, {3}) == 3
        assert not (folder / "policy.next.safetensors").exists()

    @staticmethod
    def in_force(folder: Path, rows: np.ndarray, candidates: set[int]) -> int:
        """Which of the policies by seed the folder holds."""
        logits = LearnedPolicy(folder, LAYOUT).logits(rows)

        def expected(seed: int) -> np.ndarray:
            return np.array([forward(mlp(seed), "layer", row, np.tanh, last=False) for row in rows])

        found = [seed for seed in candidates if np.allclose(expected(seed), logits, atol=2e-6)]
        assert len(found) == 1
        return found[0]


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
