"""A Stable-Baselines3 model as a folder that `tessera_env.policies.LearnedPolicy` runs without torch."""

import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecNormalize

from agents.actors import Actor, actor_of, pool_count_of, scores_of, seen_by
from agents.rehearsal import rehearse
from tessera_env.observation.layout import Layout
from tessera_env.observation.layouts import layout_of
from tessera_env.policies.card import PolicyCard
from tessera_env.policies.folder import save_policy
from tessera_env.policies.learned import LearnedPolicy
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario

_PACKAGES = ("gymnasium", "numpy", "sb3-contrib", "stable-baselines3", "torch")


def export_policy(
    model: BaseAlgorithm,
    folder: str | Path,
    scenario: str | Path | Scenario | None = None,
    training: Mapping[str, Any] | None = None,
) -> PolicyCard:
    """Write what chooses the model's actions as `policy.safetensors` and `policy.json`.

    It is played against the model first: an export that chooses otherwise is never written.

    Args:
        model: of an algorithm whose action is the largest output of a network, with its environment: what a
            VecNormalize around that has learned of the observations is exported, too.
        folder: where; a policy that is already there is replaced.
        scenario: what the model was trained on; its environment's own if None.
        training: notes for the card.

    Raises:
        ValueError: it cannot be exported, or the scenario cannot be loaded or is another one than the environment's;
            one line, and nothing is written.
        OSError: the folder cannot be written; a policy that was there before stays.
    """
    trained_on, actor = _trained_on(model, scenario), actor_of(model)
    card = _card(model, actor, trained_on, training or {})
    with TemporaryDirectory() as trial:
        save_policy(trial, actor.tensors, card)
        rehearse(model, LearnedPolicy(trial, layout_of(trained_on)), trained_on)
    return save_policy(folder, actor.tensors, card)


def _card(model: BaseAlgorithm, actor: Actor, trained_on: Scenario, training: Mapping[str, Any]) -> dict[str, Any]:
    layout = layout_of(trained_on)
    return {
        "kind": actor.kind,
        "activation": actor.activation,
        "pool_count": layout.pool_count,
        "fields": layout.signatures,
        "scenario": trained_on.name,
        "masked": isinstance(model, MaskablePPO),
        "asked_on_spot": trained_on.reconsider_on_spot,
        "normaliser": _normaliser(_env_of(model), layout),
        "versions": versions(),
        "training": {"algorithm": type(model).__name__, "steps": model.num_timesteps, **training},
    }


def _env_of(model: BaseAlgorithm) -> VecEnv:
    env = model.get_env()
    if env is None:
        raise ValueError(
            "model: has no environment (allowed: one with it, as `load(..., env=...)` gives it back; a VecNormalize "
            "around it is part of what chooses)"
        )
    return env


def _trained_on(model: BaseAlgorithm, given: str | Path | Scenario | None) -> Scenario:
    """The environment's own scenario, as which the given one has to be known; or that, where the environment has none.

    Raises:
        ValueError: there is none, or it is another one.
    """
    env, pools, asked = _env_of(model), pool_count_of(model), None if given is None else load_scenario(given)
    try:
        own = env.get_attr("scenario", 0)[0]
    except AttributeError:
        own = None
    if not isinstance(own, Scenario):
        if asked is None:
            raise ValueError("scenario: none (allowed: what the model was trained on; its environment does not say)")
        own = asked
    if asked is not None and asked.name != own.name:
        raise ValueError(f"scenario: {asked.name!r} (allowed: {own.name!r}, which the model's environment plays)")
    if len(own.pools) != pools:
        raise ValueError(f"scenario: {own.name!r}, with {len(own.pools)} pools (allowed: {pools}, as in the model)")
    return own


def _normaliser(env: VecEnv, layout: Layout) -> dict[str, Any] | None:
    """What a VecNormalize in the environment does to what the network sees; None: nothing.

    Raises:
        ValueError: there are two of them.
    """
    wrappers = []
    while isinstance(env, VecEnvWrapper):
        wrappers.append(env)
        env = env.venv
    scaling = [one for one in wrappers if isinstance(one, VecNormalize) and one.norm_obs]
    if len(scaling) > 1:
        raise ValueError(f"VecNormalize: {len(scaling)} that scale observations (allowed: one)")
    if not scaling:
        return None
    seen, size = scaling[0].obs_rms, layout.size  # what a critic alone sees comes behind
    return {
        "mean": seen.mean[:size],
        "var": seen.var[:size],
        "clip": float(scaling[0].clip_obs),
        "epsilon": float(scaling[0].epsilon),
    }


def versions() -> dict[str, str]:
    """The versions of what trains."""
    return {package: version(package) for package in _PACKAGES}


def source_commit() -> str:
    """The commit of the source that trains, marked where files have changed since; "unknown" outside of a checkout."""
    root = Path(__file__).parents[1]
    try:
        commit = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--", "tessera_env", "agents", "train.py")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}{' and changes' if changed else ''}"


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


class TorchPolicy:
    """A model as a `tessera_env.policies.Policy`: the likeliest action that the mask allows, PPO's too."""

    def __init__(self, model: BaseAlgorithm, name: str = "learned") -> None:
        self.name = name
        self._model = model

    def predict(
        self,
        observation: np.ndarray,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = True,
        action_masks: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Any]:
        """Actions (n,) int64; see `tessera_env.policies.Policy`."""
        policy = self._model.policy
        policy.set_training_mode(False)
        seen = np.ascontiguousarray(seen_by(self._model, observation)[:, : observation.shape[1]])
        with torch.no_grad():
            scores = scores_of(policy, torch.as_tensor(seen, device=policy.device)).cpu()  # (n, 1 + 2P)
        if action_masks is not None:
            scores = scores.masked_fill(~torch.as_tensor(action_masks, dtype=torch.bool), -torch.inf)
        return scores.argmax(dim=1).numpy(), state
