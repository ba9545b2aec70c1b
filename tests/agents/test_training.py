"""Runs: what they leave behind, that they go on, stop and repeat."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from sb3_contrib.common.maskable.utils import get_action_masks
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import agents.training
from agents.balance import BalancedVecEnv
from agents.callbacks import Cycles, StopRequest, stop_on_signals
from agents.credit.buffer import TaskCreditBuffer
from agents.export import export_policy
from agents.hindsight import HindsightVecEnv
from agents.hyperparameters import load_hyperparameters
from agents.imitation import Imitation
from agents.networks import logit_layers
from agents.training import (
    ALGORITHMS,
    Run,
    learn,
    new_model,
    resumed_model,
    save_model,
    train,
    training_env,
)
from agents.worlds import training_seed
from tessera_env.observation.layout import Layout
from tessera_env.policies import LearnedPolicy
from tessera_env.scenario.loading import load_scenario
from tests.agents.small import small_fleet_run, small_run
from tests.faults import interrupted_at

FILES = {"best.zip", "config.json", "evaluations.json", "last.zip", "policy.json", "policy.safetensors", "tb"}

ALONE = {"credit": "episode", "imitate": "nobody"}


def quiet() -> Console:
    return Console(file=open(os.devnull, "w"))


def weights(run: Run) -> list[torch.Tensor]:
    model = ALGORITHMS[run.hyperparameters.algorithm].load(run.folder / "last.zip", device="cpu")
    return [parameter.detach() for parameter in model.policy.parameters()]


@pytest.mark.parametrize("algorithm", ["PPO", "MaskablePPO"])
@pytest.mark.parametrize("net", ["mlp", "pool_scorer"])
def test_a_run_leaves_models_policy_and_records(tmp_path: Path, algorithm: str, net: str) -> None:
    run = small_run(tmp_path / "mine", algorithm=algorithm, net=net)
    assert train(run, quiet())
    assert {path.name for path in run.folder.iterdir()} == FILES
    scores = json.loads((run.folder / "evaluations.json").read_text())
    assert [score["steps"] for score in scores] == [256, 512]
    assert all(0.0 < score["cost_ratio"] < 2.0 for score in scores)
    card = LearnedPolicy(run.folder, Layout(1)).card
    best = max(scores, key=lambda score: score["mean_return"])
    assert card.training["development"] == best and card.training["steps"] == best["steps"]
    records = EventAccumulator(str(run.folder / "tb")).Reload()
    assert [event.step for event in records.Scalars("development/cost_ratio")] == [512, 512]
    assert {"episodes/cost_ratio", "rollout/ep_rew_mean", "train/loss"} <= set(records.Tags()["scalars"])


def test_a_critic_that_sees_the_future_leaves_an_actor_that_does_not(tmp_path: Path) -> None:
    """From the worlds with their futures to a policy that plays on the plain observation, its entropy's weight at 0."""
    run = small_run(tmp_path / "mine", critic_sees="future", balance_worlds=True, ent_coef=0.01, final_ent_coef=0.0)
    env = training_env(run).venv
    assert isinstance(env, BalancedVecEnv) and isinstance(env.venv, HindsightVecEnv)
    assert train(run, quiet())
    assert ALGORITHMS["MaskablePPO"].load(run.folder / "last.zip", device="cpu").ent_coef == 0.0
    scores = json.loads((run.folder / "evaluations.json").read_text())
    assert all(0.0 < score["cost_ratio"] < 2.0 for score in scores)
    policy = LearnedPolicy(run.folder, Layout(1))
    assert policy.logits(np.zeros((2, Layout(1).size), np.float32)).shape == (2, 3)


def test_resuming_reaches_the_new_total_with_fresh_worlds_and_the_schedule_in_place(tmp_path: Path) -> None:
    run = small_run(tmp_path / "mine")
    train(run, quiet())
    before = weights(run)
    longer = Run.open(run.folder, 1024)
    model = resumed_model(longer, training_env(longer))
    assert model.num_timesteps == 512
    assert model.env.unwrapped._seeds[0] == training_seed(0, steps_done=512) != training_seed(0)
    assert train(longer, quiet())
    after = ALGORITHMS["MaskablePPO"].load(run.folder / "last.zip", device="cpu")
    assert after.num_timesteps == 1024
    # Learning rates follow the total: the last update's is the schedule's end.
    assert after.policy.optimizer.param_groups[0]["lr"] == pytest.approx(2e-5)
    assert not all(torch.equal(a, b) for a, b in zip(before, after.policy.parameters(), strict=True))
    scores = json.loads((run.folder / "evaluations.json").read_text())
    assert [score["steps"] for score in scores] == [256, 512, 768, 1024]
    assert json.loads((run.folder / "config.json").read_text())["hyperparameters"]["total_steps"] == 1024


def test_what_cannot_go_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"config\.json: no such file"):
        Run.open(tmp_path)
    run = small_run(tmp_path / "mine")
    train(run, quiet())
    with pytest.raises(ValueError, match="exists already"):
        small_run(tmp_path / "mine")
    with pytest.raises(ValueError, match="has learned from 512 decisions of 512"):
        train(Run.open(run.folder), quiet())
    with pytest.raises(ValueError, match=r"config\.json: total_steps"):
        Run.open(run.folder, 0)


@pytest.mark.parametrize(
    ("scenario", "settings", "words"),
    [
        (
            "fleet",
            {"critic_sees": "future", "net": "mlp", **ALONE},
            "critic_sees: 'future' (allowed with one pool and one task",
        ),
        ("fleet", {"balance_worlds": True, **ALONE}, "balance_worlds: True (allowed with one pool and one task"),
        ("deadline", {"critic_sees": "future"}, "; got 1 and 1, without a deadline)"),
    ],
)
def test_what_looks_at_one_job_is_refused_elsewhere(tmp_path: Path, scenario: str, settings: dict, words: str) -> None:
    without = {"task.deadline_h": None, "deadline_guard": False} if scenario == "deadline" else {}
    with pytest.raises(ValueError) as caught:
        Run.create(tmp_path / "mine", load_scenario(scenario, **without), load_hyperparameters(scenario, settings))
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "mine").exists()


def test_what_is_refused_late_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever cannot be built, the folder comes after it."""

    def refused(run: Run, env: object) -> None:
        raise ValueError("no such model")

    monkeypatch.setattr(agents.training, "new_model", refused)
    with pytest.raises(ValueError, match="no such model"):
        train(small_run(tmp_path / "runs" / "mine"), quiet())
    assert not any(tmp_path.iterdir())


def test_a_folder_that_came_in_between_is_left_alone(tmp_path: Path) -> None:
    run = small_run(tmp_path / "mine")
    run.folder.mkdir()
    with pytest.raises(ValueError, match="exists already"):
        train(run, quiet())
    assert not any(run.folder.iterdir())


def test_who_cannot_be_imitated_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"imitate: policy: 'gredy' \(allowed: .*greedy.*; or 'nobody'") as caught:
        small_fleet_run(tmp_path / "mine", imitate="gredy")
    assert "\n" not in str(caught.value)


def test_a_run_with_credit_by_task_ends_and_goes_on(tmp_path: Path) -> None:
    run = small_fleet_run(tmp_path / "mine", imitate="yielding", imitate_decisions=256, critic_first=256)
    assert train(run, quiet())
    assert {path.name for path in run.folder.iterdir()} == FILES
    longer = Run.open(run.folder, 1024)
    model = resumed_model(longer, training_env(longer))
    assert isinstance(model.rollout_buffer, TaskCreditBuffer)
    assert (model.rollout_buffer.fleet_weight, model.rollout_buffer.fleet_hours) == (0.5, 6.0)
    assert train(longer, quiet())
    scores = json.loads((run.folder / "evaluations.json").read_text())
    assert [score["steps"] for score in scores] == [256, 512, 768, 1024]


def test_a_signal_ends_learning_and_the_run_can_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupting(agents.training.StopCallback):
        def _on_step(self) -> bool:
            if self.num_timesteps == 320:
                os.kill(os.getpid(), signal.SIGINT)
            return super()._on_step()

    monkeypatch.setattr(agents.training, "StopCallback", Interrupting)
    run = small_run(tmp_path / "mine")
    assert not train(run, quiet())
    assert resumed_model(run, training_env(run)).num_timesteps == 320
    monkeypatch.undo()
    assert train(Run.open(run.folder), quiet())


def test_signal_handlers_are_put_back_and_a_second_signal_acts_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), stop_on_signals(quiet()) as request:
        assert isinstance(request, StopRequest) and not request.is_set
        os.kill(os.getpid(), signal.SIGINT)
        assert request.is_set
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_save_that_fails_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = small_run(tmp_path / "mine")
    train(run, quiet())
    model = ALGORITHMS["MaskablePPO"].load(run.folder / "last.zip", device="cpu")
    before = (run.folder / "last.zip").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_model(model, run.folder / "last.zip")
    assert (run.folder / "last.zip").read_bytes() == before
    assert {path.name for path in run.folder.iterdir()} == FILES


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["PPO", "MaskablePPO"])
def test_one_thread_same_seed_same_weights(tmp_path: Path, algorithm: str) -> None:
    runs = [small_run(tmp_path / str(k), algorithm=algorithm, seed=seed) for k, seed in enumerate((4, 4, 5))]
    for run in runs:
        train(run, quiet())
    first, again, other = (weights(run) for run in runs)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_credit_by_task_gives_the_same_weights_again(tmp_path: Path) -> None:
    settings = {"imitate": "yielding", "imitate_decisions": 256, "critic_first": 256}
    runs = [small_fleet_run(tmp_path / str(k), seed=seed, **settings) for k, seed in enumerate((4, 4, 5))]
    for run in runs:
        train(run, quiet())
    first, again, other = (weights(run) for run in runs)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_what_credit_by_task_trained_is_what_is_exported(tmp_path: Path) -> None:
    """On 10,000 observations of the worlds that it was trained in; alike pools tie but for rounding."""
    run = small_fleet_run(tmp_path / "mine", hidden=[32, 16], n_envs=64, n_steps=16)
    torch.set_num_threads(1)
    env = training_env(run)
    model = new_model(run, env)
    learn(model, 1024, [Imitation("yielding", 8 * 1024, quiet())])
    export_policy(model, tmp_path / "exported", run.scenario, {})
    policy, ties, rows = LearnedPolicy(tmp_path / "exported", Layout(9)), 0, np.arange(env.num_envs)
    for _ in range(10_000 // env.num_envs):
        seen, masks = model._last_obs, get_action_masks(env)
        actions, _ = model.predict(seen, deterministic=True, action_masks=masks)
        exported, logits = policy.predict(seen, action_masks=masks)[0], policy.logits(seen)
        np.testing.assert_allclose(logits[rows, exported], logits[rows, actions], atol=1e-5)
        ties += int((exported != actions).sum())
        model._last_obs = env.step(model.predict(seen, action_masks=masks)[0])[0]
    assert ties < 100  # of 10,000


@pytest.mark.slow
def test_training_learns_to_use_spot(tmp_path: Path) -> None:
    """After a minute at most, cheaper than on-demand by a margin that an untrained policy does not have."""
    run = small_run(
        tmp_path / "mine",
        hidden=[64],
        total_steps=131_072,
        n_envs=64,
        n_steps=64,
        batch_size=1024,
        n_epochs=5,
        evaluate_every=131_072,
        evaluation_worlds=100,
    )
    assert train(run, quiet())
    score = json.loads((run.folder / "evaluations.json").read_text())[-1]
    assert score["cost_ratio"] < 0.75
    assert score["deadlines_missed"] == 0
    assert np.isfinite(score["mean_return"])


def test_cycles_begin_anew_and_end_at_the_end() -> None:
    falling = Cycles(first=1.0, last=0.0, count=2)
    assert [falling(left) for left in (1.0, 0.75, 0.5, 0.25, 0.0)] == [1.0, 0.5, 1.0, 0.5, 0.0]
    assert Cycles(2.0, 1.0, 1)(0.25) == 1.25


@pytest.mark.parametrize("net", ["mlp", "pool_scorer"])
def test_each_cycle_but_the_first_starts_with_a_softer_policy(tmp_path: Path, monkeypatch, net: str) -> None:
    softened: list[int] = []
    made = agents.training.SoftRestarts._on_rollout_start

    def watched(self) -> None:
        layer = logit_layers(self.model.policy)[0]
        before = layer.weight.detach().clone()
        made(self)
        if not torch.equal(before, layer.weight):
            assert torch.allclose(layer.weight, 0.15 * before)
            softened.append(self.num_timesteps)

    monkeypatch.setattr(agents.training.SoftRestarts, "_on_rollout_start", watched)
    assert train(small_run(tmp_path / "mine", cycles=2, net=net), quiet())
    assert softened == [256]


# --- cut off while files are written ---------------------------------------------------------------------------------

WRITES = ("save_model", "export_policy", "write_text")  # of a judgement


@pytest.mark.parametrize("cut_off", [1, 2, 5, 7])
def test_what_is_cut_off_while_it_is_judged_is_judged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_off: int
) -> None:
    """At each of the writes of two judgements, both of the best model so far: the same files as without."""
    run = small_run(tmp_path / "mine")
    monkeypatch.setattr(agents.training.Judge, "score", _ever_better)

    with interrupted_at(agents.training, WRITES, cut_off), pytest.raises(KeyboardInterrupt):
        train(run, quiet())
    assert train(Run.open(run.folder), quiet())
    scores = json.loads((run.folder / "evaluations.json").read_text())
    # One that was cut off before its policy was written is as if it had not been, unless it is the last.
    assert [score["steps"] for score in scores] == ([512] if cut_off == 1 else [256, 512])
    best = ALGORITHMS["MaskablePPO"].load(run.folder / "best.zip", device="cpu")
    card = LearnedPolicy(run.folder, Layout(1)).card
    assert best.num_timesteps == card.training["steps"] == 512 and card.training["development"] == scores[-1]
    with pytest.raises(ValueError, match="has learned from 512 decisions of 512"):
        train(Run.open(run.folder), quiet())


def _ever_better(_: agents.training.Judge, model: agents.training.OnPolicyAlgorithm) -> agents.training.Score:
    return agents.training.Score(model.num_timesteps, float(model.num_timesteps), 1.0, 0)
