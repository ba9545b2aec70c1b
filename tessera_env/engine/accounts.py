"""What each task pays: every billed second of an instance is charged to one task, its last user."""

from enum import IntEnum

from tessera_env.engine.kinds import TaskStatus
from tessera_env.engine.prices import dollars_until
from tessera_env.jit.compiled import compiled
from tessera_env.world.parameters import NONE

_ROUNDING_S = 1e-6


class Use(IntEnum):
    """What a task pays an instance for."""

    SETUP = 0  # its work does not run yet
    RUNNING = 1
    IDLE = 2  # it has left


@compiled
def charge(state, env: int, instance_id: int, use: int, until_s: float, integral: float) -> None:
    """Charge the payer for the instance up to a time, at which its offer's price integral has this value."""
    instance = state.instances[env, instance_id]
    dollars, seconds = integral - instance.charged_integral, until_s - instance.charged_s
    instance.charged_integral = integral
    instance.charged_s = until_s
    enter(state, env, instance_id, use, dollars, seconds)


@compiled
def enter(state, env: int, instance_id: int, use: int, dollars: float, seconds: float) -> None:
    """Add dollars and billed seconds to the payer's account."""
    instance = state.instances[env, instance_id]
    task = state.tasks[env, instance.payer]
    if use == Use.SETUP:
        task.setup_usd += dollars
    elif use == Use.RUNNING:
        task.running_usd += dollars
    else:
        task.idle_usd += dollars
    if instance.on_demand:
        task.on_demand_s += seconds
    else:
        task.spot_s += seconds


@compiled
def charge_until_now(params, state, env: int, instance_id: int, use: int) -> None:
    """Charge the payer, if the instance is billed and has one."""
    instance, now_s = state.instances[env, instance_id], state.episodes[env].now_s
    if instance.billing and instance.payer != NONE:
        charge(state, env, instance_id, use, now_s, dollars_until(params, state, env, instance.offer, now_s))


@compiled
def charge_stay(params, state, env: int, instance_id: int, ready_s: float) -> None:
    """A task leaves now: charge it for its set-up, up to `ready_s`, and for its work."""
    instance = state.instances[env, instance_id]
    if not instance.billing:
        return
    if state.episodes[env].now_s <= ready_s:
        charge_until_now(params, state, env, instance_id, Use.SETUP)
        return
    charge(state, env, instance_id, Use.SETUP, ready_s, instance.ready_integral)
    charge_until_now(params, state, env, instance_id, Use.RUNNING)


@compiled
def change_payer(params, state, env: int, instance_id: int, task_id: int) -> None:
    """From now on the task pays; who paid until now is charged for the time without it."""
    charge_until_now(params, state, env, instance_id, Use.IDLE)
    state.instances[env, instance_id].payer = task_id


@compiled
def charge_rest(state, env: int, instance_id: int, dollars: float, seconds: float) -> None:
    """The instance has ended with this bill: charge the payer for what nobody was charged for yet."""
    instance = state.instances[env, instance_id]
    rest_s = seconds - (instance.charged_s - instance.billing_start_s)
    is_refunded = dollars == 0.0
    if instance.payer != NONE and (rest_s > _ROUNDING_S or is_refunded):
        rest_usd = dollars - (instance.charged_integral - instance.start_integral)
        enter(state, env, instance_id, Use.IDLE, rest_usd, rest_s)


@compiled
def penalise(state, env: int, task_id: int, share: float) -> None:
    """Charge a task with a penalty, as a share of what all work costs on on-demand."""
    episode = state.episodes[env]
    episode.penalty += share
    state.tasks[env, task_id].penalty_usd += share * episode.scale_usd


@compiled
def owed_usd(params, state, env: int, task_id: int) -> float:
    """Dollars and penalties of a task up to now: charged, and what runs up on its instances or by its downtime."""
    task, now_s = state.tasks[env, task_id], state.episodes[env].now_s
    dollars = task.setup_usd + task.running_usd + task.idle_usd + task.penalty_usd
    dollars += accrued_usd(params, state, env, task_id, task.instance)
    dollars += accrued_usd(params, state, env, task_id, task.next_instance)
    waits = TaskStatus.WAITING <= task.status < TaskStatus.DONE and task.instance == NONE
    if task.interactive and waits:
        hours = (now_s - task.down_since_s) / 3600.0
        dollars += params.config[0].downtime_weight * hours * task.on_demand_price
    return dollars


@compiled
def accrued_usd(params, state, env: int, task_id: int, instance_id: int) -> float:
    """What an instance costs the task that has not been charged yet; NONE: no instance."""
    if instance_id == NONE:
        return 0.0
    instance, now_s = state.instances[env, instance_id], state.episodes[env].now_s
    if not instance.billing or instance.payer != task_id:
        return 0.0
    return dollars_until(params, state, env, instance.offer, now_s) - instance.charged_integral
