"""Training a policy on a scenario, in a run folder that at any moment holds the last good files.

What is in it:

    config.json                        scenario, hyper-parameters, versions: all that a run is
    last.zip, best.zip                 Stable-Baselines3 models: to go on from, and the best on development worlds
    policy.safetensors, policy.json    the best as a policy that needs numpy alone
    evaluations.json                   every evaluation on development worlds
    tb/                                TensorBoard
"""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import torch
from gymnasium.vector import AutoresetMode
from rich.console import Console
from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecCheckNan, VecEnv, unwrap_vec_wrapper

from agents.balance import BalancedVecEnv
from agents.callbacks import (
    CriticFirst,
    Cycles,
    EntropySchedule,
    EpisodeRecords,
    ProgressBar,
    RegularEvaluation,
    SoftRestarts,
    StopCallback,
    stop_on_signals,
)
from agents.credit.buffer import TaskCreditBuffer
from agents.credit.ledger import LedgerVecEnv
from agents.export import TorchPolicy, export_policy, source_commit
from agents.hindsight import HindsightVecEnv
from agents.hyperparameters import NO_OPTIONS, NOBODY, Hyperparameters, validated
from agents.imitation import Imitation
from agents.networks import policy_arguments
from agents.records import Records
from agents.run_folder import (
    CONFIG_FILE,
    EVALUATIONS_FILE,
    free_folder,
    kept_parts,
    made_folder,
    opened_folder,
    read_evaluations,
    write_config,
)
from agents.vec_env import TesseraVecEnv
from agents.worlds import development_scenario, development_seed, training_scenario, training_seed
from tessera_env.evaluation.experiment import ROWS
from tessera_env.evaluation.playing import play
from tessera_env.files.writing import write_bytes, write_text
from tessera_env.observation.layouts import layout_of
from tessera_env.policies.card import PolicyError
from tessera_env.policies.folder import read_card
from tessera_env.policies.making import make_policy
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.rewards import PLAIN
from tessera_env.vector_env import TesseraVectorEnv

ALGORITHMS: dict[str, type[PPO] | type[MaskablePPO]] = {"PPO": PPO, "MaskablePPO": MaskablePPO}


@dataclass(frozen=True)
class Run:
    """What is trained, how and where; kept as `config.json`."""

    folder: Path
    scenario: Scenario
    hyperparameters: Hyperparameters

    @classmethod
    def create(cls, folder: Path, scenario: Scenario, hyperparameters: Hyperparameters) -> Self:
        """A run to begin with; `train` makes its folder.

        Raises:
            ValueError: the folder exists already, the hyper-parameters are for other scenarios, or what the scenario
                replays cannot be split.
        """
        _check_job(scenario, hyperparameters)
        for split in (training_scenario, development_scenario):
            split(scenario)
        return cls(free_folder(folder), scenario, hyperparameters)

    @classmethod
    def open(cls, folder: Path, total_steps: int | None = None, options: Mapping[str, str] = NO_OPTIONS) -> Self:
        """A run to go on with; `total_steps` stretches or shortens it, and is called in errors as `options` say.

        Raises:
            ValueError: the folder holds no run that can go on.
        """
        folder, config = opened_folder(folder, "last.zip")
        scenario, settings = kept_parts(folder, config, "hyperparameters")
        settings |= {} if total_steps is None else {"total_steps": total_steps}
        return cls(folder, scenario, validated(settings, str(folder / CONFIG_FILE), options))

    @property
    def summary(self) -> str:
        """How, on what and how long."""
        settings = self.hyperparameters
        return f"{settings.algorithm} on {self.scenario.name}, {settings.total_steps:,} decisions"

    def write_config(self) -> None:
        """Write `config.json`."""
        facts = {"scenario": self.scenario, "hyperparameters": self.hyperparameters}
        write_config(self.folder, {name: fact.model_dump(mode="json") for name, fact in facts.items()})


def _check_job(scenario: Scenario, settings: Hyperparameters) -> None:
    """Raises ValueError: the settings are for other scenarios, or name a policy to imitate that is none."""
    if settings.imitate != NOBODY:
        try:
            make_policy(settings.imitate, layout_of(scenario))
        except ValueError as error:
            raise ValueError(f"imitate: {error}; or {NOBODY!r}") from None
    _check_one_job(scenario, settings)


def _check_one_job(scenario: Scenario, settings: Hyperparameters) -> None:
    """Raises ValueError: what looks at pool 0 and the first task alone is to be used where there are others."""
    pools, tasks = len(scenario.pools), scenario.task.count
    has_deadline = scenario.task.deadline_h is not None or scenario.task.slack is not None
    if (pools, tasks, has_deadline) == (1, 1, True):
        return
    for name, chosen in (
        ("critic_sees", settings.critic_sees == "future"),
        ("balance_worlds", settings.balance_worlds),
    ):
        if chosen:
            got = f"got {pools} and {tasks:,}{'' if has_deadline else ', without a deadline'}"
            allowed = "allowed with one pool and one task, which has a deadline"
            raise ValueError(f"{name}: {getattr(settings, name)!r} ({allowed}; {got})")


@dataclass(frozen=True)
class Score:
    """A policy on the development worlds."""

    steps: int  # decisions it had learned from
    mean_return: float  # what it is trained for: minus cost ratio and penalties
    cost_ratio: float  # dollars / on-demand cost of all work, mean over the worlds
    deadlines_missed: int  # in all worlds together

    def __str__(self) -> str:
        return f"development cost {self.cost_ratio:.4f} of on-demand, {self.deadlines_missed} deadlines missed"


class Judge:
    """Plays a model on the development worlds, and keeps the last and the best."""

    def __init__(self, run: Run, console: Console) -> None:
        settings = run.hyperparameters
        self.run, self.console = run, console
        self.commit = source_commit()  # now: files may change while this learns
        self.worlds = settings.evaluation_worlds
        self.env = TesseraVectorEnv(
            min(self.worlds, ROWS),
            scenario=development_scenario(run.scenario),
            autoreset_mode=AutoresetMode.DISABLED,
            threads=settings.n_threads,
            reward=PLAIN,
        )
        self.scores = read_evaluations(run.folder, Score)

    def __call__(self, model: OnPolicyAlgorithm) -> None:
        """Judge the model, record it, save it as the last, and if none was better as the best.

        The record is written last: a policy that it does not know of was left by a judgement that did not end.
        """
        score = self.score(model)
        is_best = all(score.mean_return > other.mean_return for other in self.scores)
        self.scores.append(score)
        for name in ("mean_return", "cost_ratio", "deadlines_missed"):
            model.logger.record(f"development/{name}", getattr(score, name))
        save_model(model, self.run.folder / "last.zip")
        if is_best:
            notes = {"seed": self.run.hyperparameters.seed, "commit": self.commit, "development": asdict(score)}
            export_policy(model, self.run.folder, self.run.scenario, notes)
            save_model(model, self.run.folder / "best.zip")
        write_text(self.run.folder / EVALUATIONS_FILE, json.dumps([asdict(s) for s in self.scores], indent=2) + "\n")
        remark = " (best so far)" if is_best else ""
        self.console.print(f"{score.steps:>11,} decisions: {score}{remark}", highlight=False, soft_wrap=True)

    def has_judged(self, model: OnPolicyAlgorithm) -> bool:
        """Whether the record knows the model as it is."""
        return model.num_timesteps in {score.steps for score in self.scores}

    def was_cut_off(self, model: OnPolicyAlgorithm) -> bool:
        """Whether the model's policy was written, and not all that comes after it."""
        try:
            written = read_card(self.run.folder).training.get("steps") == model.num_timesteps
        except PolicyError:
            return False
        return written and not self.has_judged(model)

    def score(self, model: OnPolicyAlgorithm) -> Score:
        """The model on the development worlds."""
        table = play(self.env, TorchPolicy(model), self.worlds, development_seed(), lambda done: None)
        return Score(
            steps=model.num_timesteps,
            mean_return=float(table["episode_return"].mean()),
            cost_ratio=float((table["cost_usd"] / table["scale_usd"]).mean()),
            deadlines_missed=int(table["deadlines_missed"].sum()),
        )


def train(run: Run, console: Console) -> bool:
    """Learn until the run's total is reached (True) or a stop was asked for (False); both leave all files in place."""
    settings = run.hyperparameters
    torch.set_num_threads(settings.n_threads)
    env = training_env(run)
    is_new = not (run.folder / "last.zip").is_file()
    model = new_model(run, env) if is_new else resumed_model(run, env)
    judge = Judge(run, console)
    if is_new:
        made_folder(run.folder)
    run.write_config()
    model.set_logger(Logger(str(run.folder / "tb"), [Records(run.folder / "tb", console)]))
    bar = ProgressBar(settings.total_steps, console)
    try:
        if not is_new and judge.was_cut_off(model):
            judge(model)
        with stop_on_signals(console) as stop:
            watchers = [
                StopCallback(stop),
                *_first_lessons(settings, console),
                EntropySchedule(
                    Cycles(settings.ent_coef, settings.final_ent_coef, settings.cycles), settings.total_steps
                ),
                SoftRestarts(settings.cycles, settings.total_steps, settings.softness),
                EpisodeRecords(),
                RegularEvaluation(settings.evaluate_every, judge),
                bar,
            ]
            if model.num_timesteps < settings.total_steps:
                learn(model, settings.total_steps, watchers)
            is_finished = model.num_timesteps >= settings.total_steps
            if is_finished:
                if not judge.has_judged(model):
                    judge(model)
                model.logger.dump(model.num_timesteps)
            else:
                save_model(model, run.folder / "last.zip")
    finally:
        bar.close()
        model.logger.close()
        env.close()
    return is_finished


def _first_lessons(settings: Hyperparameters, console: Console) -> list[BaseCallback]:
    """What comes before the actor learns by itself."""
    lessons: list[BaseCallback] = []
    if settings.imitate != NOBODY:
        lessons.append(Imitation(settings.imitate, settings.imitate_decisions, console))
    if settings.critic_first:
        lessons.append(CriticFirst(settings.critic_first))
    return lessons


def training_env(run: Run) -> VecEnv:
    """The training worlds, with an error where a value is not finite instead of a later one inside the network."""
    settings = run.hyperparameters
    env = TesseraVectorEnv(
        settings.n_envs,
        scenario=training_scenario(run.scenario),
        autoreset_mode=AutoresetMode.SAME_STEP,
        threads=settings.n_threads,
        reward=PLAIN,  # what is felt early is told by credit and hindsight
    )
    rows = TesseraVecEnv(env)
    wrapped: VecEnv = LedgerVecEnv(rows) if settings.credit == "task" else rows
    if settings.critic_sees == "future":
        wrapped = HindsightVecEnv(rows)
    if settings.balance_worlds:
        wrapped = BalancedVecEnv(wrapped)
    return VecCheckNan(wrapped, raise_exception=True)


def new_model(run: Run, env: VecEnv) -> OnPolicyAlgorithm:
    """An untrained model; its seed is also the environments'."""
    settings = run.hyperparameters
    model = ALGORITHMS[settings.algorithm](
        env=env,
        n_steps=settings.n_steps,
        batch_size=settings.batch_size,
        n_epochs=settings.n_epochs,
        gamma=settings.gamma,
        gae_lambda=settings.gae_lambda,
        clip_range=settings.clip_range,
        ent_coef=settings.ent_coef,
        vf_coef=settings.vf_coef,
        max_grad_norm=settings.max_grad_norm,
        learning_rate=Cycles(settings.learning_rate, settings.final_learning_rate, settings.cycles),
        seed=training_seed(settings.seed),
        device="cpu",  # nets this small spend their time on a GPU waiting for it
        **buffer_arguments(settings),
        **policy_arguments(
            settings.net,
            settings.algorithm,
            settings.hidden,
            settings.activation,
            settings.critic_sees,
            settings.separate_critic,
        ),
    )
    _keep_books(model, env)
    return model


def buffer_arguments(settings: Hyperparameters) -> dict[str, Any]:
    """`rollout_buffer_class` and `rollout_buffer_kwargs` of an SB3 algorithm; none: SB3's own."""
    if settings.credit == "episode":
        return {}
    options = {"fleet_weight": settings.fleet_weight, "fleet_hours": settings.fleet_hours}
    return {"rollout_buffer_class": TaskCreditBuffer, "rollout_buffer_kwargs": options}


def _keep_books(model: OnPolicyAlgorithm, env: VecEnv) -> None:
    """Show a buffer that gives credit by task the environment's ledger: a saved model cannot hold one."""
    if isinstance(model.rollout_buffer, TaskCreditBuffer):
        ledger = unwrap_vec_wrapper(env, LedgerVecEnv)
        assert ledger is not None, "credit by task needs a LedgerVecEnv"
        model.rollout_buffer.keep_books_of(ledger)


def resumed_model(run: Run, env: VecEnv) -> OnPolicyAlgorithm:
    """The model as it was saved, with fresh worlds and random numbers: going on is not bit-exact.

    Loading a Stable-Baselines3 zip runs code that is in it: open only run folders that you made yourself. The exported
    policy beside it is safe to share.

    Raises:
        ValueError: it has already learned as long as the run is to last, and was judged.
    """
    settings = run.hyperparameters
    model = ALGORITHMS[settings.algorithm].load(run.folder / "last.zip", env=env, device="cpu")
    is_judged = model.num_timesteps in {score.steps for score in read_evaluations(run.folder, Score)}
    if model.num_timesteps >= settings.total_steps and is_judged:
        raise ValueError(
            f"{run.folder}: has learned from {model.num_timesteps:,} decisions of {settings.total_steps:,} "
            "(to go on: --steps with a larger total)"
        )
    model.set_random_seed(training_seed(settings.seed, steps_done=model.num_timesteps))
    _keep_books(model, env)
    return model


def learn(model: OnPolicyAlgorithm, total_steps: int, watchers: list[BaseCallback]) -> None:
    """Go on until the model has learned from `total_steps` decisions in all, which schedules are relative to."""
    is_new = model.num_timesteps == 0
    model.learn(total_steps - model.num_timesteps, callback=CallbackList(watchers), reset_num_timesteps=is_new)


def save_model(model: OnPolicyAlgorithm, path: Path) -> None:
    """Save in one step: a kill at any moment leaves the old file or the new one."""
    buffer = io.BytesIO()
    model.save(buffer)
    write_bytes(path, buffer.getvalue())
