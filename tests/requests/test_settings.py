"""Settings: what they may be, and the record that they become."""

import math

import numpy as np
import pytest

from tessera_env.requests.settings import Balancing, Interrupted, RequestSettings, WithoutReplica


def test_the_record():
    settings = RequestSettings(30.0, 2, 3, "round_robin", "finish", "fail")
    (rules,) = settings.record(900.0)
    assert (rules.until_s, rules.timeout_s, rules.slots) == (900.0, 30.0, 2)
    assert rules.balancing == Balancing.ROUND_ROBIN
    assert rules.interrupted == Interrupted.FINISH
    assert rules.without_replica == WithoutReplica.FAIL
    assert RequestSettings().record(1.0)[0].timeout_s == math.inf


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"timeout_s": 0.0}, "timeout_s: 0.0 (allowed: more than 0; inf for none)"),
        ({"timeout_s": math.nan}, "timeout_s: nan (allowed: more than 0; inf for none)"),
        ({"timeout_s": None}, "timeout_s: None (allowed: more than 0; inf for none)"),
        ({"timeout_s": "9"}, "timeout_s: '9' (allowed: more than 0; inf for none)"),
        ({"slots": 0}, "slots: 0 (allowed: a whole number from 1 to 2147483647)"),
        ({"slots": 1.5}, "slots: 1.5 (allowed: a whole number from 1 to 2147483647)"),
        ({"clients": True}, "clients: True (allowed: a whole number from 1 to 2147483647)"),
        ({"balancing": "random"}, "balancing: 'random' (allowed: round_robin, least_load)"),
        ({"balancing": []}, "balancing: [] (allowed: round_robin, least_load)"),
        ({"interrupted": "lose"}, "interrupted: 'lose' (allowed: retry, lost, finish)"),
        ({"without_replica": None}, "without_replica: None (allowed: wait, fail)"),
    ],
)
def test_what_is_refused(values, line):
    with pytest.raises(ValueError) as raised:
        RequestSettings(**values)
    assert str(raised.value) == line


def test_all_that_is_wrong_is_said():
    with pytest.raises(ValueError) as raised:
        RequestSettings(timeout_s=-1.0, slots=0)
    assert [line.partition(":")[0] for line in str(raised.value).splitlines()] == ["timeout_s", "slots"]


def test_numpy_s_numbers_are_numbers():
    assert RequestSettings(timeout_s=np.float64(3.0), slots=np.int64(2)).record(1.0)[0].slots == 2
