"""What must stay as it is, as digests: worlds, results, event logs and what policies do, in every preset.

Before a change that is meant to change no figure, `python -m benchmarks.digests before.json`; after it,
`python -m benchmarks.digests after.json --against before.json`, which names what differs and then ends with 1. The bits
are those of one machine: another processor's arithmetic library may round otherwise.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from benchmarks.common import telling
from tessera_env import ENVIRONMENTS
from tessera_env.evaluation.episodes import play_episode
from tessera_env.evaluation.experiment import evaluate
from tessera_env.files.json_files import read_object
from tessera_env.files.paths import expanded
from tessera_env.files.streams import take_any_text
from tessera_env.files.writing import write_text
from tessera_env.observation.layouts import layout_of
from tessera_env.policies.folder import read_card
from tessera_env.policies.learned_rules import LEARNED_RULES
from tessera_env.policies.making import fitting_policies, make_policy
from tessera_env.policies.pretrained import pretrained_folder, pretrained_names
from tessera_env.policies.protocol import Policy, QueuePolicy
from tessera_env.report.event_log import episode_lines
from tessera_env.scenario.loading import load_scenario, preset_names
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.rewards import PLAIN
from tessera_env.simulation.rows import Simulation

WORLDS, EPISODES, STEPS, ROWS, SEED = 5, 24, 600, 8, 5
ONE_POOL = ("cant-be-late", "deadline", "deadline-aws")  # what the trained policies and the optimum are for
OPTIONS = ("on_demand_fallback:count=1", "time_sliced:slices=4", "slack_threshold:theta=0.3")
RANDOM = "random:seed=3"

# Much at once that no preset has: running tasks asked, launches that fail, checkpoints, idle instances, the guard.
BUSY = {
    "task.count": 30,
    "reconsider_running": True,
    "pools.*.on_demand_failure_share": 0.2,
    "checkpoint.interval_h": 0.5,
    "idle_timeout_s": 900.0,
    "deadline_guard": True,
    "task.slack": {"uniform": [2.0, 5.0]},
}

Digests = Iterator[tuple[str, str]]  # of what, and the digest


@dataclass(frozen=True)
class Case:
    """A scenario to look at."""

    name: str
    preset: str
    overrides: dict[str, Any]

    @property
    def scenario(self) -> Scenario:
        """Loaded anew: nothing is shared between cases."""
        return load_scenario(self.preset, **self.overrides)

    @property
    def trained(self) -> list[str]:
        """The trained policies that can play it."""
        if self.preset not in ONE_POOL and not self.scenario.service:
            return []
        return [name for name in pretrained_names() if _places_replicas(name) == bool(self.scenario.service)]

    @property
    def policies(self) -> list[str]:
        """All that play it."""
        scenario = self.scenario
        known = fitting_policies(layout_of(scenario))
        return [*known, *(() if scenario.service else OPTIONS), *self.trained]


def _places_replicas(name: str) -> bool:
    rule = LEARNED_RULES.get(read_card(pretrained_folder(name)).kind)
    return rule is not None and rule.for_services


def cases() -> list[Case]:
    """Every preset, and one busier than all of them."""
    return [*(Case(name, name, {}) for name in preset_names()), Case("busy", "fleet-mixed", BUSY)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the digests, and compare them; returns the exit code."""
    take_any_text()
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("file", type=expanded, help="written: the digests as JSON")
    made.add_argument(
        "--against", type=expanded, metavar="FILE", help="an earlier file: name what differs, and end with 1"
    )
    made.add_argument("--only", nargs="+", default=[], metavar="CASE", help="presets, or busy; all if none is named")
    given = made.parse_args(arguments)
    try:
        before = None if given.against is None else read_object(given.against, ValueError)
    except ValueError as error:
        made.exit(2, f"{error}\n")
    found = {
        f"{case.name}/{what}": digest
        for case in cases()
        if case.name in given.only or not given.only
        for what, digest in digests_of(case)
    }
    with telling():
        write_text(given.file, json.dumps(found, indent=0, sort_keys=True) + "\n")
    if before is None:
        print(f"{len(found)} digests")
        return 0
    return compare(before, found)


def compare(before: dict[str, str], after: dict[str, str]) -> int:
    """Print what differs; returns the exit code."""
    unlike = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    print(f"{len(after)} digests, {len(unlike)} differ", *unlike, sep="\n")
    return 1 if unlike else 0


def digests_of(case: Case) -> Digests:
    """All of a case."""
    yield from worlds(case)
    yield from results(case)
    yield from logs(case)
    yield from steps(case)
    yield from rows(case)


def worlds(case: Case) -> Digests:
    """What the kernels read of the scenario, and what seeds draw: the market and the tasks before anything happens."""
    simulation = Simulation(case.scenario, WORLDS)
    yield "parameters", digest(*(part for table in simulation.params for part in by_field(table)))
    simulation.start(np.ones(WORLDS, dtype=bool), [SEED] * WORLDS, np.arange(WORLDS))
    state = simulation.state
    drawn = ("arrival_s", "work_s", "deadline_s", "gpu_memory_mb", "state_base_mb", "state_cap_mb", "interactive")
    yield "worlds", digest(*by_field(state.market), *by_field(state.tasks, drawn), *by_field(state.pools, ("setup_s",)))


def results(case: Case) -> Digests:
    """The JSON of an evaluation, but for versions."""
    found = evaluate(case.scenario, case.policies, EPISODES, SEED, optimum=case.preset in ONE_POOL)
    values = json.loads(found.to_json())
    del values["versions"]
    yield "results", digest(json.dumps(values, sort_keys=True))


def logs(case: Case) -> Digests:
    """Every event of one world, policy by policy."""
    scenario = case.scenario
    for name in case.policies:
        episode = play_episode(scenario, policy_of(name, scenario), SEED, world=0)
        lines = episode_lines(scenario, episode.log, episode.tasks, policy=name, seed=SEED, world=0)
        yield f"log/{name}", digest(*map(json.dumps, lines))


def steps(case: Case) -> Digests:
    """The single environment under a few policies, what it renders, and what the others would have answered."""
    for name in (RANDOM, "spot_hedge" if case.scenario.service else "greedy", *case.trained):
        env = gym.make(environment_of(case), render_mode="ansi", reward=PLAIN, overrides=case.overrides)
        policy, seen, parts = policy_of(name, case.scenario), [], []
        observation, info = env.reset(seed=SEED)
        for _ in range(STEPS):
            seen.append(observation)
            answer, _ = policy.predict(observation[None], action_masks=info["action_mask"][None].astype(bool))
            observation, reward, terminated, _, info = env.step(int(answer[0]))
            parts += [observation, repr((reward, terminated, plain(info))), str(env.render())]
            if terminated:
                observation, info = env.reset()
        yield f"steps/{name}", digest(*parts)
        for other in case.policies:
            answering = policy_of(other, case.scenario)
            if not isinstance(answering, QueuePolicy):  # of those the results and logs tell
                answers, _ = answering.predict(np.stack(seen))
                yield f"actions/{other}/in steps of {name}", digest(answers)


def rows(case: Case) -> Digests:
    """The vector environment, in both ways of going on after an episode's end."""
    for mode in ("NextStep", "SameStep"):
        options = {"reward": PLAIN, "overrides": case.overrides, "autoreset_mode": mode, "threads": 2}
        envs = gym.make_vec(environment_of(case), ROWS, **options)
        policy, parts = policy_of(RANDOM, case.scenario), []
        observations, _ = envs.reset(seed=SEED)
        for _ in range(STEPS):
            actions, _ = policy.predict(observations, action_masks=envs.unwrapped.action_masks())
            observations, *rest, infos = envs.step(actions)
            parts += [observations, *rest, repr(plain(infos))]
        yield f"rows/{mode}", digest(*parts)


def policy_of(name: str, scenario: Scenario) -> Policy:
    """The policy, for the scenario's observation."""
    return make_policy(name, Simulation(scenario, 1).layout)


def environment_of(case: Case) -> str:
    """The id of the case's preset."""
    (name,) = (name for name, preset in ENVIRONMENTS.items() if preset == case.preset)
    return f"tessera_env:{name}"


def digest(*parts: Any) -> str:
    """The first 16 digits of SHA-256 of texts and arrays."""
    made = hashlib.sha256()
    for part in parts:
        made.update(part.encode() if isinstance(part, str) else np.ascontiguousarray(part).tobytes())
        made.update(b"\0")
    return made.hexdigest()[:16]


def by_field(table: np.ndarray, names: Sequence[str] | None = None) -> Iterator[Any]:
    """A table's columns with their names, so that their order in the record does not count."""
    columns = np.asarray(table)
    for name in names or columns.dtype.names or ():
        yield from (name, columns[name])
    if columns.dtype.names is None:
        yield columns


def plain(value: Any) -> Any:
    """Infos without arrays, whose `repr` leaves out their middle."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


if __name__ == "__main__":
    sys.exit(main())
