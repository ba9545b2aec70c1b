"""Worlds with services, as plain data, and random ones: few pools with little room, so that everything happens."""

from random import Random

from tests.reference.services import Service
from tests.reference.world import INF, Pool, World
from tests.reference.worlds import a_time, random_pool, random_rules, random_steps, random_task, rules, some_time


def service(seats: int = 2, target: int = 1, pools: int = 1, **fields) -> Service:
    """A service with a constant target and no requests, in all pools; a look every 100 s."""
    return Service(seats, **{"usable": [True] * pools, "demand": [(0.0, target, 0.0)], **fields})


def service_world(pools: list[Pool], services: list[Service], **fields) -> World:
    """A world of these pools and services, without jobs."""
    return World(rules(**fields), pools, [], services=services)


def random_service_world(rng: Random, grids: tuple[float, ...] = (0.0, 60.0)) -> World:
    """One to three services, with and without jobs beside them; half of the worlds live on a grid of whole minutes."""
    grid_s, crowded = rng.choice(grids), rng.random() < 0.33
    horizon_s = a_time(rng, grid_s, rng.choice([3_600.0, 20_000.0]))
    pools = [random_pool(rng, grid_s, horizon_s, crowded) for _ in range(rng.choice([1, 2, 3, 5]))]
    most_mb = max(pool.gpu_memory_mb for pool in pools)
    count = rng.choice([0, 0, 1, 4])
    tasks = [random_task(rng, grid_s, horizon_s, most_mb, crowded) for _ in range(count)]
    world = World(random_rules(rng, grid_s, horizon_s), pools, sorted(tasks, key=lambda task: task.arrival_s))
    world.rules.invalid_waits = rng.random() < 0.2
    world.services = [random_service(rng, grid_s, horizon_s, pools) for _ in range(rng.choice([1, 1, 2, 3]))]
    return world


def random_service(rng: Random, grid_s: float, horizon_s: float, pools: list[Pool]) -> Service:
    """Any combination of options."""
    usable = [rng.random() < 0.8 for _ in pools]
    usable[rng.randrange(len(pools))] = True
    return Service(
        seat_count=rng.choice([1, 2, 3, 5]),
        usable=usable,
        demand=random_demand(rng, grid_s, horizon_s),
        interval_s=a_time(rng, grid_s, rng.choice([300.0, 1_200.0])) + 60.0 * (horizon_s // 2_400.0),
        when_changed=rng.random() < 0.5,
        looks_at_events=rng.random() < 0.5,
        decides_before_market=rng.random() < 0.5,
        serves_at_notice=rng.random() < 0.5,
        make_before_break=rng.random() < 0.5,
        setup_s=some_time(rng, grid_s, 300.0),
        model_mb=rng.choice([0.0, 10_000.0, 60_000.0]),
        drain_s=some_time(rng, grid_s, 600.0),
        launch_failure_s=some_time(rng, grid_s, 300.0),
        score_from_s=rng.choice([0.0, 0.0, a_time(rng, grid_s, horizon_s) * 0.5]),
        shortfall_weight=rng.choice([0.0, 2.0]),
        requests_per_replica=rng.choice([0.0, 1.0, 2.5]),
        patience_s=rng.choice([30.0, 600.0, INF]),
    )


def random_demand(rng: Random, grid_s: float, horizon_s: float) -> list[tuple[float, int, float]]:
    """Steps of the target, at times of the rate alone; it wants a replica at least once."""
    points = []
    for time_s, (target, rate) in random_steps(
        rng, grid_s, horizon_s, lambda: (rng.choice([0, 1, 1, 2, 3]), rng.choice([0.0, 1.0, 3.0]))
    ):
        target = points[-1][1] if points and rng.random() < 0.3 else target
        if time_s < horizon_s and (not points or points[-1][1:] != (target, rate)):
            points.append((time_s, target, rate))
    return points if any(target for _, target, _ in points) else [(0.0, 1, rng.choice([0.0, 1.0]))]
