"""The observation of a row: one flat float32 vector, written field by field.

What the fields are stands in `tessera_env.observation.layout`. Values are dimensionless, finite and bounded. A field on
whose sign or zero a rule turns is computed in float64 and cast last.
"""

import math

from tessera_env.engine.billing import move_cursor
from tessera_env.engine.deadlines import latest_fallback_s, slack_now_s, whole_ticks_slack_s, work_left_now_s
from tessera_env.engine.instances import launch_room
from tessera_env.engine.kinds import AskReason, TaskStatus
from tessera_env.engine.pool_history import averages_after
from tessera_env.engine.work import changeover_s, run_time_s, saved_at, state_mb
from tessera_env.jit.compiled import compiled
from tessera_env.observation.fields import FIELD_COUNT, INTERRUPTIONS_SHOWN, POOL_FIELD_COUNT, Field, PoolField
from tessera_env.observation.rivals import write_rivals
from tessera_env.observation.services import write_services
from tessera_env.observation.squash import squash
from tessera_env.world.market.timeline import price_integral_at
from tessera_env.world.parameters import NONE

_DAY_S = 86400.0
_SPELL_PRIOR_S = 4.0 * 3600.0


@compiled
def write_observation(params, state, env: int, out) -> None:
    """Write the observation of the row's focal task into `out[env]`: what tasks see, then what services see."""
    first = 0
    if params.config[0].task_count > 0:
        first = FIELD_COUNT + params.pools.shape[0] * POOL_FIELD_COUNT
        write_tasks(params, state, env, out, first)
    if params.services.shape[0] > 0:
        write_services(params, state, env, first, out)


@compiled
def write_tasks(params, state, env: int, out, size: int) -> None:
    """Write the group of tasks, of this size; zeros where a service's seat is asked."""
    if state.tasks[env, state.episodes[env].focal].service != NONE:
        for k in range(size):
            out[env, k] = 0.0
        return
    write_clock(params, state, env, out)
    write_task(params, state, env, out)
    write_deadline(params, state, env, out)
    write_fleet(params, state, env, out)
    write_rivals(params, state, env, out)
    task = state.tasks[env, state.episodes[env].focal]
    here = task.placement if task.status == TaskStatus.PLACED else 0
    left_s = work_left_now_s(params.config[0], task, state.episodes[env].now_s)
    megabytes = state_mb(task, task.work_s - left_s)
    slack_s = slack_now_s(params.config[0], task, state.episodes[env].now_s)
    for pool_id in range(params.pools.shape[0]):
        base = FIELD_COUNT + pool_id * POOL_FIELD_COUNT
        write_pool(params, state, env, pool_id, base, here, task.gpu_memory_mb, megabytes, out)
        write_pool_history(params, state, env, pool_id, base, out)
        out[env, base + PoolField.SLACK_PER_SPELL] = slack_per_spell(state, env, pool_id, slack_s)


@compiled
def write_clock(params, state, env: int, out) -> None:
    """The clock, and why the task is asked."""
    episode = state.episodes[env]
    share = episode.now_s / params.config[0].horizon_s
    angle = 2.0 * math.pi * episode.now_s / _DAY_S
    out[env, Field.TIME] = share
    out[env, Field.TIME_LEFT] = 1.0 - share
    out[env, Field.DAY_SIN] = math.sin(angle)
    out[env, Field.DAY_COS] = math.cos(angle)
    out[env, Field.EVENT_ARRIVAL] = 1.0 if episode.reason == AskReason.ARRIVAL else 0.0
    out[env, Field.EVENT_INTERRUPTION] = 1.0 if episode.reason == AskReason.INTERRUPTION else 0.0
    out[env, Field.EVENT_RETRY] = 1.0 if episode.reason == AskReason.RETRY else 0.0
    out[env, Field.EVENT_RECONSIDER] = 1.0 if episode.reason == AskReason.RECONSIDER else 0.0


@compiled
def write_task(params, state, env: int, out) -> None:
    """The focal task, but for its deadline."""
    config, episode = params.config[0], state.episodes[env]
    task = state.tasks[env, episode.focal]
    now_s, pool_count = episode.now_s, params.pools.shape[0]
    left_s = work_left_now_s(config, task, now_s)
    placed = task.status == TaskStatus.PLACED
    unsaved_s = max(0.0, task.work_s - left_s - saved_at(config, task, now_s)) if placed else 0.0
    out[env, Field.INTERACTIVE] = task.interactive
    out[env, Field.WORK_LEFT] = left_s / task.work_s
    out[env, Field.WORK_LEFT_H] = squash(left_s, 24.0 * 3600.0)
    out[env, Field.MEMORY] = task.gpu_memory_mb / params.config[0].largest_memory_mb
    out[env, Field.STATE] = squash(state_mb(task, task.work_s - left_s), 8000.0)
    out[env, Field.ON_NOTHING] = 0.0 if placed else 1.0
    out[env, Field.ON_SPOT] = 1.0 if placed and task.placement <= pool_count else 0.0
    out[env, Field.ON_ON_DEMAND] = 1.0 if placed and task.placement > pool_count else 0.0
    starting = placed or task.status == TaskStatus.DISPLACED
    out[env, Field.CHANGEOVER_LEFT] = squash(max(0.0, task.ready_s - now_s), 360.0) if starting else 0.0
    out[env, Field.RUNNING_H] = squash(max(0.0, now_s - task.ready_s), 4.0 * 3600.0) if placed else 0.0
    out[env, Field.UNSAVED] = unsaved_s / task.work_s
    out[env, Field.INTERRUPTIONS] = min(task.interruptions, INTERRUPTIONS_SHOWN) / INTERRUPTIONS_SHOWN
    out[env, Field.LAUNCH_FAILED] = task.launch_failed
    end_slack_s = config.horizon_s - task.fallback_changeover_s - now_s - run_time_s(config, left_s)
    out[env, Field.END_SLACK] = squash(end_slack_s, 6.0 * 3600.0)
    out[env, Field.AGE] = squash(now_s - task.arrival_s, _DAY_S)


@compiled
def slack_per_spell(state, env: int, pool_id: int, slack_s: float) -> float:
    """The focal task's slack against what it would lose if it took each up-spell of the pool to come."""
    episode, pool = state.episodes[env], state.pools[env, pool_id]
    task = state.tasks[env, episode.focal]
    if task.deadline_s == math.inf:
        return 1.0
    per_s = (pool.up_spells + 1.0) / (episode.now_s + _SPELL_PRIOR_S)
    spells = max(task.deadline_s - episode.now_s, 0.0) * per_s
    lost_s = 2.0 * task.fallback_changeover_s * max(spells, 1.0)
    return squash(slack_s, 2.0 * lost_s + 1.0)


@compiled
def write_deadline(params, state, env: int, out) -> None:
    """How the focal task stands against its deadline."""
    config, episode = params.config[0], state.episodes[env]
    task = state.tasks[env, episode.focal]
    if task.deadline_s == math.inf:
        for field in range(Field.SLACK, Field.AHEAD_AFTER_CHANGEOVER + 1):
            out[env, field] = 1.0
        out[env, Field.HAS_DEADLINE] = 0.0
        return
    now_s = episode.now_s
    left_s = work_left_now_s(config, task, now_s)
    run_s = run_time_s(config, left_s)
    changeover = task.fallback_changeover_s
    fallback_s = latest_fallback_s(config, task)
    slack_s = slack_now_s(config, task, now_s)
    reserve_s = whole_ticks_slack_s(config, fallback_s - now_s + changeover, run_s + 2.0 * changeover)
    window_s = task.deadline_s - task.arrival_s
    done_s = task.work_s - left_s
    due_s = (now_s - task.arrival_s) * task.work_s / window_s
    due_later_s = (now_s - task.arrival_s + 2.0 * changeover) * task.work_s / window_s
    out[env, Field.HAS_DEADLINE] = 1.0
    out[env, Field.SLACK] = squash(slack_s, 6.0 * 3600.0)
    out[env, Field.SLACK_PER_WORK] = squash(slack_s, left_s + 1.0)
    out[env, Field.SLACK_PER_CHANGEOVER] = squash(slack_s, 20.0 * changeover + 1.0)
    out[env, Field.WAIT_SLACK] = squash(slack_s - config.decision_interval_s, 6.0 * 3600.0)
    out[env, Field.RESERVE_SLACK] = squash(reserve_s - config.decision_interval_s, 6.0 * 3600.0)
    out[env, Field.DEADLINE_LEFT] = max(0.0, (task.deadline_s - now_s) / window_s)
    out[env, Field.AHEAD] = max(-1.0, (done_s - due_s) / task.work_s)
    out[env, Field.AHEAD_AFTER_CHANGEOVER] = max(-1.0, (done_s - due_later_s) / task.work_s)


@compiled
def write_fleet(params, state, env: int, out) -> None:
    """What else there is."""
    episode, pool_count = state.episodes[env], params.pools.shape[0]
    idle = placed_spot = placed_on_demand = 0
    for pool_id in range(pool_count):
        spot, on_demand = state.offers[env, pool_id], state.offers[env, pool_count + pool_id]
        idle += spot.idle + on_demand.idle
        placed_spot += spot.placed
        placed_on_demand += on_demand.placed
    task_count = params.config[0].task_count  # the world's own number is not known yet
    out[env, Field.WAITING] = squash(float(episode.waiting), 8.0)
    out[env, Field.PLACED_SPOT] = squash(float(placed_spot), 8.0)
    out[env, Field.PLACED_ON_DEMAND] = squash(float(placed_on_demand), 8.0)
    out[env, Field.IDLE] = squash(float(idle), 8.0)
    out[env, Field.DISPLACED] = squash(float(episode.displaced + episode.requested), 8.0)
    out[env, Field.ARRIVALS_LEFT] = (task_count - episode.next_arrival) / task_count
    out[env, Field.DONE] = episode.done / task_count


@compiled
def write_pool(
    params, state, env: int, pool_id: int, base: int, here: int, memory_mb: float, state_size_mb: float, out
) -> None:
    """What a pool offers the focal task now, which is at the placement `here`, needs this memory and has this state."""
    config, spec, pool = params.config[0], params.pools[pool_id], state.pools[env, pool_id]
    room = max(launch_room(state, env, pool_id), 0)
    point = state.market[env, pool_id, move_cursor(state, env, pool_id)]
    on_demand_id = params.pools.shape[0] + pool_id
    spot, on_demand = state.offers[env, pool_id], state.offers[env, on_demand_id]
    changeover = squash(changeover_s(config, spec, pool, state_size_mb), 360.0)
    out[env, base + PoolField.AVAILABLE] = 1.0 if room + spot.idle - spot.claimed > 0 else 0.0
    out[env, base + PoolField.ROOM] = min(room, 16) / 16.0
    out[env, base + PoolField.SPOT_PRICE] = min(point.spot_price / config.dearest_on_demand, 1.0)
    out[env, base + PoolField.ON_DEMAND_PRICE] = spec.on_demand_price / config.dearest_on_demand
    out[env, base + PoolField.SPOT_CHANGEOVER] = changeover
    out[env, base + PoolField.ON_DEMAND_CHANGEOVER] = changeover
    out[env, base + PoolField.BANDWIDTH] = squash(spec.bandwidth_gbps, 10.0)
    out[env, base + PoolField.FITS] = 1.0 if memory_mb <= spec.gpu_memory_mb else 0.0
    out[env, base + PoolField.HERE_SPOT] = 1.0 if here == 1 + pool_id else 0.0
    out[env, base + PoolField.HERE_ON_DEMAND] = 1.0 if here == 1 + on_demand_id else 0.0
    out[env, base + PoolField.HELD] = squash(float(pool.held), 8.0)
    out[env, base + PoolField.IDLE_SPOT] = squash(float(spot.idle), 8.0)
    out[env, base + PoolField.IDLE_ON_DEMAND] = squash(float(on_demand.idle), 8.0)


@compiled
def write_pool_history(params, state, env: int, pool_id: int, base: int, out) -> None:
    """What a pool's past says."""
    config, pool = params.config[0], state.pools[env, pool_id]
    now_s = state.episodes[env].now_s
    point = state.market[env, pool_id, pool.cursor]
    up = 1.0 if state.market[env, pool_id, pool.capacity_point].capacity > 0 else 0.0
    elapsed_s = now_s - pool.changed_s
    a1, a4, a12 = averages_after(pool.available_1h, pool.available_4h, pool.available_12h, up, elapsed_s)
    up_s = pool.up_s + up * elapsed_s
    down_s = pool.changed_s - pool.up_s  # of ended spells
    average = point.spot_price
    if now_s > 0.0:
        average = price_integral_at(state.market, env, pool_id, pool.cursor, now_s) * 3600.0 / now_s
    out[env, base + PoolField.PRICE_AVERAGE] = min(average / config.dearest_on_demand, 1.0)
    out[env, base + PoolField.AVAILABLE_1H] = a1
    out[env, base + PoolField.AVAILABLE_4H] = a4
    out[env, base + PoolField.AVAILABLE_12H] = a12
    out[env, base + PoolField.AVAILABLE_EPISODE] = up_s / now_s if now_s > 0.0 else up
    out[env, base + PoolField.SINCE_CHANGE] = squash(elapsed_s, 7200.0)
    out[env, base + PoolField.MEAN_UP] = squash(pool.up_s, 7200.0 * pool.up_spells) if pool.up_spells else 0.0
    out[env, base + PoolField.MEAN_DOWN] = squash(down_s, 7200.0 * pool.down_spells) if pool.down_spells else 0.0
    out[env, base + PoolField.UP_SPELLS] = squash(float(pool.up_spells), 8.0)
    ended_s = pool.up_s if pool.up_spells else 1.0
    out[env, base + PoolField.REST_UP] = squash(pool.up_square_s2 / (2.0 * ended_s), 7200.0)
    out[env, base + PoolField.INTERRUPTIONS_SEEN] = squash(float(pool.interruptions), 8.0)
