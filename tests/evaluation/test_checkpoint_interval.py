"""The formulas against the closed form that they approximate, minimised by a numerical solver."""

import math

import pytest
from scipy.optimize import minimize_scalar

from tessera_env.evaluation.checkpoint_interval import daly_interval_h, young_interval_h


def expected_run_h(
    work_h: float, interval_h: float, cost_h: float, between_interruptions_h: float, changeover_h: float
) -> float:
    """What the formulas minimise: n (M + d)(exp((tau + C) / M) - 1), for n = work / tau segments.

    Args:
        work_h: to be done, on spot instances alone and with nothing saved at notice.
        interval_h: tau, work between two checkpoints.
        cost_h: C.
        between_interruptions_h: M.
        changeover_h: d, from an interruption until work goes on; nothing interrupts it.
    """
    grown = math.expm1((interval_h + cost_h) / between_interruptions_h)
    return work_h / interval_h * (between_interruptions_h + changeover_h) * grown


def best_interval_h(cost_h: float, between_h: float, changeover_h: float = 0.1) -> float:
    """Where the closed form is least, by golden section over the logarithm of the interval."""
    found = minimize_scalar(
        lambda log: expected_run_h(10.0, math.exp(log), cost_h, between_h, changeover_h),
        bounds=(math.log(cost_h * 1e-3), math.log(between_h * 10)),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return math.exp(found.x)


def test_worked_out_by_hand() -> None:
    assert young_interval_h(0.02, 1.0) == pytest.approx(0.2)
    # 0.2 x (1 + 0.1 / 3 + 0.01 / 9) - 0.02
    assert daly_interval_h(0.02, 1.0) == pytest.approx(0.2 * (1 + 0.1 / 3 + 0.01 / 9) - 0.02)


@pytest.mark.parametrize(("ratio", "young", "daly"), [(1e-4, 0.01, 1e-5), (1e-2, 0.06, 1e-3), (0.1, 0.2, 0.005)])
def test_both_come_near_the_best_interval(ratio: float, young: float, daly: float) -> None:
    best_h = best_interval_h(ratio * 20.0, 20.0)
    young_error = abs(young_interval_h(ratio * 20.0, 20.0) / best_h - 1.0)
    daly_error = abs(daly_interval_h(ratio * 20.0, 20.0) / best_h - 1.0)
    assert young_error < young
    assert daly_error < daly
    assert daly_error < young_error / 10.0


def test_the_best_interval_does_not_depend_on_the_changeover() -> None:
    assert best_interval_h(0.02, 5.0, changeover_h=0.0) == pytest.approx(best_interval_h(0.02, 5.0, 2.0), rel=1e-6)


def test_a_wrong_interval_costs_more() -> None:
    best_h = daly_interval_h(0.02, 5.0)
    least_h = expected_run_h(10.0, best_h, 0.02, 5.0, 0.1)
    assert all(expected_run_h(10.0, best_h * factor, 0.02, 5.0, 0.1) > least_h for factor in (0.5, 0.8, 1.25, 2.0))


def test_saving_that_takes_longer_than_instances_live() -> None:
    assert daly_interval_h(3.0, 1.0) == 1.0
    assert daly_interval_h(2.0, 1.0) == 1.0


def test_without_periodic_checkpoints_it_is_the_closed_form_of_a_restart() -> None:
    assert expected_run_h(2.0, 2.0, 0.0, 4.0, 0.5) == pytest.approx((4.0 + 0.5) * (math.exp(0.5) - 1.0))
