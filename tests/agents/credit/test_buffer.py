"""The buffer's advantages are those of a slow, obvious computation, and would not be with another task's money."""

import copy

import numpy as np
import pytest
import torch

import agents.credit.ledger
from agents.credit.buffer import TaskCreditBuffer
from agents.credit.trajectories import OPEN, SETTLED
from tests.agents.credit.played import ROWS, STEPS, Play
from tests.agents.credit.slow import slow_fleet_advantages, slow_task_advantages

OVERRIDES = {
    "fleet": None,
    "fleet-mixed": {"task.count": 12, "horizon_h": 12.0, "decision_interval_s": 7200.0},
    "classic": {"task.count": 5},
}


@pytest.mark.parametrize("scenario", OVERRIDES)
@pytest.mark.parametrize(("gamma", "gae_lambda"), [(1.0, 0.97), (0.9, 0.5)])
def test_advantages_along_tasks_are_those_of_the_slow_twin(scenario: str, gamma: float, gae_lambda: float) -> None:
    play = Play(scenario, OVERRIDES[scenario], gamma=gamma, gae_lambda=gae_lambda)
    followed_by: set[int] = set()
    for _ in range(3):
        values, last, first = play.rollout()
        expected = slow_task_advantages(play.log, values, last, first, gamma, gae_lambda)
        np.testing.assert_allclose(play.buffer.advantages, expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(play.buffer.returns, expected + values, rtol=1e-5, atol=1e-6)
        followed_by |= set(play.buffer.decisions.next.ravel().tolist())
    assert {OPEN, SETTLED, STEPS} <= followed_by
    assert min(len(episodes) for episodes in play.log.rows) > 1


def test_what_others_pay_is_added_as_the_slow_twin_has_it() -> None:
    play = Play(fleet_weight=0.5, fleet_hours=3.0)
    play.rollout()
    for _ in range(2):
        before = copy.deepcopy(play.buffer.baseline)
        values, last, first = play.rollout()
        seen = torch.as_tensor(play.buffer.observations).flatten(0, 1)
        expected = before.predict(seen).numpy().reshape(STEPS, ROWS, 2)
        at_the_end = before.predict(torch.as_tensor(play.observations)).numpy()
        task = slow_task_advantages(play.log, values, last, first, 1.0, 0.9)
        fleet = slow_fleet_advantages(play.log, expected[:, :, 0], at_the_end[:, 0], first, 3.0, 0.9)
        own = slow_task_advantages(play.log, expected[:, :, 1], at_the_end[:, 1], first, 1.0, 0.9, 3.0)
        others = np.where(play.buffer.decisions.next == OPEN, 0.0, fleet - own)
        assert others.std() > 0.01
        np.testing.assert_allclose(play.buffer.advantages, task + 0.5 * others, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(play.buffer.returns, task + values, rtol=1e-5, atol=1e-6)  # the critic is the task's


def test_in_the_first_rollout_others_do_not_count_since_nothing_is_expected_yet() -> None:
    with_fleet, without = Play(fleet_weight=0.5), Play()
    with_fleet.rollout()
    without.rollout()
    np.testing.assert_array_equal(with_fleet.buffer.advantages, without.buffer.advantages)


def test_another_task_s_money_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_the_next_task(params, state, asked) -> None:
        note_asked(params, state, asked)
        for env in range(asked.shape[0]):
            episode = state.episodes[env]
            other = (episode.focal + 1) % episode.task_count
            asked[env].owed = agents.credit.ledger.owed_usd(params, state, env, other) / episode.scale_usd

    note_asked = agents.credit.ledger.note_asked
    monkeypatch.setattr(agents.credit.ledger, "note_asked", of_the_next_task)
    play = Play()
    values, last, first = play.rollout()
    expected = slow_task_advantages(play.log, values, last, first, 1.0, 0.9)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(play.buffer.advantages, expected, rtol=1e-5, atol=1e-6)


def test_a_buffer_without_a_ledger_says_so() -> None:
    play = Play()
    spaces = (play.ledger.observation_space, play.ledger.action_space)
    buffer = TaskCreditBuffer(4, *spaces, "cpu", n_envs=ROWS, fleet_weight=0.0, fleet_hours=1.0)
    with pytest.raises(AssertionError, match="keep_books_of"):
        buffer.add()
