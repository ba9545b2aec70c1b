"""Small worlds made by hand, and random ones, as plain data."""

from random import Random

from tests.reference.world import INF, Pool, Rules, Task, World

# $3.60/h is $0.001 a second, and 8 Gbit/s are 1,000 MB a second: dollars and loading times are easy to work out.
ON_DEMAND_USD_PER_H = 3.6
SPOT_USD_PER_H = 1.8
GBPS = 8.0
NEVER = 20_000.0


def pool(prices=((0.0, SPOT_USD_PER_H),), capacity=((0.0, 10),), hazards=((0.0, 0.0),), **fields) -> Pool:
    """A pool from steps of (time_s, $/h), (time_s, instances), (time_s, interruptions per second)."""
    times_s = sorted({step[0] for step in (*prices, *capacity, *hazards)})

    def held(steps):
        return [[value for time_s, value in steps if time_s <= t][-1] for t in times_s]

    price, hazard = held(prices), held(hazards)
    dollars, interruptions = [0.0], [0.0]
    for k in range(1, len(times_s)):
        elapsed_s = times_s[k] - times_s[k - 1]
        dollars.append(dollars[-1] + elapsed_s * price[k - 1] / 3600.0)
        interruptions.append(interruptions[-1] + elapsed_s * hazard[k - 1])
    defaults = {
        "on_demand_price": ON_DEMAND_USD_PER_H,
        "gpu_memory_mb": 16_000.0,
        "bandwidth_gbps": GBPS,
        "provisioning_s": 0.0,
        "setup_s": 0.0,
    }
    return Pool(times_s, price, held(capacity), hazard, dollars, interruptions, **{**defaults, **fields})


def rules(**fields) -> Rules:
    """A long horizon, a question every 100 s, no notice, no minimum: a test switches on the rules that it is for."""
    return Rules(**{"horizon_s": NEVER, "decision_interval_s": 100.0, **fields})


def world(pools: list[Pool], tasks: list[Task], **fields) -> World:
    """A world of these pools and tasks."""
    return World(rules(**fields), pools, sorted(tasks, key=lambda task: task.arrival_s))


def task(work_s: float = 1_000.0, arrival_s: float = 0.0, state_mb: float = 0.0, **fields) -> Task:
    """A task whose state does not grow, unless it is told to."""
    sizes = {"state_base_mb": state_mb, "state_cap_mb": state_mb}
    return Task(arrival_s=arrival_s, work_s=work_s, **{**sizes, **fields})


# --- random worlds ---------------------------------------------------------------------------------------------------


def random_world(rng: Random) -> World:
    """Any combination of rules; half of the worlds live on a grid of whole minutes, so that many events coincide.

    In a third of them many tasks run from the start in pools that lose all their capacity, so that many are displaced
    at one instant.
    """
    grid_s, crowded = rng.choice([0.0, 60.0]), rng.random() < 0.33
    horizon_s = a_time(rng, grid_s, rng.choice([3_600.0, 20_000.0, 60_000.0]))
    pools = [random_pool(rng, grid_s, horizon_s, crowded) for _ in range(rng.choice([1, 2, 3]))]
    most_mb = max(pool.gpu_memory_mb for pool in pools)
    count = rng.choice([6, 12]) if crowded else rng.choice([1, 2, 4, 8])
    tasks = [random_task(rng, grid_s, horizon_s, most_mb, crowded) for _ in range(count)]
    return World(random_rules(rng, grid_s, horizon_s), pools, sorted(tasks, key=lambda task: task.arrival_s))


def a_time(rng: Random, grid_s: float, most_s: float) -> float:
    """A time up to `most_s`, more than 0."""
    return grid_s * rng.randint(1, max(1, int(most_s / grid_s))) if grid_s else most_s * (1.0 - rng.random())


def some_time(rng: Random, grid_s: float, most_s: float, never: float = 0.0) -> float:
    """A time, or with even odds none at all."""
    return rng.choice([never, a_time(rng, grid_s, most_s)])


def random_rules(rng: Random, grid_s: float, horizon_s: float) -> Rules:
    reconsider = rng.random() < 0.6
    return Rules(
        horizon_s=horizon_s,
        decision_interval_s=a_time(rng, grid_s, rng.choice([600.0, 3_600.0])) + 60.0 * (horizon_s // 4_000.0),
        reconsider_running=reconsider,
        reconsider_at_capacity=reconsider and rng.random() < 0.5,
        reconsider_on_spot=rng.random() < 0.7,
        deadline_guard=reconsider and rng.random() < 0.5,
        guard_margin_s=rng.choice([0.0, 1.0]),
        notice_s=some_time(rng, grid_s, rng.choice([600.0, 600.0, 7_200.0])),
        idle_timeout_s=some_time(rng, grid_s, 3_000.0),
        billing_minimum_s=rng.choice([0.0, 60.0]),
        billing_increment_s=rng.choice([0.0, 0.0, 60.0, 195.0, 3_600.0]),
        free_first_hour=rng.random() < 0.3,
        store_bandwidth_gbps=rng.choice([2.0, 100.0]),
        saves_at_notice=rng.random() < 0.8,
        checkpoint_interval_s=some_time(rng, grid_s, 2_000.0, INF),
        checkpoint_cost_s=rng.choice([0.0, 30.0]),
        missed_weight=rng.choice([0.0, 2.0]),
        downtime_weight=rng.choice([0.0, 1.0]),
        slack_tick_s=rng.choice([0.0, 0.0, 300.0]),
        guard_counts_saves=rng.random() < 0.5,
        **_random_options(rng),
    )


OPTIONS = ("ask_tightest_first", "ask_at_freed_room", "make_before_break", "just_in_time")


def _random_options(rng: Random) -> dict[str, bool]:
    """None of them, one alone, or any."""
    alone, together = rng.choice(OPTIONS), rng.choice([0.0, 0.0, 0.5, 0.9])
    is_alone = together == 0.0 and rng.random() < 0.6
    return {name: rng.random() < together or (is_alone and name == alone) for name in OPTIONS}


def random_steps(rng: Random, grid_s: float, horizon_s: float, values) -> tuple:
    """A step function from 0 on."""
    times_s = sorted({0.0, *(a_time(rng, grid_s, horizon_s) for _ in range(rng.choice([0, 2, 8, 20])))})
    return tuple((t, values()) for t in times_s)


def random_pool(rng: Random, grid_s: float, horizon_s: float, crowded: bool) -> Pool:
    most = 8 if crowded else rng.choice([0, 1, 2, 5])
    provisioning_s = some_time(rng, grid_s, 400.0)
    mean_life_s = rng.choice([INF, 300.0, 3_000.0, 30_000.0])
    return pool(
        random_steps(rng, grid_s, horizon_s, lambda: rng.uniform(0.1, 3.0)),
        random_steps(rng, grid_s, horizon_s, lambda: rng.choice([0, most] if crowded else range(most + 1))),
        random_steps(rng, grid_s, horizon_s, lambda: rng.choice([0.0, 1.0]) / mean_life_s),
        on_demand_price=rng.uniform(2.0, 4.0),
        gpu_memory_mb=rng.choice([8_000.0, 16_000.0, 24_000.0]),
        bandwidth_gbps=rng.choice([1.0, 5.0, 10.0]),
        provisioning_s=provisioning_s,
        setup_s=some_time(rng, grid_s, 600.0),
        provisioning_high_s=provisioning_s + some_time(rng, grid_s, 300.0),
        on_demand_failure_share=rng.choice([0.0, 0.0, 0.3]),
        bathtub=rng.choice([None, None, None, (0.638, 0.2, 0.1, 5.0, 4.8)]),
    )


def random_task(rng: Random, grid_s: float, horizon_s: float, most_mb: float, crowded: bool) -> Task:
    arrival_s = rng.choice([0.0, 0.0 if crowded else a_time(rng, grid_s, horizon_s)])
    work_s = a_time(rng, grid_s, 2.0 * horizon_s if crowded else rng.choice([600.0, 6_000.0, 20_000.0]))
    cap_mb = rng.choice([0.0, 10_000.0, 60_000.0, 200_000.0])
    base_mb = rng.choice([0.0, cap_mb])
    interactive = rng.random() < 0.3
    slack = rng.choice([0.1, 0.5, 2.0])
    return Task(
        arrival_s=arrival_s,
        work_s=work_s,
        deadline_s=INF if interactive or rng.random() < 0.3 else arrival_s + work_s * (1.0 + slack),
        memory_mb=rng.choice([0.0, 8_000.0, most_mb]),
        state_base_mb=base_mb,
        state_growth_mb_per_s=(cap_mb - base_mb) / work_s,
        state_cap_mb=cap_mb,
        interactive=interactive,
    )


def random_policy(seed: int):
    """Answers that only depend on the seed and on the questions before; a tenth of them ignore the mask."""
    rng = Random(seed)
    eagerness = rng.choice([0.2, 0.9, 1.0])  # how seldom it waits where it need not
    thrift = rng.choice([0.0, 0.9])  # how often it takes spot where it may

    def choose(decision) -> int:
        valid = [action for action, allowed in enumerate(decision.mask) if allowed]
        if rng.random() < 0.1:
            return rng.randrange(len(decision.mask))
        if rng.random() < eagerness:
            valid = [action for action in valid if action > 0] or valid
        if rng.random() < thrift:
            valid = [action for action in valid if action <= len(decision.mask) // 2] or valid
        return rng.choice(valid)

    return choose


def sticky_policy(seed: int):
    """Random answers that a task or seat mostly gives again, so that a service comes to rest."""
    rng, fresh = Random(seed), random_policy(seed)
    stickiness, last = rng.choice([0.0, 0.8, 0.97, 1.0]), {}

    def choose(decision) -> int:
        if decision.task not in last or rng.random() >= stickiness:
            last[decision.task] = fresh(decision)
        return last[decision.task]

    return choose
