"""The vector environment: each row is the single environment, whatever the other rows, the threads or the mode."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit
from gymnasium.wrappers.vector import DictInfoToList

from tessera_env.env import MetricsAtEnd, TesseraEnv
from tessera_env.simulation.planners import UNASSIGNED, KuhnMunkres, NearestFirst
from tessera_env.vector_env import TesseraVectorEnv
from tests.presets import TASK_PRESETS

MODES = list(AutoresetMode)
FEW: dict[str, Any] = {"task.count": 3, "horizon_h": 6}  # an episode of fleet in some 24 decisions
SHORT: dict[str, Any] = {"task.work_h": 1.0, "task.deadline_h": {"uniform": [1.5, 2.5]}}  # of deadline in some 11


def vector_env(rows: int, scenario: str = "fleet", **settings: Any) -> TesseraVectorEnv:
    """Short episodes, but for those with `overrides` of their own."""
    overrides = {"fleet": FEW, "deadline": SHORT}.get(scenario, {})
    return TesseraVectorEnv(rows, scenario, **{"overrides": overrides, **settings})


def any_action(mask: np.ndarray, seed: int, step: int) -> int:
    """An action that depends on nothing but the mask, the row's seed and the step; each tenth one is any number."""
    draw = (seed + 1) * 7_919 + step * 104_729
    if draw % 10 == 0:
        return draw // 10 % (len(mask) + 2) - 1
    allowed = np.flatnonzero(mask)
    return int(allowed[draw % len(allowed)])


def actions_of(env: TesseraVectorEnv, seeds: list[int], step: int) -> np.ndarray:
    return np.array([any_action(mask, seed, step) for mask, seed in zip(env.action_masks(), seeds, strict=True)])


def same(one: Any, other: Any) -> bool:
    """Equal in type and value, bit for bit."""
    return data_equivalence(one, other, exact=True)


def told(infos: dict[str, Any], row: int) -> dict[str, Any]:
    """What the infos say of a row."""
    names = [name for name in infos if name[0] != "_" and infos[f"_{name}"][row]]
    return {name: told(infos[name], row) if isinstance(infos[name], dict) else infos[name][row] for name in names}


def episode_of_single(scenario: str, seed: int, settings: dict[str, Any]) -> list[tuple]:
    """What each step of the single environment returns, and its masks, from the first decision on."""
    env = TesseraEnv(scenario, **settings)
    observation, info = env.reset(seed=seed)
    steps = [(observation.tobytes(), 0.0, False, info["elapsed_h"], info["invalid_actions"])]
    while not steps[-1][2]:
        action = any_action(env.action_masks(), seed, len(steps))
        observation, reward, terminated, _, info = env.step(action)
        steps.append((observation.tobytes(), reward, terminated, info["elapsed_h"], info["invalid_actions"]))
    return [*steps, info["metrics"]]


def episodes_of_rows(env: TesseraVectorEnv, seeds: list[int]) -> list[list[tuple]]:
    """The same for each row of a vector environment that does not reset by itself."""
    observations, infos = env.reset(seed=seeds)
    rewards, over = np.zeros(env.num_envs), np.zeros(env.num_envs, dtype=bool)
    episodes: list[list[tuple]] = [[] for _ in seeds]
    playing = ~over
    step = 0
    while playing.any():
        for row in np.flatnonzero(playing).tolist():
            elapsed_h, invalid = infos["elapsed_h"][row].item(), infos["invalid_actions"][row].item()
            episodes[row].append(
                (observations[row].tobytes(), rewards[row].item(), over[row].item(), elapsed_h, invalid)
            )
        playing &= ~over
        step += 1
        observations, rewards, over, _, infos = env.step(actions_of(env, seeds, step))
    for row, episode in enumerate(episodes):
        episode.append({name: values[0].item() for name, values in env.episode_metrics([row]).items()})
    return episodes


# --- a row is the single environment ---------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", TASK_PRESETS)
def test_row_k_is_the_single_environment_of_seed_s_plus_k(scenario):
    """Whole episodes of the real presets, bit for bit, metrics too."""
    env = TesseraVectorEnv(3, scenario, autoreset_mode=AutoresetMode.DISABLED)
    episodes = episodes_of_rows(env, [21, 22, 23])
    again = TesseraVectorEnv(3, scenario, autoreset_mode=AutoresetMode.DISABLED)
    assert same(again.reset(seed=21), env.reset(seed=[21, 22, 23]))
    for row, episode in enumerate(episodes):
        assert episode == episode_of_single(scenario, 21 + row, {})
    assert len({len(episode) for episode in episodes}) > 1 or scenario.startswith(("deadline", "cant"))


def test_the_single_environment_is_told_from_another_row():
    """The comparison above would see a row that is another one."""
    env = vector_env(2, autoreset_mode=AutoresetMode.DISABLED)
    first, second = episodes_of_rows(env, [4, 5])
    assert first == episode_of_single("fleet", 4, {"overrides": FEW}) != second


@pytest.mark.parametrize("seeds", [[7, 3, 5, 4], [3, 4, 5, 7], [3, 3, 7, 3]])
def test_rows_may_stand_in_any_order(seeds):
    env = vector_env(4, autoreset_mode=AutoresetMode.DISABLED)
    for seed, episode in zip(seeds, episodes_of_rows(env, seeds), strict=True):
        assert episode == episode_of_single("fleet", seed, {"overrides": FEW})


@pytest.mark.parametrize("threads", [2, 3, 8])
@pytest.mark.parametrize("scenario", ["fleet", "classic"])
def test_threads_change_nothing(scenario, threads):
    seeds = list(range(30, 35))
    one, more = (vector_env(5, scenario, threads=n, autoreset_mode=AutoresetMode.DISABLED) for n in (1, threads))
    assert episodes_of_rows(more, seeds) == episodes_of_rows(one, seeds)


def test_one_row_of_512():
    many, one = vector_env(512, threads=2), vector_env(1)
    seeds, row = list(range(100, 612)), 300
    observations, infos = many.reset(seed=100)
    alone, alone_infos = one.reset(seed=400)
    for step in range(1, 90):
        assert same(observations[row], alone[0])
        assert same(told(infos, row), told(alone_infos, 0))
        observations, rewards, terminated, truncated, infos = many.step(actions_of(many, seeds, step))
        alone, *returned, alone_infos = one.step(actions_of(one, [400], step))
        assert [rewards[row], terminated[row], truncated[row]] == [values[0] for values in returned]


# --- gymnasium's own vector environment ------------------------------------------------------------------------------


def sync_env(rows: int, scenario: str, mode: AutoresetMode, limit: int | None, **settings: Any) -> SyncVectorEnv:
    """Gymnasium's vector environment of single environments, with its own step limit."""

    def make() -> gym.Env:
        env = TesseraEnv(scenario, overrides={"fleet": FEW, "deadline": SHORT}[scenario], **settings)
        return env if limit is None else MetricsAtEnd(TimeLimit(env, limit))

    return SyncVectorEnv([make] * rows, autoreset_mode=mode)


def check_equal(one: Any, other: Any, path: str) -> None:
    """Equal key by key, bit for bit; arrays of objects, such as `final_obs`, row by row."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), path
        for name in one:
            check_equal(one[name], other[name], f"{path}.{name}")
    elif isinstance(one, np.ndarray) and one.dtype == object:
        check_equal(dict(enumerate(one)), dict(enumerate(other)), path)
    elif isinstance(one, np.ndarray):
        assert same(one, other), path
    else:
        assert one == other, path


def compared(ours: TesseraVectorEnv, theirs: SyncVectorEnv, seeds: list[int], steps: int) -> list[dict[str, Any]]:
    """The infos of so many steps and of the resets that they need, each compared with Gymnasium's."""
    seen = []

    def compare(one: tuple, other: tuple) -> None:
        for name, mine, its in zip(
            ("observations", "rewards", "ends", "cuts")[: len(one) - 1], one, other, strict=False
        ):
            assert same(mine, its), name
        check_equal(one[-1], other[-1], "infos")
        seen.append(one[-1])

    compare(ours.reset(seed=seeds[0]), theirs.reset(seed=seeds[0]))
    for step in range(1, steps + 1):
        actions = actions_of(ours, seeds, step)
        returned = ours.step(actions)
        compare(returned, theirs.step(actions))
        over = returned[2] | returned[3]
        if ours.autoreset_mode == AutoresetMode.DISABLED and over.any():
            compare(ours.reset(options={"reset_mask": over}), theirs.reset(options={"reset_mask": over}))
    return seen


def ends_in(seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What infos say where episodes end, in whichever mode."""
    return [infos.get("final_info", infos) for infos in seen if "final_info" in infos or "metrics" in infos]


@pytest.mark.parametrize(
    ("scenario", "limit"), [("fleet", None), ("fleet", 5), ("fleet", 24), ("deadline", None), ("deadline", 11)]
)
@pytest.mark.parametrize("mode", MODES)
def test_equal_to_gymnasium_s_vector_environment(mode, scenario, limit):
    """In each autoreset mode, with and without a step limit, over many episodes, infos and their masks too."""
    seeds = [50, 51, 52, 53]
    ours = vector_env(4, scenario, autoreset_mode=mode, max_episode_steps=limit)
    seen = compared(ours, sync_env(4, scenario, mode, limit), seeds, 250)
    lengths = [count for end in ends_in(seen) for count in end["metrics"]["decisions"][end["_metrics"]].tolist()]
    assert len(lengths) > 8
    assert (limit in lengths) == (limit is not None) and max(lengths) <= (limit or 250)
    assert (set(lengths) == {limit}) == (limit == 5)
    assert any(not end["_metrics"].all() for end in ends_in(seen)) == (limit != 5)


@pytest.mark.parametrize("limit", [None, 11])
@pytest.mark.parametrize("mode", MODES)
def test_metrics_of_every_step_are_equal_to_gymnasium_s(mode, limit):
    settings = {"metrics_every_step": True}
    ours = vector_env(3, "deadline", autoreset_mode=mode, max_episode_steps=limit, **settings)
    seen = compared(ours, sync_env(3, "deadline", mode, limit, **settings), [50, 51, 52], 40)
    assert all("metrics" in infos for infos in seen)


@pytest.mark.parametrize("mode", MODES)
def test_infos_can_be_told_apart_by_row(mode):
    """Gymnasium's own wrapper gives each row what the single environment says; it reads the masks."""
    env = DictInfoToList(vector_env(3, "deadline", autoreset_mode=mode))
    single = TesseraEnv("deadline", overrides=SHORT)
    info, infos = single.reset(seed=21)[1], env.reset(seed=20)[1]
    over, step = False, 0
    while not over:
        check_equal(infos[1], info, "infos")
        step += 1
        actions = actions_of(env.unwrapped, [20, 21, 22], step)
        *_, over, _, info = single.step(int(actions[1]))
        infos = env.step(actions)[-1]
    check_equal(infos[1].get("final_info", infos[1]), info, "infos")


# --- the modes -------------------------------------------------------------------------------------------------------

Episode = tuple[list[bytes], list[float], bool]  # observations from first to last, rewards, whether it terminated


def episodes_in(mode: AutoresetMode, count: int, limit: int | None, scenario: str = "deadline") -> list[list[Episode]]:
    """The first `count` episodes of each of three rows."""
    env = vector_env(3, scenario, autoreset_mode=mode, max_episode_steps=limit)
    observations, _ = env.reset(seed=70)
    running: list[Any] = [([observation.tobytes()], [], False) for observation in observations]
    done: list[list[Episode]] = [[], [], []]
    fresh = np.zeros(3, dtype=bool)  # their next step is a reset
    while min(map(len, done)) < count:
        keys = [1_000 * len(done[row]) + len(running[row][1]) for row in range(3)]
        actions = np.array([any_action(mask, 70 + row, keys[row]) for row, mask in enumerate(env.action_masks())])
        observations, rewards, terminated, truncated, infos = env.step(actions)
        over = (terminated | truncated) & ~fresh
        for row in range(3):
            if fresh[row]:
                assert rewards[row] == 0.0 and not terminated[row] and not truncated[row]
                running[row] = ([observations[row].tobytes()], [], False)
                continue
            seen = infos["final_obs"][row] if over[row] and "final_obs" in infos else observations[row]
            running[row][0].append(seen.tobytes())
            running[row][1].append(rewards[row].item())
            if over[row]:
                done[row].append((*running[row][:2], terminated[row].item()))
                running[row] = ([observations[row].tobytes()], [], False)
        fresh = over & (mode == AutoresetMode.NEXT_STEP)
        if mode == AutoresetMode.DISABLED and over.any():
            observations, _ = env.reset(options={"reset_mask": over})
            for row in np.flatnonzero(over):
                running[row] = ([observations[row].tobytes()], [], False)
    return [episodes[:count] for episodes in done]


@pytest.mark.parametrize("limit", [None, 3, 11])
def test_all_modes_play_the_same_episodes(limit):
    """Worlds, observations to the very last, rewards and ends."""
    played = [episodes_in(mode, 6, limit) for mode in MODES]
    assert played[0] == played[1] == played[2]
    ends = {terminated for row in played[0] for *_, terminated in row}
    assert ends == ({True} if limit is None else {False, True})  # some jobs stay on spot, and are asked but once
    worlds = {observations[0] for row in played[0] for observations, *_ in row}
    assert len(worlds) == 18


def test_in_disabled_mode_nothing_happens_in_a_finished_row():
    modes = {"autoreset_mode": AutoresetMode.DISABLED, "invalid_action": "wait"}
    env = vector_env(2, "deadline", max_episode_steps=4, **modes)
    env.reset(seed=0)
    for _ in range(4):
        observations, _, terminated, truncated, infos = env.step(np.zeros(2, np.int64))
    assert truncated.all() and not terminated.any()
    env.reset(options={"reset_mask": np.array([False, True])})
    later, rewards, terminated, truncated, later_infos = env.step(np.full(2, 2))
    assert same(later[0], observations[0]) and rewards[0] == 0.0 and truncated[0] and not terminated[0]
    assert later_infos["elapsed_h"][0] == 0.0 and later_infos["invalid_actions"][0] == infos["invalid_actions"][0]
    assert rewards[1] != 0.0 and later_infos["elapsed_h"][1] > 0.0 and not truncated[1]


@pytest.mark.parametrize("limit", [None, 7])
def test_in_disabled_mode_metrics_stand_where_the_episode_ends(limit):
    """Not again in the steps in which nothing happens."""
    env = vector_env(2, "deadline", autoreset_mode=AutoresetMode.DISABLED, max_episode_steps=limit)
    env.reset(seed=30)
    before, with_metrics, step = np.zeros(2, dtype=bool), np.zeros(2, dtype=bool), 0
    while not before.all() or step < 10:
        step += 1
        *_, terminated, truncated, infos = env.step(actions_of(env, [30, 31], step))
        over = terminated | truncated
        new = over & ~before
        assert ("metrics" in infos) == new.any()
        np.testing.assert_array_equal(infos.get("_metrics", np.zeros(2, dtype=bool)), new)
        assert (over >= before).all()
        before = over
        with_metrics |= new
    assert with_metrics.all()


def test_metrics_of_an_ended_episode():
    """In `final_info`, and from `episode_metrics` until the row is reset; the return is the sum of plain rewards."""
    env = vector_env(3, reward="plain", autoreset_mode=AutoresetMode.DISABLED)
    twin = vector_env(3, autoreset_mode=AutoresetMode.SAME_STEP)
    env.reset(seed=5)
    twin.reset(seed=5)
    returns, checked = np.zeros(3), np.zeros(3, dtype=bool)
    step = 0
    while not checked.all():
        step += 1
        actions = actions_of(env, [5, 6, 7], step)
        _, rewards, terminated, _, _ = env.step(actions)
        infos = twin.step(actions)[-1]
        returns += rewards
        for row in np.flatnonzero(terminated & ~checked).tolist():
            metrics = {name: values[0] for name, values in env.episode_metrics(np.array([row])).items()}
            final = infos["final_info"]["metrics"]
            assert {name: final[name][row] for name in metrics} == metrics
            assert metrics["episode_return"] == pytest.approx(returns[row], abs=1e-12)
            assert metrics["decisions"] == step
        checked |= terminated
    together = env.episode_metrics([2, 0])
    assert together["cost_usd"].tolist() == [env.episode_metrics([row])["cost_usd"][0] for row in (2, 0)]


# --- resets ----------------------------------------------------------------------------------------------------------


def test_a_list_of_seeds_may_leave_rows_their_own():
    env = vector_env(3)
    first, _ = env.reset(seed=[1, 2, 3])
    mixed, _ = env.reset(seed=[None, 7, None])
    assert same(mixed[1], vector_env(1).reset(seed=7)[0][0])
    next_worlds, _ = vector_env(3).reset(seed=[1, 2, 3], options={"world": 1})
    assert same(mixed[[0, 2]], next_worlds[[0, 2]]) and not same(mixed[0], first[0])


def test_without_seeds_rows_are_random_and_unlike():
    """Rows that are given none at the first reset too."""
    firsts = [vector_env(2).reset(seed=seed)[0] for seed in (None, None, [None, 4], [None, 4])]
    starts = [start.tobytes() for start in (*firsts[0], *firsts[1], firsts[2][0], firsts[3][0])]
    assert len(set(starts)) == 6
    assert same(firsts[2][1], firsts[3][1])


def test_resets_without_a_seed_go_on_to_the_next_world():
    env = vector_env(2)
    worlds = [env.reset(seed=40)[0], env.reset()[0], env.reset()[0]]
    single = TesseraEnv("fleet", overrides=FEW)
    for row in range(2):
        assert same(single.reset(seed=40 + row)[0], worlds[0][row])
        assert same(single.reset()[0], worlds[1][row])
        assert same(single.reset()[0], worlds[2][row])
    assert same(env.reset(options={"world": 1})[0], worlds[1])
    assert same(env.reset(options={"world": np.array([2, 0])})[0], np.stack([worlds[2][0], worlds[0][1]]))
    assert same(env.reset()[0][1], worlds[1][1])


def test_a_mask_resets_its_rows_alone():
    env, twin = vector_env(3), vector_env(3)
    env.reset(seed=8)
    twin.reset(seed=8)
    for step in range(1, 6):
        env.step(actions_of(env, [8, 9, 10], step))
        observations, *_ = twin.step(actions_of(twin, [8, 9, 10], step))
    reset, _ = env.reset(seed=90, options={"reset_mask": np.array([False, True, False])})
    assert same(reset[[0, 2]], observations[[0, 2]])
    assert same(reset[1], vector_env(1).reset(seed=91)[0][0])
    actions = actions_of(env, [8, 0, 10], 6)
    one, other = env.step(actions), twin.step(actions)
    assert all(same(mine[[0, 2]], theirs[[0, 2]]) for mine, theirs in zip(one[:4], other[:4], strict=True))


def test_a_reset_row_counts_its_steps_anew():
    env = vector_env(2, max_episode_steps=3, autoreset_mode=AutoresetMode.DISABLED)
    env.reset(seed=0)
    env.step(np.zeros(2, np.int64))
    env.reset(options={"reset_mask": np.array([True, False])})
    truncations = [env.step(np.zeros(2, np.int64))[3].tolist() for _ in range(3)]
    assert truncations == [[False, False], [False, True], [True, True]]


REFUSED_RESETS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"seed": -1}, ValueError, "^seed: -1"),
    ({"seed": 2**64 - 1}, ValueError, "^seed: 18446744073709551616"),  # row 1 has the next one
    ({"seed": [1]}, ValueError, "^seed: 1 seeds .*2, one a row"),
    ({"seed": [1, -1]}, ValueError, "^seed: -1"),
    ({"seed": [1, 2.5]}, TypeError, "integer"),
    ({"seed": "12"}, TypeError, "integer"),
    ({"options": {"world": -1}}, ValueError, "^world: -1"),
    ({"options": {"world": 2**32}}, ValueError, "^world: 4294967296"),
    ({"options": {"world": 1.0}}, ValueError, "^world: float64"),
    ({"options": {"world": np.array([1, 2, 3])}}, ValueError, r"^world: int64 of shape \(3,\)"),
    ({"options": {"reset_mask": np.zeros(2, dtype=bool)}}, ValueError, "^reset_mask: .*one true at least"),
    ({"options": {"reset_mask": np.ones(3, dtype=bool)}}, ValueError, r"^reset_mask: bool of shape \(3,\)"),
    ({"options": {"reset_mask": np.array([1, 0])}}, ValueError, "^reset_mask: int64"),
]


@pytest.mark.parametrize(("arguments", "kind", "message"), REFUSED_RESETS)
def test_a_refused_reset_says_why_and_changes_nothing(arguments, kind, message):
    env, twin = vector_env(2), vector_env(2)
    env.reset(seed=3)
    twin.reset(seed=3)
    with pytest.raises(kind, match=message):
        env.reset(**arguments)
    assert same(env.step(np.ones(2, np.int64)), twin.step(np.ones(2, np.int64)))
    assert same(env.reset(), twin.reset())


def test_the_first_reset_is_of_all_rows():
    with pytest.raises(ValueError, match=r"^reset_mask: 1 rows \(allowed: all 2 at the first reset\)"):
        vector_env(2).reset(options={"reset_mask": np.array([True, False])})


# --- actions and arguments -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actions", [np.zeros(3, np.int64), np.zeros((2, 1), np.int64), np.zeros(2), 0, [0.5, 1]])
def test_actions_of_the_wrong_form_are_refused(actions):
    env = vector_env(2)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"^actions: .*allowed: integers of shape \(2,\)"):
        env.step(actions)


@pytest.mark.parametrize("actions", [[1, 0], np.array([1, 0], np.int8), np.array([9, 1, 9, 0])[1::2]])
def test_actions_may_be_any_integers(actions):
    env, twin = vector_env(2), vector_env(2)
    env.reset(seed=0)
    twin.reset(seed=0)
    assert same(env.step(actions), twin.step(np.array([1, 0])))


def test_stepping_needs_a_reset():
    with pytest.raises(RuntimeError, match="reset"):
        vector_env(2).step(np.zeros(2, np.int64))


def test_invalid_actions_are_counted_by_row_and_raise_where_asked_for():
    pools = {"task.gpu_memory_mb": 16_000.0, "pools.0.gpu_memory_mb": 8_000.0}
    env = TesseraVectorEnv(2, "classic", overrides=pools)
    strict = TesseraVectorEnv(2, "classic", overrides=pools, invalid_action="raise")
    env.reset(seed=0)
    strict.reset(seed=0)
    _, _, _, _, infos = env.step(np.array([2, 1]))
    assert infos["invalid_actions"].tolist() == [0, 1]
    with pytest.raises(ValueError, match=r"^action: 1 in row 1 \(allowed now: \[0, 2, 3, 4, 6, 7, 8\]\)$"):
        strict.step(np.array([2, 1]))
    env.reset(seed=0)
    assert same(env.step(np.array([2, 3])), strict.step(np.array([2, 3])))


def test_the_ignored_action_of_a_resetting_row_cannot_be_invalid():
    env = vector_env(2, "deadline", max_episode_steps=1, invalid_action="raise")
    env.reset(seed=0)
    env.step(np.ones(2, np.int64))
    env.step(np.array([-5, 99]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_envs": 0}, "^num_envs: 0"),
        ({"num_envs": 1.5}, "^num_envs: 1.5"),
        ({"threads": 0}, "^threads: 0"),
        ({"max_episode_steps": 0}, "^max_episode_steps: 0"),
        ({"invalid_action": "ignore"}, "^invalid_action: 'ignore' .*'wait', 'raise'"),
        ({"autoreset_mode": "never"}, "^autoreset_mode: 'never' .*'NextStep', 'SameStep', 'Disabled'"),
        ({"render_mode": "rgb_array"}, "^render_mode: 'rgb_array'"),
        ({"scenario": "clasic"}, "clasic"),
        ({"overrides": {"horizon_hours": 3}}, "horizon_hours"),
    ],
)
def test_bad_arguments_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        TesseraVectorEnv(**settings)


# --- copies ----------------------------------------------------------------------------------------------------------


def test_nothing_returned_is_used_again():
    env = vector_env(3, autoreset_mode=AutoresetMode.SAME_STEP)
    kept = [env.reset(seed=0)]
    copies = copy.deepcopy(kept)
    for step in range(1, 150):
        kept.append((*env.step(actions_of(env, [0, 1, 2], step)), env.action_masks()))
        copies.append(copy.deepcopy(kept[-1]))
    assert any("final_obs" in infos for *_, infos, _ in kept[1:])
    assert same(kept, copies)


def test_infos_may_be_written_into():
    """Each array is the caller's own: whoever fills one changes neither another nor what comes later."""

    def fill(infos: dict[str, Any], arrays: list[np.ndarray]) -> None:
        for value in infos.values():
            if isinstance(value, dict):
                fill(value, arrays)
            elif value.dtype != object:
                assert not any(np.shares_memory(value, other) for other in arrays)
                arrays.append(value)
                value.fill(0)

    for mode in MODES:
        env, twin = (vector_env(3, autoreset_mode=mode, max_episode_steps=4) for _ in range(2))
        fill(env.reset(seed=0)[1], [])
        twin.reset(seed=0)
        for step in range(1, 10):
            actions = actions_of(env, [0, 1, 2], step)
            infos, untouched = env.step(actions)[-1], twin.step(actions)[-1]
            check_equal(infos, untouched, "infos")
            fill(infos, [])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["copy", "pickle"])
@pytest.mark.parametrize(("mode", "threads"), [(AutoresetMode.NEXT_STEP, 1), (AutoresetMode.SAME_STEP, 2)])
def test_a_copy_in_mid_episode_goes_on_the_same_way(mode, threads, copied):
    env = vector_env(3, autoreset_mode=mode, threads=threads, max_episode_steps=50)
    env.reset(seed=60)
    for step in range(1, 30):
        env.step(actions_of(env, [60, 61, 62], step))
    twin = copied(env)
    rest = [env.step(actions_of(env, [60, 61, 62], step)) for step in range(30, 130)]
    assert same([twin.step(actions_of(twin, [60, 61, 62], step)) for step in range(30, 130)], rest)


# --- planners --------------------------------------------------------------------------------------------------------

POOL: dict[str, Any] = {
    "instance_type": "t",
    "gpu_memory_mb": 16_000,
    "on_demand_usd_per_h": 2.0,
    "setup_h": {"uniform": [0.01, 0.2]},
    "price": {"source": "constant", "usd_per_h": 0.5},
    "capacity": {
        "source": "semi_markov",
        "instances": 30,
        "up_median_h": [1.0, 1.0],
        "up_sigma": [0.5, 0.5],
        "down_median_h": [0.3, 0.3],
        "down_sigma": [0.5, 0.5],
    },
}
CROWDED: dict[str, Any] = {  # 20 tasks lose their instances at once, and share what is left
    "horizon_h": 24,
    "decision_interval_s": 600,
    "notice_s": 120,
    "idle_timeout_s": 3_600,
    "task": {"count": 20, "work_h": {"uniform": [2, 6]}, "state_base_mb": 4_000, "state_mb_per_work_h": 9_000},
    "pools": [{**POOL, "name": name, "zone": name, "bandwidth_gbps": gbps} for name, gbps in (("a", 10), ("b", 1))],
}


class Recorder:
    """A planner that notes what it is asked and answers with another one's plan."""

    def __init__(self, planner: Callable[[np.ndarray], np.ndarray]):
        self.planner = planner
        self.costs: list[np.ndarray] = []

    def __call__(self, costs: np.ndarray) -> np.ndarray:
        self.costs.append(costs.copy())
        columns = self.planner(costs)
        costs.fill(-1.0)  # its own copy
        return columns


def nobody_moves(costs: np.ndarray) -> np.ndarray:
    return np.full(len(costs), UNASSIGNED)


def crowded_return(planner: Callable[[np.ndarray], np.ndarray]) -> float:
    """The return of a policy that sends everybody to spot, every other one elsewhere."""
    env = TesseraVectorEnv(1, CROWDED, planner=planner, autoreset_mode=AutoresetMode.DISABLED)
    env.reset(seed=2)
    terminated, step = np.zeros(1, dtype=bool), 0
    while not terminated[0]:
        step += 1
        *_, terminated, _, _ = env.step(np.array([1 + step % 2]))
    return env.episode_metrics([0])["episode_return"].item()


def test_any_planner_can_be_used():
    """It sees real choices, and what it answers counts."""
    planner = Recorder(KuhnMunkres())
    best = crowded_return(planner)
    assert best == crowded_return(KuhnMunkres()) == crowded_return(planner)
    assert max(costs.shape[0] for costs in planner.costs) > 5
    for costs in planner.costs:
        assert costs.ndim == 2 and costs.dtype == np.float64 and costs.flags.c_contiguous
        assert (costs >= 0.0).all() and costs.shape[0] >= 1 and costs.shape[1] >= 1
    assert len({best, crowded_return(NearestFirst()), crowded_return(nobody_moves)}) == 3


def test_who_asks_is_told_what_has_finished_before_it_starts_anew():
    """While the rows' accounts are still those of the episode that has ended."""
    env = vector_env(3, "deadline", autoreset_mode=AutoresetMode.SAME_STEP)
    told: list[tuple[np.ndarray, list[float]]] = []
    env.on_finished = lambda rows: told.append((rows, [env.simulation.accounts(row)["usd"].sum() for row in rows]))
    env.reset(seed=3)
    ended = 0
    while ended < 6:
        _, _, terminated, _, infos = env.step(np.full(3, 2))
        if terminated.any():
            rows, dollars = told.pop()
            np.testing.assert_array_equal(rows, np.flatnonzero(terminated))
            np.testing.assert_allclose(dollars, infos["final_info"]["metrics"]["cost_usd"][rows])
            ended += len(rows)
        assert not told
