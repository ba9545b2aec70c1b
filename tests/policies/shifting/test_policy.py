"""Shifts as tensors, and as a folder that plays."""

from pathlib import Path

import numpy as np
import pytest

from tessera_env.observation.layout import Layout
from tessera_env.policies import LearnedPolicy, PolicyError, make_policy
from tessera_env.policies.folder import save_policy
from tessera_env.policies.learned_rules import LearnedRule
from tessera_env.policies.shifting.policy import READ, SHAPES, UNSCALED, WEIGHT_COUNT, Shifts
from tests.policies.observations import random_rows


def shifts(seed: int = 0) -> Shifts:
    return Shifts.of(UNSCALED, np.random.default_rng(seed).normal(0.0, 0.5, (1, WEIGHT_COUNT)).astype(np.float32))


def card(**changes: object) -> dict[str, object]:
    known = dict(signature.split(":") for signature in Layout(1).signatures)
    fields = [f"{name}:{known[name]}" for name in READ]
    plain = {"kind": "shifted_rule", "pool_count": 2, "fields": fields, "scenario": "fleet", "masked": True}
    return {**plain, "versions": {}, **changes}


def test_tensors_give_the_shifts_back() -> None:
    given, again = shifts(), Shifts.of_tensors(shifts().tensors())
    np.testing.assert_array_equal(again.turns, given.turns)
    np.testing.assert_array_equal(again.pools, given.pools)
    assert {name: array.shape for name, array in given.tensors().items()} == SHAPES


@pytest.mark.parametrize("pools", [1, 2, 7])
def test_a_saved_one_plays_alike_with_any_number_of_pools(tmp_path: Path, pools: int) -> None:
    save_policy(tmp_path / "mine", shifts().tensors(), card())
    layout, rows = Layout(pools), random_rows(500, Layout(pools))
    policy = make_policy(tmp_path / "mine", layout)
    assert isinstance(policy, LearnedPolicy)
    actions, _ = policy.predict(rows)
    np.testing.assert_array_equal(actions, LearnedRule(layout, shifts()).predict(rows)[0])
    assert len(np.unique(actions)) > 2
    one_by_one = [int(policy.predict(row[None])[0][0]) for row in rows[:100]]
    np.testing.assert_array_equal(one_by_one, actions[:100])
    with pytest.raises(TypeError, match="has no logits"):
        policy.logits(rows)


def spoilt(name: str, array: np.ndarray | None) -> dict[str, np.ndarray]:
    tensors = shifts().tensors()
    if array is None:
        del tensors[name]
    else:
        tensors[name] = array
    return tensors


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        (spoilt("turns", None), "turns: tensor is missing"),
        (spoilt("more", np.zeros(3, np.float32)), "'more': unknown tensor"),
        (spoilt("pools", np.zeros(8)), "pools: dtype float64"),
        (spoilt("pools", np.zeros(3, np.float32)), "pools: shape (3,)"),
        (spoilt("pools", np.full(SHAPES["pools"], np.nan, np.float32)), "pools: holds NaN"),
        (spoilt("scale", np.zeros(SHAPES["scale"], np.float32)), "scale: holds a deviation that is not above 0"),
    ],
)
def test_tensors_that_do_not_fit(tmp_path: Path, tensors: dict[str, np.ndarray], reason: str) -> None:
    with pytest.raises(PolicyError) as caught:
        save_policy(tmp_path / "mine", tensors, card())
    assert str(caught.value).startswith(f"card: {reason}") and "\n" not in str(caught.value)
    assert not (tmp_path / "mine").exists()


def test_cards_that_do_not_fit(tmp_path: Path) -> None:
    fields = card()["fields"]
    assert isinstance(fields, list)
    for changes, reason in (
        ({"fields": fields[1:]}, "fields: "),
        ({"fields": [*fields[1:], "time:00000000"]}, "means something else"),
        ({"normaliser": {"mean": [0.0], "var": [1.0]}}, "normaliser: given"),
    ):
        with pytest.raises(PolicyError, match=reason):
            save_policy(tmp_path / "mine", shifts().tensors(), card(**changes))
