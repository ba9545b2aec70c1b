"""The view of the queue: what it shows of the tasks that are there, and that it shows nothing else."""

from dataclasses import fields

import numpy as np
import pytest

from tessera_env.engine.kinds import TaskStatus
from tessera_env.env import TesseraEnv
from tessera_env.evaluation.playing import play
from tessera_env.observation.queue import Queue
from tessera_env.policies.protocol import QueuePolicy
from tessera_env.policies.rules.greedy import Greedy
from tessera_env.vector_env import TesseraVectorEnv


def started(preset: str = "fleet", steps: int = 60) -> TesseraEnv:
    """An environment that greedy has played for so many decisions."""
    env = TesseraEnv(preset)
    policy = Greedy(env.layout)
    observation, _ = env.reset(seed=4242)
    for _ in range(steps):
        actions, _ = policy.predict(observation[None], action_masks=env.action_masks()[None])
        observation, *_ = env.step(int(actions[0]))
    return env


def same(one: Queue, other: Queue) -> bool:
    return all(np.array_equal(getattr(one, name.name), getattr(other, name.name)) for name in fields(Queue))


@pytest.mark.parametrize("preset", ["fleet", "fleet-mixed", "classic"])
def test_it_shows_the_tasks_that_are_there(preset: str) -> None:
    env = started(preset)
    queue, episode = env.queue(), env.simulation.episode(0)
    there = ~np.isin(episode.tasks["status"], (TaskStatus.FUTURE, TaskStatus.DONE))
    assert queue.tasks.number.tolist() == np.flatnonzero(there).tolist()
    known, known_now = episode.tasks[there], episode.now_s / 3600.0
    assert queue.now_h == known_now and queue.horizon_h == 48.0
    assert queue.tasks.work_h == pytest.approx(known["work_s"] / 3600.0)
    assert queue.tasks.deadline_h == pytest.approx(known["deadline_s"] / 3600.0)
    assert (queue.tasks.interactive == known["interactive"]).all()
    assert (queue.tasks.placement == known["placement"]).all()
    assert (queue.tasks.work_left_h > 0.0).all() and (queue.tasks.work_left_h <= queue.tasks.work_h).all()
    assert (queue.tasks.unsaved_h <= queue.tasks.work_h - queue.tasks.work_left_h + 1e-12).all()


def test_the_focal_task_is_that_of_the_observation() -> None:
    env = started(steps=80)
    queue, observation = env.queue(), env.simulation.views.observations[0]
    task = queue.tasks[queue.focal]
    assert queue.focal >= 0
    assert env.layout.read(observation, "work_left") == pytest.approx(task.work_left_h / task.work_h)
    slack = env.layout.read(observation, "slack")
    assert slack == pytest.approx(task.slack_h / (abs(task.slack_h) + 6.0) if np.isfinite(task.slack_h) else 1.0)
    assert env.layout.read(observation, "unsaved") == pytest.approx(task.unsaved_h / task.work_h)
    assert env.layout.read(observation, "state") == pytest.approx(task.state_mb / (task.state_mb + 8000.0))


def test_two_worlds_that_differ_later_look_the_same() -> None:
    """Whatever is changed of what has not happened yet, the view is the same."""
    env = started()
    before, state = env.queue(), env.simulation.state
    upcoming = int(state.episodes[0].next_arrival)
    assert 0 < upcoming < len(state.tasks[0])
    later = state.tasks[0, upcoming:]
    later.work_s *= 3.0
    later.arrival_s += 1800.0
    later.deadline_s += 7200.0
    later.gpu_memory_mb[:] = 1.0
    for pool_id, pool in enumerate(state.pools[0]):
        points = state.market[0, pool_id, pool.cursor + 1 :]
        points.capacity[:] = 0
        points.spot_price[:] = 9.0
    state.instances[0].end_s[:] = 1e9
    assert same(before, env.queue())


def test_it_is_a_copy() -> None:
    env = started()
    first = env.queue()
    first.tasks.work_left_h[:] = -1.0
    first.pools.gpu_memory_mb[:] = -1.0
    second = env.queue()
    assert (second.tasks.work_left_h > 0.0).all() and (second.pools.gpu_memory_mb > 0.0).all()


def test_looking_changes_nothing() -> None:
    one, other = started(), started()
    for _ in range(3):
        one.queue()
        assert np.array_equal(one.step(1)[0], other.step(1)[0])


def test_rows_of_the_vector_environment() -> None:
    envs = TesseraVectorEnv(3, "fleet")
    with pytest.raises(RuntimeError, match="call reset before queues"):
        envs.queues()
    envs.reset(seed=4242)
    for _ in range(20):
        envs.step(np.zeros(3, dtype=np.int64))
    third = TesseraEnv("fleet")
    with pytest.raises(RuntimeError, match="call reset before queue"):
        third.queue()
    third.reset(seed=4244)
    for _ in range(20):
        third.step(0)
    every = envs.queues()
    assert len(every) == 3 and same(every[2], third.queue()) and same(every[2], envs.queues([2])[0])
    with pytest.raises(ValueError, match=r"rows: \[3\] \(allowed: some of 0 to 2\)"):
        envs.queues([3])


def test_at_the_end_nobody_is_asked() -> None:
    env = TesseraEnv("fleet", overrides={"task.count": 1})
    env.reset(seed=4242)
    while not env.step(1 + 9)[2]:
        pass
    assert env.queue().focal == -1 and len(env.queue().tasks) == 0


class Looking(Greedy):
    """Greedy, which only counts how often it is shown queues."""

    def see(self, queues: list[Queue]) -> None:
        self.shown = [*getattr(self, "shown", []), len(queues)]


def test_who_plays_a_policy_shows_it_the_queues_before_each_answer() -> None:
    envs = TesseraVectorEnv(2, "fleet", overrides={"task.count": 2}, autoreset_mode="Disabled")
    policy = Looking(envs.layout)
    assert isinstance(policy, QueuePolicy)
    played = play(envs, policy, 2, 4242, lambda _: None)
    assert len(policy.shown) >= played["decisions"].max() and set(policy.shown) == {2}
