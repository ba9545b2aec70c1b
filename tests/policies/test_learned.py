"""Exported networks: the numbers they compute, and every way in which a folder can be unusable."""

import hashlib
import json
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from tessera_env.observation.layout import Layout
from tessera_env.policies import LearnedPolicy, PolicyError, make_policy, save_policy
from tessera_env.policies.learned import CARD_FILE, WEIGHTS_FILE
from tests.policies.observations import LAYOUT, random_rows

K = LAYOUT.size
FIRST, FIELDS = LAYOUT.first_pool_index, LAYOUT.pool_field_count


def card(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "mlp",
        "activation": "tanh",
        "pool_count": 2,
        "layout_digest": LAYOUT.digest,
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_policy(tmp_path / "policy", mlp(), card())
    return tmp_path / "policy"


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


class TestNumbers:
    """Against a slow float64 computation, row by row."""

    @pytest.mark.parametrize(("activation", "act"), [("tanh", np.tanh), ("relu", lambda x: np.maximum(x, 0))])
    def test_mlp(self, tmp_path: Path, activation: str, act: Any) -> None:
        arrays, rows = mlp(), random_rows(70)
        save_policy(tmp_path, arrays, card(activation=activation))
        logits = LearnedPolicy(tmp_path, LAYOUT).logits(rows)
        expected = np.array([forward(arrays, "layer", row, act, last=False) for row in rows])
        assert logits.dtype == np.float32
        assert np.allclose(logits, expected, atol=2e-6)

    @pytest.mark.parametrize("pools", [1, 2, 5])
    def test_pool_scorer_for_any_number_of_pools(self, tmp_path: Path, pools: int) -> None:
        layout, arrays = Layout(pools), scorer()
        save_policy(tmp_path, arrays, card(kind="pool_scorer"))  # trained on two
        rows = random_rows(40, layout)
        expected = []
        for row in rows:
            shared = forward(arrays, "shared", row[:FIRST], np.tanh, last=True)
            blocks = [np.concatenate([shared, block]) for block in row[FIRST:].reshape(pools, FIELDS)]
            placed = np.array([forward(arrays, "pool", block, np.tanh, last=False) for block in blocks])
            mean = np.mean([hidden_of(arrays, "pool", block, np.tanh) for block in blocks], axis=0)
            wait = forward(arrays, "wait", np.concatenate([shared, mean]), np.tanh, last=False)
            expected.append(np.concatenate([wait, placed[:, 0], placed[:, 1]]))
        assert np.allclose(LearnedPolicy(tmp_path, layout).logits(rows), expected, atol=2e-6)

    def test_pools_are_treated_alike(self, tmp_path: Path) -> None:
        """Exchanging two pools' fields exchanges their logits and leaves that of WAIT."""
        save_policy(tmp_path, scorer(), card(kind="pool_scorer"))
        policy, rows = LearnedPolicy(tmp_path, LAYOUT), random_rows(50)
        swapped = rows.copy()
        swapped[:, FIRST:] = rows[:, FIRST:].reshape(-1, 2, FIELDS)[:, ::-1].reshape(-1, 2 * FIELDS)
        assert np.allclose(policy.logits(swapped), policy.logits(rows)[:, [0, 2, 1, 4, 3]], atol=1e-6)

    @pytest.mark.parametrize("kind", ["mlp", "pool_scorer"])
    def test_normaliser(self, tmp_path: Path, kind: str) -> None:
        count = K if kind == "mlp" else FIRST + FIELDS
        generator = np.random.default_rng(3)
        mean, var = generator.normal(size=count), generator.uniform(0.01, 2, count)
        arrays = mlp() if kind == "mlp" else scorer()
        scaling = {"mean": mean, "var": var, "clip": 1.5}
        save_policy(tmp_path / "scaled", arrays, card(kind=kind, normaliser=scaling))
        save_policy(tmp_path / "plain", arrays, card(kind=kind))
        rows = random_rows(40)
        if kind == "pool_scorer":
            mean, var = (np.concatenate([x, x[FIRST:]]) for x in (mean, var))
        by_hand = np.clip((rows - mean) / np.sqrt(var + 1e-8), -1.5, 1.5).astype(np.float32)
        scaled, plain = LearnedPolicy(tmp_path / "scaled", LAYOUT), LearnedPolicy(tmp_path / "plain", LAYOUT)
        assert np.array_equal(scaled.logits(rows), plain.logits(by_hand))
        assert not np.allclose(scaled.logits(rows), plain.logits(rows))

    @pytest.mark.parametrize("kind", ["mlp", "pool_scorer"])
    def test_a_rows_logits_do_not_depend_on_the_batch(self, tmp_path: Path, kind: str) -> None:
        """Bit for bit: else an evaluation's result would change with the number of rows."""
        wide = {**stack("layer", K, 256, 256, 5)} if kind == "mlp" else scorer()
        save_policy(tmp_path, wide, card(kind=kind))
        policy, rows = LearnedPolicy(tmp_path, LAYOUT), random_rows(103)
        together = policy.logits(rows)
        alone = np.concatenate([policy.logits(rows[k : k + 1]) for k in range(len(rows))])
        assert np.array_equal(together, alone)
        order = np.random.default_rng(0).permutation(len(rows))
        assert np.array_equal(policy.logits(rows[order]), together[order])

    def test_no_rows(self, folder: Path) -> None:
        assert LearnedPolicy(folder, LAYOUT).logits(random_rows(0)).shape == (0, 5)


class TestActions:
    """From logits to actions."""

    def test_the_best_valid(self, folder: Path) -> None:
        policy, rows = LearnedPolicy(folder, LAYOUT), random_rows(200)
        masks = np.random.default_rng(1).random((200, 5)) < 0.5
        masks[:, 0] |= ~masks.any(axis=1)
        actions, state = policy.predict(rows, "state", action_masks=masks)
        logits = policy.logits(rows)
        best = [max(np.flatnonzero(mask), key=row.__getitem__) for row, mask in zip(logits, masks, strict=True)]
        assert actions.tolist() == best
        assert actions.dtype == np.int64
        assert state == "state"

    def test_draws_follow_the_masked_softmax(self, folder: Path) -> None:
        policy, row = LearnedPolicy(folder, LAYOUT, seed=5), random_rows(1)
        mask = np.array([[True, True, False, True, True]])
        rows, masks = np.repeat(row, 20_000, axis=0), np.repeat(mask, 20_000, axis=0)
        actions, _ = policy.predict(rows, deterministic=False, action_masks=masks)
        weights = np.where(mask[0], np.exp(policy.logits(row)[0].astype(float)), 0)
        expected = weights / weights.sum()
        share = np.bincount(actions, minlength=5) / 20_000
        assert np.all(np.abs(share - expected) <= 4 * np.sqrt(expected * (1 - expected) / 20_000))

    def test_draws_repeat_with_the_seed(self, folder: Path) -> None:
        rows = random_rows(100)
        first, again, other = (
            LearnedPolicy(folder, LAYOUT, seed).predict(rows, deterministic=False)[0] for seed in (1, 1, 2)
        )
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)


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


class TestRefusals:
    """Folders that cannot be used: one line naming file, field, value and what is allowed."""

    def test_no_folder(self, tmp_path: Path) -> None:
        assert "no such folder" in refusal(tmp_path / "none")

    def test_a_file_instead(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        assert "no such folder" in refusal(tmp_path / "file")

    @pytest.mark.parametrize("name", [CARD_FILE, WEIGHTS_FILE])
    def test_half_a_folder(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        assert name in refusal(folder)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (b"", "is not JSON"),
            (b"{", "is not JSON"),
            (b"[1]", ""),
            (b"[" * 100_000, "is not JSON"),
            (b"\xff\xfe", "is not UTF-8"),
            (b'{"pool_count": NaN}', "NaN is not a JSON number"),
            (b'{"pool_count": ' + b"9" * 5_000 + b"}", "is not JSON"),
        ],
    )
    def test_cards_that_are_not_json(self, folder: Path, text: bytes, reason: str) -> None:
        (folder / CARD_FILE).write_bytes(text)
        message = refusal(folder)
        assert CARD_FILE in message
        assert reason in message
        assert len(message) < 400

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"schema_version": 2}, "schema_version: must be 1"),
            ({"kind": "lstm"}, "kind: must be 'mlp' or 'pool_scorer' (got 'lstm')"),
            ({"activation": "gelu"}, "activation: must be 'tanh' or 'relu' (got 'gelu')"),
            ({"pool_count": 0}, "pool_count: must be"),
            ({"pool_count": 10**12}, "pool_count"),
            ({"pool_count": "2"}, "pool_count: must be a"),
            ({"masked": 1}, "masked: must be"),
            ({"surprise": 1}, "surprise: is not a known key (got 1)"),
            ({"sha256": "abc"}, "sha256"),
            ({"layout_digest": "0" * 16}, "layout_digest: '0000000000000000'"),
            ({"normaliser": {"mean": [0.0], "var": [1.0, 1.0]}}, "normaliser: "),
            ({"normaliser": {"mean": [0.0], "var": [1.0]}}, f"normaliser: 1 values (allowed for mlp: {K})"),
            ({"normaliser": {"mean": [0.0], "var": [-1.0]}}, "normaliser.var.0: must be"),
            ({"normaliser": {"mean": ["0"], "var": [1.0]}}, "normaliser.mean.0: must be a"),
        ],
    )
    def test_cards_that_are_wrong(self, folder: Path, changes: dict[str, Any], reason: str) -> None:
        rewrite(folder, **changes)
        assert reason in refusal(folder)

    def test_a_card_without_a_field(self, folder: Path) -> None:
        values = json.loads((folder / CARD_FILE).read_text())
        del values["scenario"]
        (folder / CARD_FILE).write_text(json.dumps(values))
        assert "scenario: must be given" in refusal(folder)

    def test_weights_that_changed(self, folder: Path) -> None:
        data = bytearray((folder / WEIGHTS_FILE).read_bytes())
        data[-1] ^= 1
        (folder / WEIGHTS_FILE).write_bytes(data)
        assert "SHA-256 differs" in refusal(folder)

    @pytest.mark.parametrize("keep", [0, 7, 100, 5_000])
    def test_weights_cut_short(self, folder: Path, keep: int) -> None:
        put_weights(folder, (folder / WEIGHTS_FILE).read_bytes()[:keep])
        assert "is not a safetensors file" in refusal(folder)

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"layer.1.bias": None}, "layer.1.bias: tensor is missing"),
            ({"layer.1.weight": None, "layer.1.bias": None}, "layer.1.weight: tensor is missing"),
            ({"value.0.weight": np.zeros((1, 1), np.float32)}, "'value.0.weight': unknown tensor"),
            ({"shared.0.bias": np.zeros(1, np.float32)}, "'shared.0.bias': unknown tensor"),
            ({"layer.00.bias": np.zeros(1, np.float32)}, "'layer.00.bias': unknown tensor"),
            ({"layer.0.bias": np.zeros(48)}, "layer.0.bias: dtype float64 (allowed: float32)"),
            ({"layer.0.bias": np.zeros(47, np.float32)}, "layer.0.bias: shape (47,) (allowed: (48,))"),
            ({"layer.0.bias": np.zeros((48, 1), np.float32)}, "layer.0.bias: shape (48, 1) (allowed: 1 dimensions"),
            ({"layer.0.weight": np.zeros((48, K + 1), np.float32)}, f"layer.0.weight: shape (48, {K + 1})"),
            ({"layer.2.weight": np.zeros((3, 40), np.float32)}, "layer.2.weight: shape (3, 40) (allowed: (5, 40))"),
            ({"layer.1.bias": np.full(40, np.nan, np.float32)}, "layer.1.bias: holds NaN or infinity"),
            ({"layer.1.bias": np.full(40, np.inf, np.float32)}, "layer.1.bias: holds NaN or infinity"),
        ],
    )
    def test_tensors_that_do_not_fit(self, folder: Path, changes: dict[str, Any], reason: str) -> None:
        arrays = {name: array for name, array in {**mlp(), **changes}.items() if array is not None}
        put_weights(folder, save(arrays))
        assert reason in refusal(folder)

    def test_no_tensors(self, folder: Path) -> None:
        put_weights(folder, save({}))
        assert "layer.0.weight: tensor is missing" in refusal(folder)

    def test_a_scorer_without_hidden_pool_layer(self, tmp_path: Path) -> None:
        arrays = {**stack("shared", FIRST, 8), **stack("pool", 8 + FIELDS, 2), **stack("wait", 10, 1)}
        with pytest.raises(PolicyError, match="at least one hidden layer"):
            save_policy(tmp_path, arrays, card(kind="pool_scorer"))

    def test_another_number_of_pools(self, folder: Path) -> None:
        assert "pool_count: 2 (allowed here: 3)" in refusal(folder, Layout(3))


class TestNeverAskedOnSpot:
    """A policy that training never asked about tasks on spot leaves them there, if it may."""

    def test_stays_in_its_pool_unless_the_mask_forbids_it(self, tmp_path: Path) -> None:
        arrays = stack("layer", K, 8, 5)
        arrays["layer.1.bias"][3] = 100.0  # it would always take on-demand
        save_policy(tmp_path, arrays, card(asked_on_spot=False))
        observation = np.zeros((3, K), np.float32)
        observation[:2, LAYOUT.slice_of("here_spot")] = [0.0, 1.0]  # rows 0 and 1: on spot in pool 1
        masks = np.ones((3, 5), dtype=bool)
        masks[1, 2] = False
        free, _ = LearnedPolicy(tmp_path, LAYOUT).predict(observation, action_masks=masks)
        save_policy(tmp_path, arrays, card())
        asked, _ = LearnedPolicy(tmp_path, LAYOUT).predict(observation, action_masks=masks)
        assert (free.tolist(), asked.tolist()) == ([2, 3, 3], [3, 3, 3])


class TestSaving:
    """The folder holds one whole policy at every moment."""

    def test_there_and_back(self, folder: Path) -> None:
        assert sorted(path.name for path in folder.iterdir()) == [CARD_FILE, WEIGHTS_FILE]
        policy = LearnedPolicy(folder, LAYOUT)
        assert policy.name == "policy"
        assert policy.card.model_dump() == {
            **card(),
            "asked_on_spot": True,
            "schema_version": 1,
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
            (mlp(), {"layout_digest": "other"}),
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
    def test_a_kill_leaves_the_old_policy_or_the_new_one(self, folder: Path, survived: int) -> None:
        """Killed at each rename in turn, twice in a row; loaded and saved over afterwards."""
        program = (
            "import os, signal, sys\n"
            "from tests.policies.test_learned import mlp, card, save_policy\n"
            "rename, left = os.replace, [int(sys.argv[2])]\n"
            "def replace(*paths):\n"
            "    if left[0] == 0: os.kill(os.getpid(), signal.SIGKILL)\n"
            "    left[0] -= 1; rename(*paths)\n"
            "os.replace = replace\n"
            "save_policy(sys.argv[1], mlp(int(sys.argv[3])), card())\n"
        )
        old, rows = 0, random_rows(3)
        for new in (1, 2):
            died = subprocess.run([sys.executable, "-c", program, str(folder), str(survived), str(new)], check=False)
            assert died.returncode == (-signal.SIGKILL if survived < 3 else 0)  # a save renames three times
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


def test_no_torch(folder: Path) -> None:
    program = (
        "import sys\nfrom tessera_env.observation.layout import Layout\nfrom tessera_env.policies import make_policy\n"
        f"make_policy({str(folder)!r}, Layout(2))\n"
        "assert not {'torch', 'stable_baselines3'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_make_policy_by_path(folder: Path) -> None:
    assert isinstance(make_policy(str(folder), LAYOUT), LearnedPolicy)
    assert isinstance(make_policy(folder, LAYOUT), LearnedPolicy)
