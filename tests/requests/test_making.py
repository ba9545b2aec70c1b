"""Tables from columns, and what is refused."""

import math

import numpy as np
import pytest

from tessera_env.requests.making import check_replicas, replicas_of, requests_of
from tessera_env.requests.tables import REPLICA, Fate


def test_replicas_are_sorted_and_one_value_stands_for_all():
    table = replicas_of([5.0, 0.0, 5.0], [9.0, 8.0, 7.0], Fate.LOST)
    assert table.tolist() == [(0.0, 8.0, 2), (5.0, 9.0, 2), (5.0, 7.0, 2)]
    assert len(replicas_of(0.0, math.inf, 0)) == 1
    assert len(replicas_of([], 3.0, Fate.KEPT)) == len(requests_of([], 1.0)) == 0


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (([0.0, -1.0], 9.0, 0), "replicas.1.ready_s: -1 (allowed: a number from 0 on)"),
        ((math.inf, math.inf, 0), "replicas.0.ready_s: inf (allowed: a number from 0 on)"),
        ((1.0, 1.0, 1), "replicas.0.until_s: 1 (allowed: more than ready_s)"),
        ((1.0, math.nan, 1), "replicas.0.until_s: nan (allowed: more than ready_s)"),
        (([0.0, 1.0], math.inf, [0, 2]), "replicas.1.until_s: inf (allowed: a number, as it is not KEPT)"),
        ((1.0, 2.0, 3), "replicas.0.fate: 3 (allowed: KEPT 0, STOPPED 1, LOST 2)"),
        ((1.0, 2.0, [0.0]), "fate: float64 (allowed: whole numbers, KEPT 0, STOPPED 1, LOST 2)"),
        (("1", 2.0, 0), "ready_s: <U1 of shape () (allowed: one number, or one a row)"),
        (([0.0, 1.0], [2.0], 0), "ready_s (2,), until_s (1,), fate () (allowed: as many rows each)"),
        (([[0.0]], 2.0, 0), "ready_s: float64 of shape (1, 1) (allowed: one number, or one a row)"),
    ],
)
def test_replicas_that_are_refused(columns, line):
    with pytest.raises(ValueError) as raised:
        replicas_of(*columns)
    assert str(raised.value) == line


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (([2.0, 1.0], 1.0), "requests.1.arrival_s: 1 (allowed: sorted, none before the one above it)"),
        (([-1.0], 1.0), "requests.0.arrival_s: -1 (allowed: a number from 0 on)"),
        (([1.0, math.nan], 1.0), "requests.1.arrival_s: nan (allowed: a number from 0 on)"),
        (([1.0], -0.5), "requests.0.service_s: -0.5 (allowed: a number from 0 on)"),
        (([1.0], math.inf), "requests.0.service_s: inf (allowed: a number from 0 on)"),
    ],
)
def test_requests_that_are_refused(columns, line):
    with pytest.raises(ValueError) as raised:
        requests_of(*columns)
    assert str(raised.value) == line


def test_a_table_of_one_s_own_has_to_be_sorted():
    table = np.array([(5.0, 9.0, 0), (0.0, 9.0, 0)], REPLICA)
    with pytest.raises(
        ValueError, match=r"^replicas\.1\.ready_s: 0 \(allowed: sorted, none before the one above it\)$"
    ):
        check_replicas(table, 9.0)
