"""A target by a schedule: once, or the same every day."""

from tessera_env.world.demand.timeline import TargetSource
from tests.world.demand.tables import DAY_S, HOUR_S, drawn, specs_of, targets_of


def scheduled(*steps: tuple[float, int], daily: bool) -> dict:
    """A service with this target from so many hours on."""
    from_s, targets = [0.0] * 48, [0] * 48
    for row, (from_h, replicas) in enumerate(steps):
        from_s[row], targets[row] = from_h * HOUR_S, replicas
    source = {"target_source": int(TargetSource.SCHEDULE), "schedule_count": len(steps), "schedule_daily": daily}
    return {**source, "schedule_from_s": from_s, "schedule_target": targets}


def test_a_schedule_once():
    steps = ((0.0, 2), (8.0, 5), (30.0, 0))
    points = drawn(specs_of(scheduled(*steps, daily=False)), 4 * DAY_S)
    assert targets_of(points) == [(0.0, 2), (8 * HOUR_S, 5), (30 * HOUR_S, 0)]


def test_a_schedule_of_every_day():
    points = drawn(specs_of(scheduled((0.0, 2), (8.0, 5), (20.0, 2), daily=True)), 2.5 * DAY_S)
    hours = [(0.0, 2), (8, 5), (20, 2), (32, 5), (44, 2), (56, 5)]
    assert targets_of(points) == [(hour * HOUR_S, target) for hour, target in hours]
    assert len(points) == 6, "midnight, where nothing changes, makes no point"


def test_it_ends_with_the_horizon():
    points = drawn(specs_of(scheduled((0.0, 2), (8.0, 5), daily=True)), 8 * HOUR_S)
    assert targets_of(points) == [(0.0, 2)]
