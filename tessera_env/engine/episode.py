"""Open an episode (draw a row's world, put its first events on the heap) and close it."""

import numpy as np

from tessera_env.engine.accounts import Use, charge_until_now, penalise
from tessera_env.engine.deadlines import find_fallback, note_latest
from tessera_env.engine.event_queue import push
from tessera_env.engine.handlers import schedule_arrival, schedule_market
from tessera_env.engine.instances import end_instance
from tessera_env.engine.kinds import EventKind, InstanceStatus, TaskStatus
from tessera_env.engine.linked_lists import clear_lists
from tessera_env.engine.pool_history import start_history
from tessera_env.engine.rounds import REGULAR, look_kind
from tessera_env.engine.seats import open_seat
from tessera_env.engine.services import account_all, set_demand, target_s
from tessera_env.engine.state import (
    BLANK_EPISODE,
    BLANK_OFFER,
    BLANK_POOL,
    BLANK_SERVICE,
    BLANK_SERVICE_POOL,
    BLANK_TASK,
)
from tessera_env.engine.tasks import count_down, leave_instance, miss_deadline
from tessera_env.engine.work import progress_at
from tessera_env.jit.compiled import compiled, compiled_allocating
from tessera_env.world.demand.build import draw_demand
from tessera_env.world.market.build import draw_market
from tessera_env.world.parameters import NONE
from tessera_env.world.workload.generators import draw_tasks


@compiled
def clear_episode(state, env: int) -> None:
    """Nothing is left of the row's episode before: no task has arrived, nobody has bought anything."""
    state.episodes[env] = BLANK_EPISODE[0]
    for task_id in range(state.tasks.shape[1]):
        state.tasks[env, task_id] = BLANK_TASK[0]
    for pool_id in range(state.pools.shape[1]):
        state.pools[env, pool_id] = BLANK_POOL[0]
    for offer_id in range(state.offers.shape[1]):
        offer, on_demand = state.offers[env, offer_id], offer_id // state.pools.shape[1]
        state.offers[env, offer_id] = BLANK_OFFER[0]
        offer.pool = offer_id - on_demand * state.pools.shape[1]
        offer.on_demand = on_demand
    for service_id in range(state.services.shape[1]):
        state.services[env, service_id] = BLANK_SERVICE[0]
        for pool_id in range(state.pools.shape[1]):
            state.service_pools[env, service_id, pool_id] = BLANK_SERVICE_POOL[0]
    clear_lists(state, env)


@compiled
def draw_world(params, state, env: int) -> None:
    """Draw the world that `state.worlds[env]` addresses: the market and the tasks."""
    draw_market(params, state.worlds[env], state.pools, state.market, env)
    config = params.config[0]
    if config.task_count > 0:
        state.episodes[env].task_count = draw_tasks(params, state.worlds[env], state.tasks, env)
    for service_id in range(params.services.shape[0]):
        service, world = state.services[env, service_id], state.worlds[env]
        service.demand_count = draw_demand(
            params.demands, params.demand_points, world, service_id, config.horizon_s, state.demand, env
        )


@compiled
def open_episode(params, state, env: int) -> None:
    """Nothing has happened yet in the row's world; schedule its first events."""
    measure_work(params, state, env)
    state.episodes[env].potential = -1.0
    for pool_id in range(params.pools.shape[0]):
        pool = state.pools[env, pool_id]
        start_history(pool, state.market[env, pool_id, 0].capacity > 0)
        schedule_market(state, env, pool_id)
    push(state, env, params.config[0].horizon_s, EventKind.HORIZON, 0, 0, 0)
    schedule_arrival(state, env)
    for service_id in range(params.services.shape[0]):
        open_service(params, state, env, service_id)


@compiled
def open_service(params, state, env: int, service_id: int) -> None:
    """The service's seats are empty, its first demand holds, and it looks at once."""
    spec = params.services[service_id]
    for seat_id in range(spec.first_seat, spec.first_seat + spec.seat_count):
        open_seat(params, state, env, service_id, seat_id)
    state.services[env, service_id].event_look_s = 0.0  # no look besides the first one
    set_demand(params, state, env, service_id, 0)
    push(state, env, 0.0, look_kind(spec), service_id, service_id, REGULAR)
    if spec.score_from_s > 0.0:
        push(state, env, spec.score_from_s, EventKind.SCORE, service_id, service_id, 0)


@compiled
def measure_work(params, state, env: int) -> None:
    """All work, and what it would cost on on-demand: the unit of the reward."""
    episode = state.episodes[env]
    for task_id in range(episode.task_count):
        task = state.tasks[env, task_id]
        find_fallback(params, state, env, task)
        note_latest(params.config[0], task)
        episode.total_work_s += task.work_s
        episode.scale_usd += task.work_s * task.on_demand_price / 3600.0
    for service_id in range(params.services.shape[0]):
        seconds = target_s(state, env, service_id, params.config[0].horizon_s)
        episode.scale_usd += seconds * params.services[service_id].on_demand_price / 3600.0
    if params.services.shape[0] > 0 and episode.scale_usd <= 0.0:  # no demand came: a replica's cost is the unit
        episode.scale_usd = params.config[0].horizon_s * params.services[0].on_demand_price / 3600.0


@compiled
def finish_episode(params, state, env: int) -> None:
    """All tasks are done, or the horizon is reached: account what is unfinished, and end every instance."""
    account_all(params, state, env)
    for service_id in range(params.services.shape[0]):
        leave_seats(params, state, env, params.services[service_id])
    for task_id in range(state.episodes[env].next_arrival):
        if state.tasks[env, task_id].status != TaskStatus.DONE:
            leave_unfinished(params, state, env, task_id)
    for task_id in range(state.episodes[env].next_arrival, state.episodes[env].task_count):
        count_unfinished(params, state, env, task_id)
    end_all_instances(params, state, env)


@compiled
def leave_seats(params, state, env: int, spec) -> None:
    """The episode ends: no replica is left, and each has paid for what it used."""
    for seat_id in range(spec.first_seat, spec.first_seat + spec.seat_count):
        seat = state.tasks[env, seat_id]
        if seat.instance != NONE:
            leave_instance(params, state, env, seat_id, 0.0, 0.0)
        seat.status = TaskStatus.UNFINISHED
        seat.placement = 0


@compiled
def leave_unfinished(params, state, env: int, task_id: int) -> None:
    """The episode ends before the task is done."""
    config, episode, task = params.config[0], state.episodes[env], state.tasks[env, task_id]
    if task.next_instance != NONE:
        charge_until_now(params, state, env, task.next_instance, Use.SETUP)
    if task.instance != NONE:
        leave_instance(params, state, env, task_id, progress_at(config, task, episode.now_s), 0.0)
    else:
        state.episodes[env].waiting_s += episode.now_s - task.waiting_since_s
        count_down(params, state, env, task_id, episode.now_s)
    task.status = TaskStatus.UNFINISHED
    task.placement = 0
    count_unfinished(params, state, env, task_id)


@compiled
def count_unfinished(params, state, env: int, task_id: int) -> None:
    """A deadline that has come is missed; other unfinished BATCH work is penalised by what is left of it.

    Without the latter, waiting for ever would be the cheapest policy where tasks have no deadline.
    """
    config, episode, task = params.config[0], state.episodes[env], state.tasks[env, task_id]
    if task.deadline_s <= episode.now_s:
        miss_deadline(config, state, env, task_id)
    elif not task.interactive:
        penalise(state, env, task_id, config.missed_weight * (task.work_s - task.progress_s) / episode.total_work_s)


@compiled_allocating
def end_all_instances(params, state, env: int) -> None:
    """End every instance, in the order of their launches."""
    episode = state.episodes[env]
    order = launch_order(state, env)
    for instance_id in order:
        end_instance(params, state, env, instance_id, False)
    episode.event_count = 0


@compiled_allocating
def launch_order(state, env: int):
    """The rows of all living instances, by launch."""
    episode = state.episodes[env]
    ids, launches = np.empty(episode.alive, np.int64), np.empty(episode.alive, np.int64)
    count = 0
    for instance_id in range(episode.slots_used):
        if state.instances[env, instance_id].status != InstanceStatus.FREE:
            ids[count] = instance_id
            launches[count] = state.instances[env, instance_id].launch
            count += 1
    return ids[np.argsort(launches)]  # launches are unique: no ties to break
