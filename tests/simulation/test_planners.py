"""Planners: the optimal one equals brute force, none fails, and what cannot be carried out is refused."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from tessera_env.simulation.planners import UNASSIGNED, KuhnMunkres, NearestFirst, checked_columns

INF = math.inf

Plan = Callable[[np.ndarray], np.ndarray]


def best_by_brute_force(costs: np.ndarray) -> tuple[int, float]:
    """(most tasks placed, then least seconds), over every way to give tasks different instances or none."""
    tasks, instances = costs.shape
    best = (0, 0.0)
    for chosen in itertools.product(range(UNASSIGNED, instances), repeat=tasks):
        taken = [column for column in chosen if column != UNASSIGNED]
        seconds = sum(costs[row, column] for row, column in enumerate(chosen) if column != UNASSIGNED)
        if len(set(taken)) == len(taken) and seconds < INF:
            best = max(best, (len(taken), -seconds))
    return best[0], -best[1]


def worth(costs: np.ndarray, columns: np.ndarray) -> tuple[int, float]:
    """The same of a planner's answer, which must be one that can be carried out."""
    checked_columns(columns, costs)
    rows = np.flatnonzero(columns != UNASSIGNED)
    return len(rows), float(sum(costs[row, columns[row]] for row in rows))


def random_costs(rng: np.random.Generator) -> np.ndarray:
    """Up to four tasks and instances; whole seconds so that sums are exact, with ties, zeros and infeasible pairs."""
    shape = rng.integers(1, 5), rng.integers(1, 5)
    most = rng.choice([2, 50, 1_000_000])
    costs = rng.integers(0, most, shape).astype(float)
    costs[rng.random(shape) < rng.choice([0.0, 0.3, 0.7, 1.0])] = INF
    return costs


def wrong_answers(planner: Plan, count: int = 400) -> int:
    """In how many of many random matrices a planner's answer is not as good as the best."""
    rng, wrong = np.random.default_rng(7), 0
    for _ in range(count):
        costs = random_costs(rng)
        wrong += worth(costs, planner(costs)) != best_by_brute_force(costs)
    return wrong


def test_kuhn_munkres_is_brute_force():
    """Most tasks first, least seconds second, infeasible pairs included."""
    assert wrong_answers(KuhnMunkres()) == 0


def maximiser(costs: np.ndarray) -> np.ndarray:
    """The mistake: the dearest of the feasible assignments of most tasks."""
    finite = np.isfinite(costs)
    largest = costs.max(where=finite, initial=0.0)
    return KuhnMunkres()(np.where(finite, largest - np.where(finite, costs, 0.0), INF))


def cheapest_first(costs: np.ndarray) -> np.ndarray:
    """The mistake: a task that waits is free, so placing none is the cheapest."""
    padded = np.hstack((costs, np.where(np.eye(len(costs)) == 1, 1.0, INF)))
    columns = linear_sum_assignment(padded)[1]
    return np.where(columns < costs.shape[1], columns, UNASSIGNED)


def huge_penalty(costs: np.ndarray) -> np.ndarray:
    """The mistake: forbidden pairs at a fixed, huge cost, so that seconds are lost in rounding."""
    tasks, instances = costs.shape
    padded = np.hstack((np.where(np.isfinite(costs), costs, 1e22), np.full((tasks, tasks), 1e21)))
    columns = linear_sum_assignment(padded)[1]
    return np.where(columns < instances, columns, UNASSIGNED)


@pytest.mark.parametrize("planted", [maximiser, cheapest_first, huge_penalty, NearestFirst()])
def test_the_comparison_would_see_a_wrong_planner(planted):
    assert wrong_answers(planted) > 10


@pytest.mark.parametrize("planner", [KuhnMunkres(), NearestFirst()])
@pytest.mark.parametrize(
    ("costs", "columns"),
    [
        ([[3.0, 1.0], [1.0, 3.0]], [1, 0]),
        ([[5.0]], [0]),
        ([[INF]], [-1]),
        ([[INF, INF], [INF, INF]], [-1, -1]),
        ([[INF, 2.0], [1.0, INF]], [1, 0]),
        ([[1e9, INF]], [0]),  # however long it takes, rather than not at all
    ],
)
def test_cases_in_which_both_planners_agree(planner, costs, columns):
    assert planner(np.array(costs)).tolist() == columns


def test_where_the_planners_differ():
    """The first task could take the fast instance at 1 s, but then the second one loses 98 s, or cannot run."""
    slow_second = np.array([[1.0, 2.0], [2.0, 100.0]])
    assert KuhnMunkres()(slow_second).tolist() == [1, 0]
    assert NearestFirst()(slow_second).tolist() == [0, 1]
    second_fits_one = np.array([[1.0, 1_000.0], [2.0, INF]])
    assert KuhnMunkres()(second_fits_one).tolist() == [1, 0]
    assert NearestFirst()(second_fits_one).tolist() == [0, -1]


def test_nearest_first_breaks_ties_by_number():
    """The task that comes first, the older launch."""
    assert NearestFirst()(np.zeros((2, 1))).tolist() == [0, -1]
    assert NearestFirst()(np.array([[3.0, 1.0, 1.0]])).tolist() == [1]


@pytest.mark.parametrize("planner", [KuhnMunkres(), NearestFirst()])
@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (1, 0), (40, 1), (1, 40)])
def test_empty_and_lopsided_matrices(planner, shape):
    columns = planner(np.zeros(shape))
    checked_columns(columns, np.zeros(shape))
    assert (columns != UNASSIGNED).sum() == min(shape)


COSTS = st.floats(0.0, 1e7) | st.just(INF) | st.just(0.0) | st.sampled_from([60.0, 90.0])


@given(st.integers(0, 7), st.integers(0, 7), st.data())
def test_no_matrix_makes_a_planner_raise(tasks, instances, data):
    """And the optimal one never places fewer tasks than the greedy one, nor as many in more time."""
    values = data.draw(st.lists(COSTS, min_size=tasks * instances, max_size=tasks * instances))
    costs = np.array(values).reshape(tasks, instances)
    before = costs.copy()
    (placed, seconds), (greedily, greedy_seconds) = (
        worth(costs, planner(costs)) for planner in (KuhnMunkres(), NearestFirst())
    )
    np.testing.assert_array_equal(costs, before)
    assert placed >= greedily
    assert placed > greedily or seconds <= greedy_seconds + 1e-6


@given(st.permutations(range(5)), st.permutations(range(6)), st.integers(0, 10_000))
def test_the_optimum_does_not_depend_on_the_order(rows, columns, seed):
    rng = np.random.default_rng(seed)
    costs = np.where(rng.random((5, 6)) < 0.4, INF, rng.integers(0, 100, (5, 6)).astype(float))
    permuted = costs[np.ix_(rows, columns)]
    assert worth(costs, KuhnMunkres()(costs)) == worth(permuted, KuhnMunkres()(permuted))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([0, 1], r"int64 of shape \(2,\) \(allowed: integers of shape \(3,\)\)"),
        ([0.0, 1.0, -1.0], r"float64 of shape \(3,\)"),
        (None, "object of shape"),
        ([[0], [1], [-1]], r"int64 of shape \(3, 1\)"),
        ([0, 2, -1], r"columns \[0, 2, -1\] \(allowed: -1 to 1\)"),
        ([0, -2, -1], r"columns \[0, -2, -1\] \(allowed: -1 to 1\)"),
        ([0, 0, -1], r"columns \[0, 0, -1\] \(allowed: each column once\)"),
        ([0, -1, 1], r"columns \[0, -1, 1\] \(allowed: pairs of finite cost\)"),
    ],
)
def test_an_answer_that_cannot_be_carried_out_is_refused(columns, message):
    costs = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, INF]])
    with pytest.raises(ValueError, match=f"^planner: {message}"):
        checked_columns(columns, costs)


def test_any_integers_are_an_answer():
    costs = np.array([[1.0, 2.0], [3.0, 4.0]])
    for columns in ([1, -1], np.array([1, -1], np.int8), np.array([1, 0], np.uint8)):
        checked = checked_columns(columns, costs)
        assert checked.dtype == np.int64 and checked.tolist() == list(columns)
