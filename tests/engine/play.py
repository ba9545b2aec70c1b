"""Play worlds made of plain data on the engine, and see what it did in the reference simulator's terms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tessera_env.engine.episode import clear_episode, open_episode
from tessera_env.engine.kinds import AskReason, LogKind
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.kernels import Command
from tessera_env.simulation.planners import KuhnMunkres, Planner
from tessera_env.simulation.rows import Simulation
from tessera_env.world.distributions import DistributionKind
from tessera_env.world.market.timeline import MARKET_POINT
from tessera_env.world.parameters import HazardModel, Quantity, new_table
from tessera_env.world.random_stream import Purpose, exponential, uniform
from tests.engine import laying
from tests.kept import kept
from tests.reference.simulator import Decision, Simulator
from tests.reference.world import INF, NONE, Account, Pool, Rules, Task, World
from tests.world.market.tables import world as world_address

WAIT, SPOT, ON_DEMAND = 0, 1, 2  # actions where there is one pool
ASK_INTERRUPTION = int(AskReason.INTERRUPTION)
ASK_ARRIVAL = int(AskReason.ARRIVAL)
ASK_RETRY = int(AskReason.RETRY)
ASK_RECONSIDER = int(AskReason.RECONSIDER)

PLANNER = KuhnMunkres()

Choose = Callable[[Decision], int]


def unit_lifetime(pool_id: int, ordinal: int, seed: int = 0) -> float:
    """The unit-exponential draw of a pool's launch in world 0 of the seed."""
    return exponential(world_address(seed), int(Purpose.LIFETIME), pool_id, ordinal)


def drawn_uniform(purpose: Purpose, stream: int, ordinal: int, seed: int = 0) -> float:
    """A uniform draw in world 0 of the seed."""
    return uniform(world_address(seed), int(purpose), stream, ordinal)


@dataclass
class Played:
    """An episode as the engine played it."""

    decisions: list[tuple] = field(default_factory=list)  # (time_s, reason, task)
    masks: list[list[bool]] = field(default_factory=list)
    services: list[list[tuple]] = field(default_factory=list)  # at each decision, what each shows of itself
    rewards: list[float] = field(default_factory=list)
    log: list[tuple] = field(default_factory=list)  # (time_s, kind, task, launch, value, other)
    totals: dict[str, float] = field(default_factory=dict)
    dollars: list[float] = field(default_factory=list)  # by launch
    progress_s: list[float] = field(default_factory=list)  # by task
    completion_s: list[float] = field(default_factory=list)
    interruptions: list[int] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    episode_return: float = 0.0
    scale_usd: float = 0.0
    figures: list[dict[str, float]] = field(default_factory=list)  # by service
    seats: list[list[Account]] = field(default_factory=list)  # likewise
    metrics: dict[str, float] = field(default_factory=dict)

    def of(self, kind: str) -> list[tuple]:
        """The log's lines of one kind."""
        return [line for line in self.log if line[1] == kind]

    def from_(self, time_s: float) -> list[tuple]:
        """The log from a time on."""
        return [line for line in self.log if line[0] >= time_s]

    @property
    def penalty(self) -> float:
        """What the return lacks beside dollars."""
        return -self.episode_return - sum(self.dollars) / self.scale_usd


def play(
    world: World,
    answers: Sequence[int] | Choose,
    planner: Planner = PLANNER,
    seed: int = 0,
    look: Callable[[Simulation], None] | None = None,
) -> Played:
    """The engine's episode in this world; after the last of a list of answers every task waits.

    Args:
        world: plain data; its lifetimes are the engine's draws for world 0 of the seed.
        answers: actions in order, or a policy.
        planner: assigns displaced tasks.
        seed: of the lifetimes.
        look: called with the Simulation after every step.
    """
    simulation = laid(world, planner, seed)
    simulation.run(np.array([int(Command.RESUME)]))
    return play_on(simulation, answers if callable(answers) else listed(answers), look)


def play_on(simulation: Simulation, choose: Choose, look: Callable[[Simulation], None] | None = None) -> Played:
    """The rest of the episode of a simulation's first row, which is at its first decision."""
    played = Played()
    while not simulation.views.terminated[0]:
        decision = decision_of(simulation)
        played.decisions.append((decision.time_s, int(decision.reason), decision.task))
        played.masks.append(decision.mask)
        played.services.append(decision.services)
        simulation.run(np.array([int(Command.STEP)]), np.array([choose(decision)]))
        played.rewards.append(float(simulation.views.rewards[0]))
        if look is not None:
            look(simulation)
    return with_results(played, simulation)


def listed(answers: Sequence[int]) -> Choose:
    """A policy that gives these answers, and then waits."""
    rest = iter(answers)
    return lambda _decision: next(rest, WAIT)


def decision_of(simulation: Simulation) -> Decision:
    """What the engine asks now."""
    row, mask = simulation.state.episodes[0], simulation.state.masks[0].tolist()
    shown = laying.shown(simulation)
    return Decision(float(row.now_s), row.reason, int(row.focal), mask, float(row.reported_usd), 0.0, shown)


def with_results(played: Played, simulation: Simulation) -> Played:
    """The finished episode's log, totals and tasks."""
    state = simulation.state
    totals = row = state.episodes[0]
    played.log = log_lines(state.log[0][: row.log_count])
    played.totals = {name: totals[name].item() for name in totals.dtype.names} | {"tasks_done": int(row.done)}
    ends = sorted((line for line in played.log if line[1] == "END"), key=lambda line: line[3])
    played.dollars = [line[4] for line in ends]
    tasks = state.tasks[0][: int(row.task_count)]
    laying.add_results(played, simulation)
    played.progress_s = tasks.progress_s.tolist()
    played.completion_s = tasks.completion_s.tolist()
    played.interruptions = tasks.interruptions.tolist()
    played.accounts = [laying.account_of(record) for record in tasks]
    played.episode_return = float(totals.episode_return)
    played.scale_usd = float(row.scale_usd)
    return played


def log_lines(log) -> list[tuple]:
    """The engine's log in the reference's form."""
    columns = (log[name].tolist() for name in ("time_s", "kind", "task", "launch", "value", "other"))
    return [
        (time_s, LogKind(kind).name, max(task, NONE), launch, value, other)
        for time_s, kind, task, launch, value, other in zip(*columns, strict=True)
    ]


def reference(world: World, answers: Sequence[int] | Choose, planner: Planner = PLANNER, seed: int = 0) -> Simulator:
    """The reference simulator's episode in the same world."""
    world.lifetime = lambda pool_id, ordinal: unit_lifetime(pool_id, ordinal, seed)
    world.boot = lambda purchase, pool_id, ordinal: drawn_uniform(
        Purpose.PROVISIONING, 2 * pool_id + purchase, ordinal, seed
    )
    world.luck = lambda pool_id, ordinal: drawn_uniform(Purpose.ON_DEMAND, pool_id, ordinal, seed)

    def columns(costs: list[list[float]]) -> list[int]:
        matrix = np.array(costs, dtype=float).reshape(len(costs), -1)
        return [int(column) for column in planner(matrix)]

    return Simulator(world, answers if callable(answers) else listed(answers), columns).run()


# --- laying a world into the engine's tables -------------------------------------------------------------------------


def laid(world: World, planner: Planner, seed: int) -> Simulation:
    """A simulation of one row that holds the world, before its first event."""
    simulation = Simulation(load_scenario(scenario_of(world)), 1, planner, log_events=True)
    points = max(len(pool.time_s) for pool in world.pools)
    market = new_table((1, len(world.pools), points), MARKET_POINT)
    params, state = simulation.params, simulation.state
    simulation.address(0, seed, 0)
    simulation.state = state = state._replace(market=market, demand=laying.new_demand(world))
    lay_rules(params.config[0], world)
    kept(clear_episode)(state, 0)
    for pool_id, pool in enumerate(world.pools):
        lay_pool(params, state, pool_id, pool)
    for task_id, task in enumerate(world.tasks):
        lay_task(state.tasks[0, task_id], task)
    state.episodes[0].task_count = len(world.tasks)
    laying.lay_services(params, state, world)
    kept(open_episode)(params, state, 0)
    return simulation


def scenario_of(world: World) -> dict:
    """A scenario with as many pools and tasks; the numbers are written into the tables."""
    pool = {
        "zone": "z",
        "instance_type": "t",
        "gpu_memory_mb": 1.0,
        "on_demand_usd_per_h": 1.0,
        "price": {"source": "constant", "usd_per_h": 1.0},
    }
    return {
        "horizon_h": 1.0,
        "decision_interval_s": 600.0,
        "notice_s": 0.0,
        "task": {"count": len(world.tasks), "work_h": 1.0} if world.tasks else {"count": 0},
        "pools": [{**pool, "name": f"p{k}"} for k in range(len(world.pools))],
        **laying.services_of(world),
    }


def lay_rules(config, world: World) -> None:
    """The engine's configuration has the rules' names."""
    for name, value in vars(world.rules).items():
        config[name] = value
    config.dearest_on_demand = max(pool.on_demand_price for pool in world.pools)
    config.largest_memory_mb = max(pool.gpu_memory_mb for pool in world.pools)


def lay_pool(params, state, pool_id: int, pool: Pool) -> None:
    """A pool's figures and its timeline."""
    spec, boot = params.pools[pool_id], params.distributions[Quantity.FIRST_SETUP + 2 * pool_id + 1]
    is_drawn = pool.provisioning_high_s > pool.provisioning_s
    boot.kind = int(DistributionKind.UNIFORM if is_drawn else DistributionKind.CONSTANT)
    boot.low, boot.high = pool.provisioning_s, max(pool.provisioning_s, pool.provisioning_high_s)
    spec.provisioning_high_s, spec.on_demand_failure_share = boot.high, pool.on_demand_failure_share
    spec.on_demand_price, spec.gpu_memory_mb = pool.on_demand_price, pool.gpu_memory_mb
    spec.bandwidth_gbps, spec.provisioning_s = pool.bandwidth_gbps, pool.provisioning_s
    spec.hazard_model = int(HazardModel.CONSTANT if any(pool.hazard_per_s) else HazardModel.NONE)
    if pool.bathtub is not None:
        spec.hazard_model = int(HazardModel.BATHTUB)
        spec.hazard_scale, spec.hazard_tau1_h, spec.hazard_tau2_h, spec.hazard_b_h, spec.hazard_cap_h = pool.bathtub
    state.pools[0, pool_id].setup_s = pool.setup_s
    state.pools[0, pool_id].point_count = len(pool.time_s)
    points = state.market[0, pool_id][: len(pool.time_s)]
    for name in ("time_s", "spot_price", "hazard_per_s", "price_integral", "hazard_integral", "capacity"):
        points[name] = getattr(pool, name)


def lay_task(record, task: Task) -> None:
    """A task as the world has it."""
    record.arrival_s, record.work_s, record.deadline_s = task.arrival_s, task.work_s, task.deadline_s
    record.gpu_memory_mb, record.interactive = task.memory_mb, int(task.interactive)
    record.state_base_mb, record.state_cap_mb = task.state_base_mb, task.state_cap_mb
    record.state_growth_mb_per_s = task.state_growth_mb_per_s


# --- taking a drawn world out of the engine's tables -----------------------------------------------------------------


def drawn_world(simulation: Simulation) -> World:
    """The first row's world with the scenario's rules, as plain data."""
    scenario, state = simulation.scenario, simulation.state
    pools = []
    for pool_id, pool in enumerate(scenario.pools):
        points = state.market[0, pool_id][: int(state.pools[0, pool_id].point_count)]
        names = ("time_s", "spot_price", "capacity", "hazard_per_s", "price_integral", "hazard_integral")
        timeline = [points[name].tolist() for name in names]
        boot, hazard = pool.provisioning_s, pool.hazard
        figures = (pool.on_demand_usd_per_h, pool.gpu_memory_mb, pool.bandwidth_gbps, boot.lowest)
        drawn = Pool(*timeline, *figures, setup_s=float(state.pools[0, pool_id].setup_s))
        drawn.provisioning_high_s = boot.highest
        drawn.on_demand_failure_share = pool.on_demand_failure_share
        if hazard.model == "bathtub":
            drawn.bathtub = (hazard.scale, hazard.tau1_h, hazard.tau2_h, hazard.b_h, hazard.cap_h)
        pools.append(drawn)
    tasks = state.tasks[0][: int(state.episodes[0].task_count)]
    world = World(rules_of(scenario), pools, [drawn_task(record) for record in tasks])
    world.services, world.first_seat = laying.drawn_services(simulation), scenario.task.count
    return world


def rules_of(scenario: Scenario) -> Rules:
    """The scenario's rules in seconds."""
    billing, checkpoint, penalty = scenario.billing, scenario.checkpoint, scenario.penalty
    interval_h = checkpoint.interval_h
    return Rules(
        horizon_s=scenario.horizon_h * 3_600.0,
        decision_interval_s=scenario.decision_interval_s,
        reconsider_running=scenario.reconsider_running,
        reconsider_at_capacity=scenario.reconsider_at_capacity,
        reconsider_on_spot=scenario.reconsider_on_spot,
        ask_tightest_first=scenario.ask_order == "urgency",
        ask_at_freed_room=scenario.ask_at_freed_room,
        make_before_break=scenario.make_before_break,
        just_in_time=scenario.just_in_time,
        slack_tick_s=scenario.slack_tick_s,
        deadline_guard=scenario.deadline_guard,
        guard_margin_s=scenario.guard_margin_s,
        guard_counts_saves=scenario.guard_counts_saves,
        notice_s=scenario.notice_s,
        idle_timeout_s=scenario.idle_timeout_s,
        billing_minimum_s=billing.minimum_s,
        billing_increment_s=billing.billing_increment_s,
        free_first_hour=billing.free_first_hour,
        full_fraction=checkpoint.full_fraction,
        partial_fraction=checkpoint.partial_fraction,
        saves_at_notice=checkpoint.at_notice,
        store_bandwidth_gbps=checkpoint.store_bandwidth_gbps,
        checkpoint_interval_s=INF if interval_h is None else interval_h * 3_600.0,
        checkpoint_cost_s=checkpoint.cost_s,
        missed_weight=penalty.missed_weight,
        downtime_weight=penalty.downtime_weight,
    )


def drawn_task(record) -> Task:
    """A task as the engine drew it."""
    return Task(
        arrival_s=float(record.arrival_s),
        work_s=float(record.work_s),
        deadline_s=float(record.deadline_s),
        memory_mb=float(record.gpu_memory_mb),
        state_base_mb=float(record.state_base_mb),
        state_growth_mb_per_s=float(record.state_growth_mb_per_s),
        state_cap_mb=float(record.state_cap_mb),
        interactive=bool(record.interactive),
    )
