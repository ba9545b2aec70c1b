"""Ready replicas and their target, as they change."""

import numpy as np
import pytest

from tessera_env.engine.kinds import LogKind
from tessera_env.engine.state import LOG
from tessera_env.rendering.replicas import change_times_s, ready_changes, target_changes
from tessera_env.rendering.services import service_curves


def entry(time_s: float, kind: LogKind, seat: int = 0, pool: int = 0, on_demand: int = 0, value: float = 0.0):
    return (time_s, kind, seat, 0, pool, on_demand, value, 0.0)


# Two services, of targets 2 and 1; the first wants 3 from 3,600 s on.
EVENTS = np.array(
    [
        entry(0, LogKind.DEMAND, 0, value=2),
        entry(0, LogKind.DEMAND, 8, value=1),
        entry(600, LogKind.READY, 0, pool=0),
        entry(600, LogKind.READY, 1, pool=1),
        entry(600, LogKind.READY, 8, pool=1, on_demand=1),
        entry(1_800, LogKind.UNREADY, 1, pool=1),
        entry(2_400, LogKind.READY, 2, pool=1),
        entry(3_600, LogKind.DEMAND, 0, value=3),
    ],
    dtype=LOG,
)
AT_S = np.array([0.0, 600.0, 1_800.0, 2_400.0, 3_600.0, 7_200.0])


def test_numbers_over_time():
    assert change_times_s(EVENTS, 7_200.0).tolist() == AT_S.tolist()
    assert ready_changes(EVENTS).until(AT_S).tolist() == [0, 3, 2, 3, 3, 3]
    assert ready_changes(EVENTS, pool=1, on_demand=0).until(AT_S).tolist() == [0, 1, 0, 1, 1, 1]
    assert ready_changes(EVENTS, on_demand=1).until(AT_S).tolist() == [0, 1, 1, 1, 1, 1]
    assert target_changes(EVENTS).until(AT_S).tolist() == [3, 3, 3, 3, 4, 4]


def test_time_below_the_target():
    curves = service_curves(EVENTS, 7_200.0)
    assert curves.below_h == pytest.approx((600 + 600 + 3_600) / 3_600)
    assert (curves.ready.values[-1], curves.target.values[-1], curves.below.values[-1]) == (3, 4, 1)


def test_nothing_yet():
    curves = service_curves(EVENTS[:2], 0.0)
    assert (curves.ready.values[-1], curves.target.values[-1], curves.below_h) == (0, 3, 0.0)
