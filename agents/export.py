"""A Stable-Baselines3 model as a folder that `tessera_env.policies.LearnedPolicy` runs on numpy alone."""

import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from torch import nn

from agents.networks import ACTIVATIONS, PoolScorer
from tessera_env.observation.layout import Layout
from tessera_env.policies.card import PolicyCard
from tessera_env.policies.folder import save_policy
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario

_PACKAGES = ("gymnasium", "numpy", "sb3-contrib", "stable-baselines3", "torch")


def export_policy(
    model: OnPolicyAlgorithm, folder: Path, scenario: str | Path | Scenario, training: dict[str, Any]
) -> PolicyCard:
    """Write the model's actor as `policy.safetensors` and `policy.json`; `training` are notes for the card.

    Raises:
        ValueError: `scenario`, which it was trained on, cannot be loaded.
        OSError: the folder cannot be written; a policy that was there before stays.
    """
    trained_on = load_scenario(scenario)
    pool_count = (int(model.action_space.n) - 1) // 2  # type: ignore[attr-defined]
    is_scorer = isinstance(model.policy.mlp_extractor, PoolScorer)
    card = {
        "kind": "pool_scorer" if is_scorer else "mlp",
        "activation": next(name for name, cls in ACTIVATIONS.items() if cls is model.policy.activation_fn),
        "pool_count": pool_count,
        "fields": Layout(pool_count).signatures,
        "scenario": trained_on.name,
        "masked": type(model).__name__ == "MaskablePPO",
        "asked_on_spot": trained_on.reconsider_on_spot,
        "versions": versions(),
        "training": {"algorithm": type(model).__name__, "steps": model.num_timesteps, **training},
    }
    return save_policy(folder, _tensors(model), card)


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

    def __init__(self, model: OnPolicyAlgorithm, name: str = "learned") -> None:
        self.name = name
        self._policy = model.policy

    def predict(
        self,
        observation: np.ndarray,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = True,
        action_masks: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Any]:
        """Actions (n,) int64; see `tessera_env.policies.Policy`."""
        self._policy.set_training_mode(False)
        with torch.no_grad():
            logits = self._policy.get_distribution(torch.as_tensor(observation)).distribution.logits  # (n, 1 + 2P)
        if action_masks is not None:
            logits = logits.masked_fill(~torch.as_tensor(action_masks, dtype=torch.bool), -torch.inf)
        return logits.argmax(dim=1).numpy(), state


def _tensors(model: OnPolicyAlgorithm) -> dict[str, np.ndarray]:
    """The actor's weights by the names of `tessera_env.policies.networks`."""
    extractor, action_net = model.policy.mlp_extractor, model.policy.action_net
    if not isinstance(extractor, PoolScorer):
        return _stack("layer", extractor.policy_net, action_net)
    return (
        _stack("shared", extractor.shared)
        | _stack("pool", extractor.pool, extractor.pool_logits)
        | _stack("wait", extractor.wait, extractor.wait_logit)
    )


def _stack(name: str, *modules: nn.Module) -> dict[str, np.ndarray]:
    layers = [layer for module in modules for layer in module.modules() if isinstance(layer, nn.Linear)]
    return {
        f"{name}.{i}.{part}": getattr(layer, part).detach().numpy().astype(np.float32)
        for i, layer in enumerate(layers)
        for part in ("weight", "bias")
    }
