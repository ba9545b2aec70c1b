"""The rules published for one job with a deadline, on observations made by hand."""

import math
from typing import ClassVar

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from tessera_env.evaluation.playing import play
from tessera_env.jit.compiled import INTERPRETER
from tessera_env.policies import (
    GreedySafetyNet,
    SlackThreshold,
    TimeSliced,
    UniformProgress,
    UniformProgressPlain,
    make_policy,
)
from tessera_env.policies.rules.time_sliced import slice_slack
from tessera_env.vector_env import TesseraVectorEnv
from tests.policies.observations import LAYOUT, ON_DEMAND_1, SPOT_0, SPOT_1, WAIT, on_on_demand, on_spot, waiting

NAMES = ["greedy_safety_net", "uniform_progress", "uniform_progress_plain", "time_sliced", "slack_threshold"]
EVERY = [make_policy(name, LAYOUT) for name in NAMES]
NO_SPOT = {"available": [0, 0]}


def half(x: float, at: float) -> float:
    return x / (abs(x) + at)


def job(passed_h: float, done_h: float) -> dict[str, float]:
    """Fields of a job of 48 h with a deadline at 60 h and a changeover of 0.1 h, asked every 0.1 h."""
    left_h, slack_h = 48.0 - done_h, 60.0 - passed_h - (48.0 - done_h) - 0.1
    return {
        "has_deadline": 1.0,
        "work_left": left_h / 48.0,
        "work_left_h": half(left_h, 24.0),
        "deadline_left": (60.0 - passed_h) / 60.0,
        "slack": half(slack_h, 6.0),
        "slack_per_work": half(slack_h / left_h, 1.0),
        "wait_slack": half(slack_h - 0.1, 6.0),
        "reserve_slack": half(slack_h - 0.2, 6.0),
        "ahead": done_h / 48.0 - passed_h / 60.0,
        "ahead_after_changeover": done_h / 48.0 - (passed_h + 0.2) / 60.0,
    }


EASY = job(6.0, 7.2)  # 2.4 h ahead of uniform progress, with 13 h of slack


def action(policy, row) -> int:
    return int(policy.predict(row)[0][0])


@pytest.mark.parametrize("policy", EVERY, ids=NAMES)
class TestEveryRule:
    def test_takes_the_cheapest_spot_and_stays_on_it(self, policy):
        assert action(policy, waiting(**EASY)) == SPOT_1
        assert action(policy, on_spot(0, **EASY)) == SPOT_0

    def test_waits_without_spot_while_there_is_time(self, policy):
        assert action(policy, waiting(**EASY, **NO_SPOT)) == WAIT

    def test_two_changeovers_before_the_end_it_must_leave_nothing(self, policy):
        late = {**EASY, "reserve_slack": -0.01}
        assert action(policy, waiting(**late)) == ON_DEMAND_1
        assert action(policy, on_on_demand(1, **late)) == ON_DEMAND_1
        assert action(policy, on_spot(0, **late)) == SPOT_0

    def test_one_changeover_before_the_end_only_spot_that_runs_may_stay(self, policy):
        last = {**EASY, "reserve_slack": -0.1, "wait_slack": -0.01}
        assert action(policy, on_spot(0, **last)) == SPOT_0
        assert action(policy, on_spot(0, changeover_left=0.1, **last)) == ON_DEMAND_1
        assert action(policy, waiting(**last)) == ON_DEMAND_1

    def test_what_has_just_lost_its_instance_asks_for_spot_once_more(self, policy):
        lost = {**EASY, "reserve_slack": -0.1, "wait_slack": -0.01, "event_interruption": 1.0}
        assert action(policy, waiting(**lost)) == SPOT_1
        assert action(policy, waiting(**lost, **NO_SPOT)) == WAIT
        assert action(policy, waiting(changeover_left=0.1, **lost)) == ON_DEMAND_1


class TestUniformProgress:
    """Even progress, with and without hysteresis."""

    policy, plain = UniformProgress(LAYOUT), UniformProgressPlain(LAYOUT)
    behind: ClassVar = {**EASY, "ahead": -0.001, "ahead_after_changeover": -0.1}

    def test_behind_without_spot_it_takes_on_demand(self):
        for policy in (self.policy, self.plain):
            assert action(policy, waiting(**self.behind, **NO_SPOT)) == ON_DEMAND_1
            assert action(policy, waiting(**self.behind)) == SPOT_1

    def test_hysteresis_keeps_it_on_on_demand_until_two_changeovers_ahead(self):
        ahead_now = {**EASY, "ahead_after_changeover": 0.0}
        assert action(self.policy, on_on_demand(1, **ahead_now)) == ON_DEMAND_1
        assert action(self.plain, on_on_demand(1, **ahead_now)) == SPOT_1
        assert action(self.policy, on_on_demand(1, **EASY)) == SPOT_1

    def test_without_spot_it_stays_on_on_demand_and_the_plain_form_pauses(self):
        assert action(self.policy, on_on_demand(1, **EASY, **NO_SPOT)) == ON_DEMAND_1
        assert action(self.plain, on_on_demand(1, **EASY, **NO_SPOT)) == WAIT


class TestSlackThreshold:
    """On-demand once slack / work left is below theta."""

    policy = SlackThreshold(LAYOUT, theta=0.5)

    @pytest.mark.parametrize(("ratio", "expected"), [(0.51, WAIT), (0.49, ON_DEMAND_1)])
    def test_the_threshold(self, ratio, expected):
        row = {**EASY, **NO_SPOT, "slack_per_work": ratio / (ratio + 1.0)}
        assert action(self.policy, waiting(**row)) == expected
        assert action(self.policy, waiting(**{**row, "available": [1, 1]})) == SPOT_1

    def test_on_on_demand_it_stays_only_without_spot(self):
        assert action(self.policy, on_on_demand(1, **EASY, **NO_SPOT)) == ON_DEMAND_1
        assert action(self.policy, on_on_demand(1, **EASY)) == SPOT_1

    def test_bad_options(self):
        for theta in (-0.01, 100.01, math.nan, math.inf):
            with pytest.raises(ValueError, match=r"slack_threshold: theta: .* \(allowed: 0 to 100\)"):
                SlackThreshold(LAYOUT, theta)


class TestTimeSliced:
    """Each slice has a deadline of its own."""

    def row(self, passed_h: float, done_h: float, **fields) -> np.ndarray:
        """Of the job, without spot."""
        return waiting(**{**job(passed_h, done_h), **NO_SPOT, **fields})

    def test_a_slice_s_slack_is_used_up_before_on_demand(self):
        four = TimeSliced(LAYOUT, 4)  # slices of 15 h with 12 h of work: 3 h of slack each
        assert action(four, self.row(2.0, 0.0)) == WAIT
        assert action(four, self.row(2.95, 0.0)) == ON_DEMAND_1
        assert action(four, self.row(2.95, 0.0, available=[1, 1])) == SPOT_1

    def test_one_slice_is_the_job_itself(self):
        assert action(TimeSliced(LAYOUT, 1), self.row(2.95, 0.0)) == WAIT

    def test_ahead_of_its_slice_it_waits(self):
        four = TimeSliced(LAYOUT, 4)
        assert action(four, self.row(14.9, 12.1)) == WAIT
        assert action(four, self.row(14.9, 11.0)) == ON_DEMAND_1
        assert action(four, self.row(15.1, 12.1)) == WAIT  # the next slice has just begun

    def test_without_a_deadline_it_waits(self):
        row = waiting(**NO_SPOT, work_left=0.5, work_left_h=0.5, slack=1.0, reserve_slack=1.0, deadline_left=1.0)
        assert action(TimeSliced(LAYOUT, 4), row) == WAIT

    @pytest.mark.parametrize("slices", [240, 1_000])
    def test_a_slice_begins_on_time_whatever_float32_makes_of_it(self, slices):
        """At each boundary, ahead of the slice that ends, and half of the next one's work to do in 15 min or less."""
        policy, slice_h = TimeSliced(LAYOUT, slices), 60.0 / slices
        rows = [self.row(k * slice_h, 48.0 * (k + 0.5) / slices) for k in range(slices // 2)]
        assert {action(policy, row) for row in rows} == {ON_DEMAND_1}

    @pytest.mark.parametrize(("passed_h", "done_h"), [(2.0, 0.0), (20.0, 16.0), (40.0, 35.0)])
    def test_the_hours_of_a_slice(self, passed_h, done_h):
        """To the end of a slice that has 5 h left and lacks 3 h of work; changeover and interval are 0.1 h each."""
        row = self.row(passed_h, done_h)
        assert slice_slack(row, 0, 5.0 / 60.0, 3.0 / 48.0) == pytest.approx(5.0 - 3.0 - 2 * 0.1 - 0.1, abs=2e-5)

    def test_compiled_and_plain_count_the_same_hours(self):
        rows = np.concatenate([self.row(passed_h, 0.7 * passed_h) for passed_h in np.linspace(0.1, 30.0, 50)])
        for row in range(50):
            given = (rows, row, 0.25, 0.2)
            assert slice_slack(*given) == INTERPRETER.run(slice_slack, given)

    def test_bad_options(self):
        for slices in (0, 1_001):
            with pytest.raises(ValueError, match="slices"):
                TimeSliced(LAYOUT, slices)


def test_greedy_waits_where_uniform_progress_is_behind():
    row = waiting(**{**EASY, "ahead": -0.2}, **NO_SPOT)
    assert action(GreedySafetyNet(LAYOUT), row) == WAIT


def test_no_rule_is_late_on_the_recordings():
    """In the preset, on development hours; and they are no copies of each other."""
    hours = {"market.from_h": 0, "market.until_h": 700}
    costs = []
    for name in NAMES:
        env = TesseraVectorEnv(20, "cant-be-late", autoreset_mode=AutoresetMode.DISABLED, overrides=hours)
        table = play(env, make_policy(name, env.layout), 60, 3, lambda _: None)
        assert (table["deadlines_missed"].sum(), table["tasks_done"].sum()) == (0, 60), name
        costs.append(float(table["cost_usd"].mean()))
    assert len(set(costs)) == len(NAMES)
