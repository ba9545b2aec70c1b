"""Shifts for services as tensors, and as a folder that plays."""

from pathlib import Path

import numpy as np
import pytest

from tessera_env.observation.layout import Layout
from tessera_env.policies import LearnedPolicy, PolicyError, make_policy
from tessera_env.policies.folder import save_policy
from tessera_env.policies.hedging.policy import SHAPES, Hedges
from tessera_env.policies.learned_rules import LearnedRule
from tests.policies.rules.test_spot_hedge_plus import LAYOUT, seat


def hedges(seed: int = 0) -> Hedges:
    flat = np.random.default_rng(seed).normal(0.0, 0.5, (1, Hedges.count)).astype(np.float32)
    return Hedges.of(Hedges.unscaled, flat)


def card(**changes: object) -> dict[str, object]:
    known = dict(signature.split(":") for signature in LAYOUT.signatures)
    fields = [f"{name}:{known[name]}" for name in Hedges.read]
    plain = {"kind": "shifted_hedge", "pool_count": 3, "fields": fields, "scenario": "service-train", "masked": True}
    return {**plain, "versions": {}, **changes}


def test_tensors_give_the_weights_back() -> None:
    given, again = hedges(), Hedges.of_tensors(hedges().tensors())
    np.testing.assert_array_equal(again.flat, given.flat)
    assert {name: array.shape for name, array in given.tensors().items()} == SHAPES


def test_a_saved_one_plays_alike(tmp_path: Path) -> None:
    save_policy(tmp_path / "mine", hedges().tensors(), card())
    policy, draw = make_policy(tmp_path / "mine", LAYOUT), np.random.default_rng(1)
    assert isinstance(policy, LearnedPolicy)
    rows = np.concatenate(
        [seat(up_age=draw.exponential(4.0, 3), spot_claimed_here=draw.integers(0, 5, 3)) for _ in range(300)]
    )
    actions, _ = policy.predict(rows)
    np.testing.assert_array_equal(actions, LearnedRule(LAYOUT, hedges()).predict(rows)[0])
    assert len(np.unique(actions)) > 2
    with pytest.raises(TypeError, match="has no logits"):
        policy.logits(rows)


@pytest.mark.parametrize(
    ("name", "array", "reason"),
    [
        ("services", None, "services: tensor is missing"),
        ("more", np.zeros(3, np.float32), "'more': unknown tensor (allowed for shifted_hedge: pools, services)"),
        ("pools", np.zeros(8), "pools: dtype float64"),
        ("pools", np.zeros(3, np.float32), "pools: shape (3,)"),
        ("services", np.full(SHAPES["services"], np.nan, np.float32), "services: holds NaN"),
    ],
)
def test_tensors_that_do_not_fit(tmp_path: Path, name: str, array: np.ndarray | None, reason: str) -> None:
    tensors = {key: value for key, value in {**hedges().tensors(), name: array}.items() if value is not None}
    with pytest.raises(PolicyError) as caught:
        save_policy(tmp_path / "mine", tensors, card())
    assert str(caught.value).startswith(f"card: {reason}") and "\n" not in str(caught.value)
    assert not (tmp_path / "mine").exists()


def test_where_it_cannot_play(tmp_path: Path) -> None:
    save_policy(tmp_path / "mine", hedges().tensors(), card())
    with pytest.raises(PolicyError, match="is no field of this observation"):
        make_policy(tmp_path / "mine", Layout(3))
    with pytest.raises(PolicyError, match="services beside tasks: no trained policy places both"):
        make_policy(tmp_path / "mine", Layout.of(3, has_tasks=True, has_services=True))
    fields = card()["fields"]
    assert isinstance(fields, list)
    with pytest.raises(PolicyError, match="allowed for shifted_hedge: "):
        save_policy(tmp_path / "other", hedges().tensors(), card(fields=fields[1:]))
