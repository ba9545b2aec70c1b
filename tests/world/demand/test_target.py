"""What says the target: constant, schedule or autoscaler."""

from tessera_env.world.demand.timeline import TargetSource
from tests.world.demand.tables import autoscaled, drawn, recorded, specs_of, targets_of

RATES = [1.0, 3.0, 3.0, 3.0, 3.0]


def test_each_service_has_its_own():
    schedule = {"target_source": int(TargetSource.SCHEDULE), "schedule_count": 1, "schedule_target": [7] * 48}
    demand = recorded(RATES, 10.0)
    specs = specs_of({**demand, "target": 4}, {**demand, **schedule}, {**demand, **autoscaled()})
    points = [drawn(specs, 50.0, RATES, service_id=k) for k in range(3)]
    assert [targets_of(one) for one in points] == [[(0.0, 4)], [(0.0, 7)], [(0.0, 1), (30.0, 3)]]
    for one in points:
        assert one.requests_per_s[[0, -1]].tolist() == [1.0, 3.0], "whatever the target, the demand is the same"
