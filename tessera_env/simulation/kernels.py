"""The compiled entry points: run rows of environments, and describe the migrations that they stop for."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from tessera_env.engine.advance import advance
from tessera_env.engine.decisions import decide
from tessera_env.engine.episode import clear_episode, draw_world, open_episode
from tessera_env.engine.kinds import Stop
from tessera_env.engine.migration import assign_all, collect_instances, collect_tasks, seconds_until_running
from tessera_env.engine.reward import step_reward
from tessera_env.jit.compiled import compiled
from tessera_env.jit.kernel import Kernel
from tessera_env.observation.queue import write_queue
from tessera_env.observation.writing import write_observation
from tessera_env.policies.rules.choice import choose


class Views(NamedTuple):
    """What a step returns, for N environments."""

    observations: np.ndarray  # (N, K) float32
    rewards: np.ndarray  # (N,) float64
    elapsed_h: np.ndarray  # (N,) float64, since the decision before
    terminated: np.ndarray  # (N,) bool


class Command(IntEnum):
    """What a call of `run_rows` does with a row."""

    SKIP = 0
    START = 1  # a new episode, up to its first decision
    STEP = 2  # the row's action, and on to its next decision
    RESUME = 3  # go on after the tables have grown
    ASSIGN = 4  # carry out an assignment of displaced tasks, and go on
    PLAY = 5  # one decision after another by a rule, up to a number of them


class Orders(NamedTuple):
    """What a call of `run_rows` is to do, for N environments."""

    commands: np.ndarray  # (N,) int64, Command
    actions: np.ndarray  # (N,) int64; read by STEP
    task_ids: np.ndarray  # (n,) int64; read by ASSIGN: task k goes to instance k, or to none
    instance_ids: np.ndarray  # (n,) int64
    rule: np.recarray  # (1,) RULE; read by PLAY
    budget: np.ndarray  # (1,) int64; read by PLAY: the most decisions of a row


def _run_rows(params, state, views, orders, first: int, last: int) -> int:
    """Carry out the orders of rows `first` to `last`; returns how many of them must be resumed.

    One entry point for all commands, because each entry point that reaches the engine costs its own compilation.
    """
    stopped = 0
    for env in range(first, last):
        command, episode = orders.commands[env], state.episodes[env]
        if command == Command.SKIP:
            continue
        for _ in range(orders.budget[0] if command == Command.PLAY else 1):
            begin(params, state, views, orders, env)
            advance(params, state, env)
            if episode.status == Stop.MIGRATION or episode.status == Stop.GROW:
                stopped += 1
                break
            finish_step(params, state, views, env)
            if episode.status == Stop.DONE:
                break
    return stopped


@compiled
def begin(params, state, views, orders, env: int) -> None:
    """What the row's command does before time passes."""
    command, episode = orders.commands[env], state.episodes[env]
    if command == Command.START:
        clear_episode(state, env)
        draw_world(params, state, env)
        open_episode(params, state, env)
    elif command == Command.STEP:
        episode.step_started_s = episode.now_s
        decide(params, state, env, orders.actions[env])
    elif command == Command.PLAY:
        episode.step_started_s = episode.now_s
        decide(params, state, env, choose(orders.rule[0], views.observations, state.masks, env))
    elif command == Command.ASSIGN:
        assign_all(params, state, env, orders.task_ids, orders.instance_ids)


def _describe_migration(params, state, env: int, on_demand: int, task_ids, instance_ids, costs, counts) -> None:
    """Write one purchase's displaced tasks by id, its free instances by launch, and the seconds between each pair.

    `costs` is filled row by row, one row a task: the seconds until it would run there, infinite where it does not fit.
    """
    tasks = collect_tasks(state, env, on_demand, task_ids)
    instances = collect_instances(state, env, on_demand, instance_ids)
    counts[0], counts[1] = tasks, instances
    if tasks * instances > costs.shape[0]:
        return  # the caller makes room and asks again
    for i in range(tasks):
        for j in range(instances):
            costs[i * instances + j] = seconds_until_running(params, state, env, task_ids[i], instance_ids[j])


def _write_queues(params, state, rows, out, counts) -> None:
    """Write the queue of each of these rows, (n,), into `out` (n, tasks), and how many tasks are in it."""
    for k in range(rows.shape[0]):
        counts[k] = write_queue(params, state, rows[k], out, k)


@compiled
def finish_step(params, state, views, env: int) -> None:
    """Write what the step returns: the row is at a decision, or at its end."""
    episode = state.episodes[env]
    if episode.status == Stop.DONE:
        close_mask(state, env)
    write_observation(params, state, env, views.observations)
    views.rewards[env] = step_reward(params, state, env)
    views.elapsed_h[env] = (episode.now_s - episode.step_started_s) / 3600.0
    views.terminated[env] = episode.status == Stop.DONE


@compiled
def close_mask(state, env: int) -> None:
    """Nobody is asked any more."""
    episode = state.episodes[env]
    episode.focal = max(episode.focal, 0)
    state.masks[env, 0] = True
    for action in range(1, state.masks.shape[1]):
        state.masks[env, action] = False


run_rows = Kernel(_run_rows)
describe_migration = Kernel(_describe_migration)
write_queues = Kernel(_write_queues)
