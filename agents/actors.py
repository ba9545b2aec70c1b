"""The network in a Stable-Baselines3 model whose largest output is the model's action."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib.ars.policies import ARSPolicy
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from sb3_contrib.qrdqn.policies import QRDQNPolicy
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import FlattenExtractor
from stable_baselines3.dqn.policies import DQNPolicy
from torch import nn

from agents.hindsight import HINDSIGHT_SIZE
from agents.networks import ACTIVATIONS, HindsightPolicy, PoolScorer
from tessera_env.observation.layout import Layout
from tessera_env.policies.networks import Activation, NetworkKind

ALGORITHMS = "A2C, ARS, DQN, MaskablePPO, PPO, QRDQN or TRPO, with an MlpPolicy"
_PASSED = (nn.Sequential, nn.Flatten, nn.Identity, nn.Dropout)  # none of them changes a value in play
_PROBE = torch.linspace(-6.0, 6.0, 241)


class Actor(NamedTuple):
    """What `tessera_env.policies.networks` makes its network of."""

    kind: NetworkKind
    activation: Activation
    tensors: dict[str, np.ndarray]


def actor_of(model: BaseAlgorithm) -> Actor:
    """The network that chooses the model's action.

    Raises:
        ValueError: none of the two kinds is it; one line.
    """
    _check_spaces(model)
    scorer = getattr(model.policy, "mlp_extractor", None)
    if isinstance(scorer, PoolScorer):
        stacks = {
            "shared": (scorer.shared,),
            "pool": (scorer.pool, scorer.pool_logits),
            "wait": (scorer.wait, scorer.wait_logit),
        }
        return Actor("pool_scorer", _activation(stacks), _tensors(stacks))
    stacks = {"layer": _chain(model)}
    tensors = _tensors(stacks)
    if isinstance(model.policy, QRDQNPolicy):
        _average_quantiles(tensors, model.policy.n_quantiles)
    return Actor("mlp", _activation(stacks), tensors)


def pool_count_of(model: BaseAlgorithm) -> int:
    """How many pools its actions are about.

    Raises:
        ValueError: they are not an environment's.
    """
    space = model.action_space
    if not isinstance(space, spaces.Discrete) or space.n < 3 or space.n % 2 == 0:
        raise ValueError(f"action_space: {space} (allowed: Discrete(1 + 2P) for P pools)")
    return (int(space.n) - 1) // 2


def seen_by(model: BaseAlgorithm, observations: np.ndarray) -> np.ndarray:
    """Observations (n, K) as its policy gets them: scaled by its VecNormalize, zeros behind where a critic saw more."""
    behind = model.observation_space.shape[0] - observations.shape[1]  # type: ignore[index]
    whole = np.pad(observations, ((0, 0), (0, behind))) if behind else observations
    scaling = model.get_vec_normalize_env()
    return whole if scaling is None else scaling.normalize_obs(whole)  # type: ignore[return-value]


def scores_of(policy: Any, observations: torch.Tensor) -> torch.Tensor:
    """What the largest of is the policy's action, (n, 1 + 2P), of what it sees (n, K)."""
    if isinstance(policy, DQNPolicy):
        return policy.q_net(observations)
    if isinstance(policy, QRDQNPolicy):
        return policy.quantile_net(observations).mean(dim=1)
    if isinstance(policy, ARSPolicy):
        return policy.action_net(observations)
    return policy.get_distribution(observations).distribution.logits


def _check_spaces(model: BaseAlgorithm) -> None:
    """Raises ValueError: the model does not see an environment's observation as it is, but for a VecNormalize."""
    space = model.observation_space
    layout = Layout.sized(pool_count_of(model), (space.shape or (0,))[0])
    size = layout.size + (HINDSIGHT_SIZE if isinstance(model.policy, HindsightPolicy) else 0)
    is_plain = isinstance(space, spaces.Box) and space.shape == (size,)
    if not is_plain or not (
        np.array_equal(space.low[: layout.size], layout.low) and np.array_equal(space.high[: layout.size], layout.high)
    ):
        raise ValueError(
            f"observation_space: {type(space).__name__} of shape {space.shape}, of which the environment's is "
            f"Box of shape {layout.low.shape} (allowed: that with its bounds; around it VecNormalize alone may scale)"
        )
    extractor = model.policy.features_extractor_class
    if extractor is not FlattenExtractor:
        raise ValueError(f"features_extractor_class: {extractor.__name__} (allowed: FlattenExtractor)")


def _chain(model: BaseAlgorithm) -> tuple[nn.Module, ...]:
    """What an observation goes through until there is a number for each action."""
    policy = model.policy
    if isinstance(policy, DQNPolicy):
        return (policy.q_net.q_net,)
    if isinstance(policy, QRDQNPolicy):
        return (policy.quantile_net.quantile_net,)
    if isinstance(policy, ARSPolicy):
        return (policy.action_net,)
    known = (ActorCriticPolicy, MaskableActorCriticPolicy)
    if not isinstance(policy, known) or isinstance(policy, RecurrentActorCriticPolicy):
        raise ValueError(f"model: {type(model).__name__} with {type(policy).__name__} (allowed: {ALGORITHMS})")
    hidden = getattr(policy.mlp_extractor, "policy_net", None)
    if not isinstance(hidden, nn.Sequential):
        raise ValueError(f"mlp_extractor: {type(policy.mlp_extractor).__name__} (allowed: MlpExtractor, PoolScorer)")
    return hidden, policy.action_net


def _leaves(modules: Sequence[nn.Module]) -> list[nn.Module]:
    """The layers in their order: linear ones, with an activation between each two.

    Raises:
        ValueError: there is something else.
    """
    inside = [one for module in modules for one in module.modules() if not isinstance(one, _PASSED)]
    for k, one in enumerate(inside):
        if isinstance(one, nn.Linear) == bool(k % 2):
            raise ValueError(f"layers: {one} is number {k + 1} (allowed: Linear, activation, Linear, activation, ...)")
    return inside


def _activation(stacks: dict[str, tuple[nn.Module, ...]]) -> Activation:
    """The name of what stands between all the linear layers; of nothing there, the card's own default."""
    named = dict.fromkeys(_name_of(one) for modules in stacks.values() for one in _leaves(modules)[1::2])
    if len(named) > 1:
        raise ValueError(f"activation: {' and '.join(named)} (allowed: one for all layers)")
    return next(iter(named), "tanh")


def _name_of(module: nn.Module) -> Activation:
    for name, known in ACTIVATIONS.items():
        if type(module) is known and torch.equal(module(_PROBE.clone()), known()(_PROBE.clone())):
            return name
    raise ValueError(f"activation: {module} (allowed: {', '.join(ACTIVATIONS)}, with torch's own settings)")


def _tensors(stacks: dict[str, tuple[nn.Module, ...]]) -> dict[str, np.ndarray]:
    """The linear layers' weights by the names of `tessera_env.policies.networks`."""
    tensors = {}
    for name, modules in stacks.items():
        for i, layer in enumerate(_leaves(modules)[::2]):
            bias = torch.zeros(len(layer.weight)) if layer.bias is None else layer.bias
            for part, values in (("weight", layer.weight), ("bias", bias)):
                tensors[f"{name}.{i}.{part}"] = values.detach().cpu().numpy().astype(np.float32)
    return tensors


def _average_quantiles(tensors: dict[str, np.ndarray], count: int) -> None:
    """Let the last layer give each action's mean, where it gave its quantiles: the mean of a linear layer is one."""
    last = len(tensors) // 2 - 1
    for part in ("weight", "bias"):
        values = tensors[f"layer.{last}.{part}"]
        means = values.reshape(count, -1, *values.shape[1:]).mean(axis=0, dtype=np.float64)
        tensors[f"layer.{last}.{part}"] = means.astype(np.float32)
