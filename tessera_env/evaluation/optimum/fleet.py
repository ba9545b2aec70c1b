"""A lower bound of what a world costs whoever decides in it: many tasks on many pools, by linear programming.

The objective of a world is what is billed plus its penalties in dollars: minus the episode's return times the on-demand
cost of all work. The bound sees prices and capacity in advance and lets tasks be split between instances, stop and go
on at any time; lifetimes of spot instances, failing launches, times at which nobody is asked, and work that gets lost
only cost a policy more. What there is to be had stands in `tessera_env.evaluation.optimum.spot_hours`, what a task must
have in `tessera_env.evaluation.optimum.task_rows`, each with its proof; that the figure is no more than the programme's
least cost is proven by its dual solution (`tessera_env.evaluation.optimum.programme`).
"""

from collections.abc import Callable

import numpy as np

from tessera_env.evaluation.optimum.programme import Programme
from tessera_env.evaluation.optimum.spot_hours import Seller, sellers_of, spot_hours
from tessera_env.evaluation.optimum.task_rows import ON_DEMAND, Market, Rules, add_task, is_open
from tessera_env.evaluation.optimum.worlds import block_of, started, usd_of_worlds
from tessera_env.recordings.traces.series import HOUR_S
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.rows import Simulation
from tessera_env.world.parameters import MB_PER_GBIT, new_table

MOST_TASKS = 1_000
_BINS = (96, 72, 48, 36, 24, 16, 12, 8, 6, 4, 3, 2, 1)  # of the horizon; more make a tighter bound, and take longer
_COLUMNS = 20_000  # what the preset fleet takes in about a second
_MOST_COLUMNS = 400_000


def fleet_bound_usd(
    scenario: Scenario, seed: int, episodes: int, on_done: Callable[[float], None] = lambda worlds: None
) -> np.ndarray:
    """No policy's objective is less in worlds 0 ... episodes - 1 of the seed: dollars, (episodes,).

    Args:
        scenario: of the worlds.
        seed: of the worlds.
        episodes: how many.
        on_done: told after each world that one more is done.

    Raises:
        RuntimeError: the solver gave up on a world.
        ValueError: the scenario has more tasks, or changes of the market, than can be solved in a reasonable time; or
            there are no worlds, or too many.
    """
    check_scenario(scenario)
    return usd_of_worlds(scenario, seed, episodes, bound_usd, on_done)


def check_worlds(scenario: Scenario, seed: int, episodes: int) -> None:
    """Refuse what `fleet_bound_usd` would, in a small part of its time.

    Raises:
        ValueError: one line that names the field.
    """
    check_scenario(scenario)
    simulation = block_of(scenario, episodes)
    for row in started(simulation, seed, episodes):
        _check_world(simulation, row)


def _check_world(simulation: Simulation, row: int) -> None:
    tasks = simulation.state.tasks[row, : simulation.state.episodes[row].task_count]
    # A change is up to four: its own, `notice_s` later, and the ends of a free hour.
    if 4 * len(tasks) * simulation.state.pools.point_count[row].sum() <= _MOST_COLUMNS:
        return
    rules = _rules(simulation, row)
    market = _cut(sellers_of(simulation, row), _on_demand(simulation, row), rules, _BINS[-1], len(tasks))
    _check_columns(len(tasks), _column_count(rules, market, tasks))


def check_scenario(scenario: Scenario) -> None:
    """Refuse what would take too long.

    Raises:
        ValueError: one line that names the field.
    """
    if scenario.task.count > MOST_TASKS:
        raise ValueError(f"no fleet bound: task.count: {scenario.task.count} (allowed: 1 to {MOST_TASKS})")


def bound_usd(simulation: Simulation, row: int) -> float:
    """The bound of the world that the row has just started."""
    rules = _rules(simulation, row)
    tasks = simulation.state.tasks[row, : simulation.state.episodes[row].task_count]
    programme = Programme()
    market = _market(programme, simulation, row, rules)
    for task in tasks:
        add_task(programme, rules, market, task)
    return max(programme.least_usd(), 0.0)


def _rules(simulation: Simulation, row: int) -> Rules:
    config, episode = simulation.params.config[0], simulation.state.episodes[row]
    return Rules(
        horizon_s=float(config.horizon_s),
        works_on=bool(config.make_before_break or config.just_in_time),
        shares=bool(config.idle_timeout_s > 0.0),
        billing_minimum_s=float(config.billing_minimum_s),
        checkpoint_interval_s=float(config.checkpoint_interval_s),
        checkpoint_cost_s=float(config.checkpoint_cost_s),
        undone_usd_per_h=float(config.missed_weight * episode.scale_usd / episode.total_work_s * HOUR_S),
        downtime_weight=float(config.downtime_weight),
    )


def _market(programme: Programme, simulation: Simulation, row: int, rules: Rules) -> Market:
    """The market with as many bins as the tasks' columns allow, and its rows."""
    sellers, on_demand = sellers_of(simulation, row), _on_demand(simulation, row)
    tasks = simulation.state.tasks[row, : simulation.state.episodes[row].task_count]
    for bins in _BINS:
        market = _cut(sellers, on_demand, rules, bins, len(tasks))
        count = _column_count(rules, market, tasks)
        if count <= _COLUMNS:
            break
    _check_columns(len(tasks), count)
    return market._replace(
        spell_rows=programme.rows(market.spells.room_h), cell_rows=programme.rows(market.cells.room_h)
    )


def _column_count(rules: Rules, market: Market, tasks: np.ndarray) -> int:
    return sum(int(is_open(rules, market, task).sum()) for task in tasks)


def _check_columns(tasks: int, count: int) -> None:
    if count > _MOST_COLUMNS:
        raise ValueError(
            f"no fleet bound: task.count: {tasks} tasks with {count} times in spells in which they could work "
            f"(allowed: up to {_MOST_COLUMNS} of these, so fewer tasks, a shorter horizon_h or longer spells)"
        )


def _cut(sellers: list[Seller], on_demand: np.recarray, rules: Rules, bins: int, task_count: int) -> Market:
    edges_s = np.linspace(0.0, rules.horizon_s, bins + 1)
    spells, cells = spot_hours(sellers, edges_s, task_count, rules.billing_minimum_s)
    return Market(spells, cells, edges_s, on_demand, np.empty(0), np.empty(0))


def _on_demand(simulation: Simulation, row: int) -> np.recarray:
    table = new_table(len(simulation.scenario.pools), ON_DEMAND)
    for pool_id, pool in enumerate(simulation.scenario.pools):
        table.usd_per_h[pool_id] = pool.on_demand_usd_per_h
        table.setup_s[pool_id] = simulation.state.pools[row, pool_id].setup_s
        table.provisioning_s[pool_id] = pool.provisioning_s.lowest
        table.mb_per_s[pool_id] = simulation.params.pools[pool_id].bandwidth_gbps
        table.gpu_memory_mb[pool_id] = pool.gpu_memory_mb
    store_gbps = simulation.scenario.checkpoint.store_bandwidth_gbps
    table.mb_per_s = np.minimum(table.mb_per_s, store_gbps) * MB_PER_GBIT
    return table
