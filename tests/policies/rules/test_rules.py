"""Each hand-coded rule on observations made by hand."""

import numpy as np
import pytest

from tessera_env.policies import Greedy, OnDemandFallback, OnDemandOnly, Policy, Random
from tests.policies.observations import (
    LAYOUT,
    ON_DEMAND_0,
    ON_DEMAND_1,
    SPOT_0,
    SPOT_1,
    WAIT,
    all_but,
    on_on_demand,
    on_spot,
    only,
    random_rows,
    waiting,
)

RULES = [OnDemandOnly(LAYOUT), Greedy(LAYOUT), OnDemandFallback(LAYOUT, 2), Random(LAYOUT, 3)]


def action(policy: Policy, row: np.ndarray, mask: np.ndarray | None = None) -> int:
    actions, _ = policy.predict(row, action_masks=mask)
    assert actions.shape == (1,)
    assert actions.dtype == np.int64
    return int(actions[0])


class TestOnDemandOnly:
    """Cheapest on-demand that fits, and there to the end."""

    policy = OnDemandOnly(LAYOUT)

    def test_the_cheapest(self) -> None:
        assert action(self.policy, waiting()) == ON_DEMAND_1
        assert action(self.policy, waiting(on_demand_price=[0.8, 0.9])) == ON_DEMAND_0

    def test_ties_go_to_the_lowest_pool(self) -> None:
        assert action(self.policy, waiting(on_demand_price=[0.9, 0.9])) == ON_DEMAND_0

    def test_only_where_it_fits(self) -> None:
        assert action(self.policy, waiting(fits=[1, 0])) == ON_DEMAND_0
        assert action(self.policy, waiting(fits=[0, 0])) == WAIT

    def test_it_stays_where_it_is(self) -> None:
        assert action(self.policy, on_on_demand(0)) == ON_DEMAND_0

    def test_it_leaves_spot(self) -> None:
        assert action(self.policy, on_spot(0)) == ON_DEMAND_1

    @pytest.mark.parametrize(
        ("mask", "expected"),
        [
            (all_but(ON_DEMAND_1), ON_DEMAND_0),
            (all_but(ON_DEMAND_0, ON_DEMAND_1), WAIT),
            (only(SPOT_0, SPOT_1), SPOT_1),
        ],
    )
    def test_under_a_mask(self, mask: np.ndarray, expected: int) -> None:
        assert action(self.policy, waiting(), mask) == expected


class TestGreedy:
    """Spot, else wait while the deadline allows, else on-demand."""

    policy = Greedy(LAYOUT)

    def test_the_cheapest_spot(self) -> None:
        assert action(self.policy, waiting()) == SPOT_1
        assert action(self.policy, waiting(spot_price=[0.2, 0.3])) == SPOT_0

    def test_ties_go_to_the_lowest_pool(self) -> None:
        assert action(self.policy, waiting(spot_price=[0.3, 0.3])) == SPOT_0

    def test_only_available_spot_that_fits(self) -> None:
        assert action(self.policy, waiting(available=[1, 0])) == SPOT_0
        assert action(self.policy, waiting(fits=[1, 0])) == SPOT_0

    def test_without_spot_it_waits_while_the_deadline_allows(self) -> None:
        assert action(self.policy, waiting(available=[0, 0])) == WAIT
        assert action(self.policy, waiting(available=[0, 0], wait_slack=0.0)) == WAIT  # just in time is in time
        assert action(self.policy, waiting(available=[0, 0], wait_slack=-1e-6)) == ON_DEMAND_1

    def test_when_forced_spot_is_not_risked(self) -> None:
        assert action(self.policy, waiting(wait_slack=-0.1)) == ON_DEMAND_1

    def test_a_task_without_deadline_waits(self) -> None:
        assert action(self.policy, waiting(available=[0, 0], wait_slack=1.0)) == WAIT

    def test_an_interactive_task_does_not_wait(self) -> None:
        assert action(self.policy, waiting(interactive=1.0, wait_slack=1.0)) == SPOT_1
        assert action(self.policy, waiting(interactive=1.0, wait_slack=1.0, available=[0, 0])) == ON_DEMAND_1

    def test_on_spot_it_stays_though_another_is_cheaper(self) -> None:
        assert action(self.policy, on_spot(0)) == SPOT_0
        assert action(self.policy, on_spot(0, available=[0, 1])) == SPOT_0  # it holds the last instance
        assert action(self.policy, on_spot(0, changeover_left=0.3)) == SPOT_0

    def test_forced_on_spot_it_stays_only_once_it_runs(self) -> None:
        assert action(self.policy, on_spot(0, wait_slack=-0.1)) == SPOT_0
        assert action(self.policy, on_spot(0, wait_slack=-0.1, changeover_left=0.01)) == ON_DEMAND_1

    def test_on_on_demand_it_stays(self) -> None:
        assert action(self.policy, on_on_demand(0, wait_slack=-0.1)) == ON_DEMAND_0
        assert action(self.policy, on_on_demand(0)) == ON_DEMAND_0

    @pytest.mark.parametrize(
        ("changes", "mask", "expected"),
        [
            ({}, all_but(SPOT_1), SPOT_0),
            ({}, all_but(SPOT_0, SPOT_1), WAIT),
            ({}, only(ON_DEMAND_0, ON_DEMAND_1), ON_DEMAND_1),
            ({"available": [0, 0]}, all_but(WAIT), ON_DEMAND_1),  # rather than a launch that fails
            ({"wait_slack": -0.1}, all_but(ON_DEMAND_1), ON_DEMAND_0),
            ({"wait_slack": -0.1}, only(WAIT, SPOT_0, SPOT_1), SPOT_1),
            ({"interactive": 1.0}, all_but(SPOT_0, SPOT_1), ON_DEMAND_1),
            ({"interactive": 1.0}, only(WAIT, ON_DEMAND_0), ON_DEMAND_0),
        ],
    )
    def test_under_a_mask(self, changes: dict[str, object], mask: np.ndarray, expected: int) -> None:
        assert action(self.policy, waiting(**changes), mask) == expected

    def test_a_guard_that_forbids_staying_on_spot(self) -> None:
        assert action(self.policy, on_spot(0, wait_slack=-0.1), only(ON_DEMAND_0)) == ON_DEMAND_0


class TestOnDemandFallback:
    """Greedy, until the task was interrupted too often."""

    @pytest.mark.parametrize("count", [1, 2, 16])
    def test_it_falls_back_at_the_count_and_not_before(self, count: int) -> None:
        policy = OnDemandFallback(LAYOUT, count)
        assert action(policy, waiting(interruptions=(count - 1) / 16)) == SPOT_1
        assert action(policy, waiting(interruptions=count / 16)) == ON_DEMAND_1

    def test_then_on_demand_to_the_end(self) -> None:
        assert action(OnDemandFallback(LAYOUT), on_on_demand(0, interruptions=2 / 16)) == ON_DEMAND_0

    def test_each_task_for_itself(self) -> None:
        rows = np.concatenate([waiting(interruptions=n / 16) for n in (0, 3, 1, 2)])
        actions, _ = OnDemandFallback(LAYOUT).predict(rows)
        assert actions.tolist() == [SPOT_1, ON_DEMAND_1, SPOT_1, ON_DEMAND_1]

    @pytest.mark.parametrize("count", [0, 17, -1])
    def test_counts_that_cannot_be_seen(self, count: int) -> None:
        with pytest.raises(ValueError, match=rf"count: {count} \(allowed: 1 to 16\)"):
            OnDemandFallback(LAYOUT, count)


class TestRandom:
    """Uniform over the mask, and a function of seed and observation."""

    def test_uniform_over_valid_actions(self) -> None:
        rows = random_rows(30_000)
        masks = np.tile([True, False, True, True, False], (len(rows), 1))
        actions, _ = Random(LAYOUT, 1).predict(rows, action_masks=masks)
        counts = np.bincount(actions, minlength=5)
        assert counts[[1, 4]].tolist() == [0, 0]
        assert np.abs(counts[[0, 2, 3]] - 10_000).max() < 4 * np.sqrt(30_000 * 2 / 9)

    def test_without_masks_every_action(self) -> None:
        actions, _ = Random(LAYOUT, 1).predict(random_rows(5_000))
        assert np.bincount(actions, minlength=5).min() > 850

    def test_neighbouring_observations_draw_independently(self) -> None:
        """Rows that differ in the clock alone, by one bit each, are as good as any."""
        rows = np.repeat(waiting(), 20_000, axis=0)
        clock = np.float32(0.5).view(np.uint32) + np.arange(20_000, dtype=np.uint32)
        rows[:, LAYOUT.slice_of("time").start] = clock.view(np.float32)
        actions, _ = Random(LAYOUT, 0).predict(rows)
        counts = np.bincount(actions, minlength=5)
        assert np.abs(counts - 4_000).max() < 4 * np.sqrt(20_000 * 0.16)
        pairs = np.bincount(actions[:-1] * 5 + actions[1:], minlength=25)
        assert np.abs(pairs - 800).max() < 4.5 * np.sqrt(800)

    def test_seeds_differ_and_repeat(self) -> None:
        rows = random_rows(1_000)
        first, _ = Random(LAYOUT, 1).predict(rows)
        again, _ = Random(LAYOUT, 1).predict(rows)
        other, _ = Random(LAYOUT, 2).predict(rows)
        assert np.array_equal(first, again)
        assert 100 < np.sum(first == other) < 320  # a fifth

    def test_minus_zero_is_zero(self) -> None:
        row = waiting()
        assert all(
            action(Random(LAYOUT, seed), row) == action(Random(LAYOUT, seed), np.where(row == 0, np.float32(-0.0), row))
            for seed in range(20)
        )

    @pytest.mark.parametrize("seed", [-1, 2**64])
    def test_seeds_out_of_range(self, seed: int) -> None:
        with pytest.raises(ValueError, match="allowed: 0 to"):
            Random(LAYOUT, seed)


@pytest.mark.parametrize("policy", RULES, ids=lambda policy: policy.name)
class TestAll:
    """What holds for every policy."""

    def test_it_is_a_policy(self, policy: Policy) -> None:
        assert isinstance(policy, Policy)

    def test_rows_are_independent(self, policy: Policy) -> None:
        rows = random_rows(300)
        masks = np.random.default_rng(1).random((300, 5)) < 0.6
        masks[:, WAIT] |= ~masks.any(axis=1)
        together, _ = policy.predict(rows, action_masks=masks)
        alone = [action(policy, rows[k : k + 1], masks[k : k + 1]) for k in range(300)]
        assert together.tolist() == alone
        backwards, _ = policy.predict(rows[::-1], action_masks=masks[::-1])
        assert backwards[::-1].tolist() == alone

    def test_it_obeys_every_mask(self, policy: Policy) -> None:
        rows = np.repeat(random_rows(100, seed=2), 31, axis=0)
        masks = np.tile((np.arange(1, 32)[:, None] >> np.arange(5)) & 1, (100, 1)).astype(np.int8)
        actions, _ = policy.predict(rows, action_masks=masks)
        assert masks[np.arange(len(rows)), actions].all()

    def test_a_mask_without_any_valid_action_means_wait(self, policy: Policy) -> None:
        assert action(policy, waiting(), only()) == WAIT

    def test_it_changes_nothing_that_it_was_given(self, policy: Policy) -> None:
        rows = random_rows(10)
        before, state = rows.copy(), object()
        _, returned = policy.predict(rows, state)
        assert np.array_equal(rows, before)
        assert returned is state

    def test_no_rows(self, policy: Policy) -> None:
        actions, _ = policy.predict(random_rows(0), action_masks=np.ones((0, 5), dtype=bool))
        assert actions.shape == (0,)

    def test_shapes_that_do_not_fit(self, policy: Policy) -> None:
        with pytest.raises(ValueError, match="observation: shape"):
            policy.predict(waiting()[0])
        with pytest.raises(ValueError, match="observation: shape"):
            policy.predict(waiting()[:, 1:])
        with pytest.raises(ValueError, match="action_masks: shape"):
            policy.predict(waiting(), action_masks=np.ones((1, 3), dtype=bool))
