"""Exported networks: the numbers that they compute, and what they do with them."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from safetensors.numpy import save

from tessera_env.observation.layout import Layout
from tessera_env.policies import LearnedPolicy, PolicyError, make_policy, save_policy
from tessera_env.policies.networks import Activation
from tests.policies.observations import LAYOUT, random_rows
from tests.policies.trained import (
    FIELDS,
    FIRST,
    K,
    card,
    forward,
    hidden_of,
    mlp,
    put_weights,
    refusal,
    scorer,
    stack,
)


class TestNumbers:
    """Against a slow float64 computation, row by row."""

    @pytest.mark.parametrize(
        ("activation", "act"),
        [
            ("tanh", np.tanh),
            ("relu", lambda x: np.maximum(x, 0)),
            ("leaky_relu", lambda x: np.where(x < 0, 0.01 * x, x)),
            ("elu", lambda x: np.where(x < 0, np.exp(x) - 1, x)),
            ("silu", lambda x: x / (1 + np.exp(-x))),
            ("gelu", lambda x: x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))),
        ],
    )
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

    def test_a_scorer_may_be_scaled_pool_by_pool(self, tmp_path: Path) -> None:
        """As VecNormalize does; it then plays with as many pools alone."""
        generator = np.random.default_rng(3)
        mean, var = generator.normal(size=K), generator.uniform(0.01, 2, K)
        save_policy(tmp_path, scorer(), card(kind="pool_scorer", normaliser={"mean": mean, "var": var, "clip": 1.5}))
        save_policy(tmp_path / "plain", scorer(), card(kind="pool_scorer"))
        rows = random_rows(40)
        by_hand = np.clip((rows - mean) / np.sqrt(var + 1e-8), -1.5, 1.5).astype(np.float32)
        expected = LearnedPolicy(tmp_path / "plain", LAYOUT).logits(by_hand)
        assert np.array_equal(LearnedPolicy(tmp_path, LAYOUT).logits(rows), expected)
        with pytest.raises(PolicyError, match=r"normaliser: of 2 pools, each scaled in its own way \(here: 3\)"):
            LearnedPolicy(tmp_path, Layout(3))

    @pytest.mark.parametrize("activation", get_args(Activation))
    @pytest.mark.parametrize("kind", ["mlp", "pool_scorer"])
    def test_a_rows_logits_do_not_depend_on_the_batch(self, tmp_path: Path, kind: str, activation: str) -> None:
        """Bit for bit: else an evaluation's result would change with the number of rows."""
        wide = {**stack("layer", K, 256, 256, 5)} if kind == "mlp" else scorer()
        save_policy(tmp_path, wide, card(kind=kind, activation=activation))
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


class TestRefusals:
    """Weights that make no network for this environment: one line naming file, tensor, value and what is allowed."""

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
