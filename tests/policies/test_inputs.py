"""A network reads the fields that its card names, wherever they stand and whatever stands beside them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tessera_env.observation.layout import Layout
from tessera_env.policies import LearnedPolicy, PolicyError, save_policy
from tessera_env.policies.card import PolicyCard
from tessera_env.policies.inputs import Inputs
from tests.policies.observations import LAYOUT, random_rows
from tests.policies.other_layouts import OTHERS, POOL, TASK, layout_of, moved
from tests.policies.trained import FIELDS, FIRST, K, card, mlp, refusal, scorer, stack

KINDS = {"mlp": mlp, "pool_scorer": scorer}
NEW = {f"NEW_{k}": (f"the {k}th that is new", 0.0) for k in range(4)}
NEW_POOL = {f"NEW_POOL_{k}": (f"the {k}th that is new", 0.0) for k in range(4)}


def scaled_card(kind: str) -> dict[str, Any]:
    """With another mean and deviation for each input."""
    count = K if kind == "mlp" else FIRST + FIELDS
    mean, var = np.linspace(-0.5, 0.5, count), np.linspace(0.1, 2.0, count)
    return card(kind=kind, normaliser={"mean": mean, "var": var, "clip": 2.0})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", [card, scaled_card])
@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_same_logits_in_another_observation(tmp_path: Path, kind: str, make: Any, other: Any) -> None:
    save_policy(tmp_path, KINDS[kind](), make(kind=kind))
    rows = random_rows(50)
    expected = LearnedPolicy(tmp_path, LAYOUT).logits(rows)
    np.testing.assert_array_equal(
        LearnedPolicy(tmp_path, other(2)).logits(moved(rows, LAYOUT, other(2))), expected, strict=True
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(list(KINDS)),
    pools=st.integers(1, 4),
    task=st.permutations(list({**TASK, **NEW})),
    pool=st.permutations(list({**POOL, **NEW_POOL})),
)
def test_same_logits_in_any_order_among_any_others(
    tmp_path: Path, kind: str, pools: int, task: list[str], pool: list[str]
) -> None:
    arrays = stack("layer", FIRST + pools * FIELDS, 9, 1 + 2 * pools) if kind == "mlp" else scorer()
    save_policy(tmp_path, arrays, card(kind=kind, pool_count=pools))
    layout = Layout(pools)
    known, known_of_pool = {**TASK, **NEW}, {**POOL, **NEW_POOL}
    other = layout_of(pools, {name: known[name] for name in task}, {name: known_of_pool[name] for name in pool})
    rows = random_rows(5, layout)
    expected = LearnedPolicy(tmp_path, layout).logits(rows)
    np.testing.assert_array_equal(LearnedPolicy(tmp_path, other).logits(moved(rows, layout, other)), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_may_read_a_few_fields_in_its_own_order(tmp_path: Path, kind: str) -> None:
    names = ["slack", "time", "spot_price", "available", "room"]
    said = dict(signature.split(":") for signature in LAYOUT.signatures)
    arrays = stack("layer", 2 + 2 * 3, 7, 5)
    if kind == "pool_scorer":
        arrays = {**stack("shared", 2, 6), **stack("pool", 6 + 3, 8, 2), **stack("wait", 6 + 8, 1)}
    save_policy(tmp_path, arrays, card(kind=kind, fields=[f"{name}:{said[name]}" for name in names]))
    rows = random_rows(10)
    policy = LearnedPolicy(tmp_path, LAYOUT)
    small = np.concatenate(
        [np.stack([LAYOUT.read(rows, name) for name in names[:2]], axis=1)]
        + [np.stack([LAYOUT.read(rows, name)[:, k] for name in names[2:]], axis=1) for k in range(2)],
        axis=1,
    )
    np.testing.assert_array_equal(policy._inputs.of(rows), small, strict=True)
    others = np.setdiff1d(np.arange(K), np.concatenate([np.arange(K)[LAYOUT.slice_of(name)] for name in names]))
    changed = rows.copy()
    changed[:, others] = 0.5
    np.testing.assert_array_equal(policy.logits(changed), policy.logits(rows))


def test_the_whole_observation_in_its_own_order_is_not_picked_apart() -> None:
    facts = PolicyCard(**card(), sha256="0" * 64)
    assert Inputs(facts, LAYOUT)._columns is None
    assert Inputs(facts, OTHERS["larger"](2))._columns is not None


def test_a_task_on_spot_stays_in_a_larger_observation(tmp_path: Path) -> None:
    arrays = stack("layer", K, 8, 5)
    arrays["layer.1.bias"][3] = 100.0  # it would always take on-demand
    save_policy(tmp_path, arrays, card(asked_on_spot=False))
    larger = OTHERS["larger"](2)
    observation = np.zeros((2, larger.size), np.float32)
    larger.read(observation, "here_spot")[0] = [0.0, 1.0]
    assert LearnedPolicy(tmp_path, larger).predict(observation)[0].tolist() == [2, 3]


class TestRefusals:
    """One line that names the field."""

    def test_a_field_that_is_not_there(self, folder: Path) -> None:
        less = {name: said for name, said in TASK.items() if name != "SLACK"}
        message = refusal(folder, layout_of(2, less))
        assert "policy.json: fields: 'slack' is no field of this observation (allowed: time, time_left, " in message

    @pytest.mark.parametrize("said", [("the slack in ticks", -1.0), (TASK["SLACK"][0], 0.0)], ids=["meaning", "bound"])
    def test_a_field_that_means_something_else(self, folder: Path, said: tuple[str, float]) -> None:
        other = layout_of(2, {**TASK, "SLACK": said})
        digests = [
            one.removeprefix("slack:") for layout in (LAYOUT, other) for one in layout.signatures if "slack:" in one
        ]
        assert f"fields: 'slack' means something else in this observation ({digests[0]}, not " in refusal(folder, other)

    def test_a_field_of_the_task_that_became_one_of_each_pool(self, folder: Path) -> None:
        task = {name: said for name, said in TASK.items() if name != "DONE"}
        assert "fields: 'done' means something else" in refusal(
            folder, layout_of(2, task, {"DONE": TASK["DONE"], **POOL})
        )

    def test_a_pool_s_field_before_a_task_s(self, tmp_path: Path) -> None:
        mixed = [LAYOUT.signatures[-1], *LAYOUT.signatures[:-1]]
        with pytest.raises(PolicyError, match=f"card: fields: '{LAYOUT.names[-1]}' comes too early"):
            save_policy(tmp_path, mlp(), card(fields=mixed))

    def test_another_number_of_pools(self, folder: Path) -> None:
        assert "pool_count: 2 (allowed here: 3)" in refusal(folder, Layout(3))
