"""The pool-shared scorer: one small net looks at every pool, so its weights work for any number of pools.

    shared   the clock, the task and the fleet          -> context
    pool     context and one pool's fields              -> what is to say about that pool -> 2 logits (spot, on-demand)
    wait     context and the mean over the pools        -> 1 logit (WAIT)
    value    context and the mean over the pools        -> the value of the state

With a separate critic the value has a context and a look at the pools of its own, and shares no weight with the logits:
what a state is worth and where to place a task ask for unlike features, and the larger loss would shape them.

Logits come in the order of the actions: WAIT, SPOT in each pool, ON_DEMAND in each pool.
"""

from collections.abc import Sequence
from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import nn

from agents.hindsight import HINDSIGHT_SIZE
from tessera_env.observation.layout import Layout
from tessera_env.policies.networks import Activation

ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
}


def mlp(inputs: int, hidden: Sequence[int], activation: type[nn.Module]) -> nn.Sequential:
    """Linear layers, each followed by the activation."""
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Linear(inputs, width), activation()]
        inputs = width
    return nn.Sequential(*layers)


class PoolScorer(nn.Module):
    """Observations (n, K) to logits (n, 1 + 2P) and value features; stands where SB3 has its `MlpExtractor`."""

    def __init__(
        self, layout: Layout, hidden: Sequence[int], activation: type[nn.Module], separate_critic: bool = False
    ) -> None:
        super().__init__()
        pool_count = self.pool_count = layout.pool_count
        self.first_pool_index = layout.first_pool_index
        width = hidden[-1]
        self.shared = mlp(layout.first_pool_index, hidden, activation)
        self.pool = mlp(width + layout.pool_field_count, hidden, activation)
        self.pool_logits = nn.Linear(width, 2)
        self.wait = mlp(2 * width, hidden, activation)
        self.wait_logit = nn.Linear(width, 1)
        self.value = mlp(2 * width, hidden, activation)
        self.separate_critic = separate_critic
        if separate_critic:
            self.value_shared = mlp(layout.first_pool_index, hidden, activation)
            self.value_pool = mlp(width + layout.pool_field_count, hidden, activation)
        self.latent_dim_pi = 1 + 2 * pool_count
        self.latent_dim_vf = width

    def forward(self, observations: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (n, 1 + 2P) and value features (n, width)."""
        pools, summary = self._encode(observations, self.shared, self.pool)
        if self.separate_critic:
            return self._logits(pools, summary), self.forward_critic(observations)
        return self._logits(pools, summary), self.value(summary)

    def forward_actor(self, observations: torch.Tensor) -> torch.Tensor:
        """Logits (n, 1 + 2P)."""
        return self._logits(*self._encode(observations, self.shared, self.pool))

    def forward_critic(self, observations: torch.Tensor) -> torch.Tensor:
        """Value features (n, width)."""
        shared, pool = (self.value_shared, self.value_pool) if self.separate_critic else (self.shared, self.pool)
        return self.value(self._encode(observations, shared, pool)[1])

    def _encode(
        self, observations: torch.Tensor, shared: nn.Module, pool: nn.Module
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What is to say about each pool (n, P, width), and the context beside its mean over the pools (n, 2 width)."""
        context = shared(observations[:, : self.first_pool_index])
        fields = observations[:, self.first_pool_index :].unflatten(1, (self.pool_count, -1))
        pools = pool(torch.cat([context.unsqueeze(1).expand(-1, self.pool_count, -1), fields], dim=2))
        return pools, torch.cat([context, pools.mean(dim=1)], dim=1)

    def _logits(self, pools: torch.Tensor, summary: torch.Tensor) -> torch.Tensor:
        wait = self.wait_logit(self.wait(summary))
        return torch.cat([wait, self.pool_logits(pools).transpose(1, 2).flatten(1)], dim=1)


class _PoolScorerMixin:
    """Puts a PoolScorer into an SB3 actor-critic policy, which has then no action layer of its own."""

    net_arch: Any
    activation_fn: type[nn.Module]
    action_space: spaces.Discrete
    observation_space: spaces.Box
    action_net: nn.Module
    mlp_extractor: nn.Module

    def __init__(self, *args: Any, separate_critic: bool = False, **kwargs: Any) -> None:
        self.separate_critic = separate_critic
        super().__init__(*args, **kwargs)

    def _build_mlp_extractor(self) -> None:
        layout = Layout.sized((int(self.action_space.n) - 1) // 2, self.observation_space.shape[0])
        self.mlp_extractor = PoolScorer(layout, self.net_arch, self.activation_fn, self.separate_critic)

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)  # type: ignore[misc]
        self.action_net = nn.Identity()
        for layer in (self.mlp_extractor.pool_logits, self.mlp_extractor.wait_logit):
            # As SB3 starts its action layer: hardly any preference at first.
            self.init_weights(layer, gain=0.01)  # type: ignore[attr-defined]
        self.optimizer = self.optimizer_class(  # type: ignore[attr-defined]
            self.parameters(),
            lr=lr_schedule(1),
            **self.optimizer_kwargs,  # type: ignore[attr-defined]
        )


class HindsightMlp(nn.Module):
    """Two nets: the actor's over the observation, the critic's over the future behind it, too."""

    def __init__(self, inputs: int, hidden: Sequence[int], activation: type[nn.Module]) -> None:
        super().__init__()
        self.observation_size = inputs - HINDSIGHT_SIZE
        self.policy_net = mlp(self.observation_size, hidden, activation)
        self.value_net = mlp(inputs, hidden, activation)
        self.latent_dim_pi = self.latent_dim_vf = hidden[-1]

    def forward(self, observations: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Policy features and value features, (n, width) each."""
        return self.forward_actor(observations), self.forward_critic(observations)

    def forward_actor(self, observations: torch.Tensor) -> torch.Tensor:
        """Policy features (n, width) from (n, K), with or without the future behind it."""
        return self.policy_net(observations[:, : self.observation_size])

    def forward_critic(self, observations: torch.Tensor) -> torch.Tensor:
        """Value features (n, width) from (n, K + HINDSIGHT_SIZE)."""
        return self.value_net(observations)


class HindsightPolicy(MaskableActorCriticPolicy):
    """An MLP for MaskablePPO whose critic sees the future; `net_arch` is the list of hidden widths."""

    def _build_mlp_extractor(self) -> None:
        inputs = int(self.observation_space.shape[0])
        self.mlp_extractor = HindsightMlp(inputs, self.net_arch, self.activation_fn)


class PoolScorerPolicy(_PoolScorerMixin, ActorCriticPolicy):
    """The pool-shared scorer for PPO; `net_arch` is the list of hidden widths."""


class MaskablePoolScorerPolicy(_PoolScorerMixin, MaskableActorCriticPolicy):
    """The pool-shared scorer for MaskablePPO; `net_arch` is the list of hidden widths."""


def logit_layers(policy: ActorCriticPolicy | MaskableActorCriticPolicy) -> list[nn.Module]:
    """The layers that give the policy's logits."""
    extractor = policy.mlp_extractor
    return [extractor.pool_logits, extractor.wait_logit] if isinstance(extractor, PoolScorer) else [policy.action_net]


def actor_parameters(policy: ActorCriticPolicy | MaskableActorCriticPolicy) -> list[nn.Parameter]:
    """The weights that the logits depend on; where the critic shares some of them, those too."""
    of_the_critic = ("value_net.", "mlp_extractor.value")
    return [weight for name, weight in policy.named_parameters() if not name.startswith(of_the_critic)]


def policy_arguments(
    net: str,
    algorithm: str,
    hidden: Sequence[int],
    activation: Activation,
    critic_sees: str = "observation",
    separate_critic: bool = False,
) -> dict[str, Any]:
    """`policy` and `policy_kwargs` of an SB3 algorithm."""
    policies: dict[tuple[str, str], Any] = {
        ("mlp", "PPO"): "MlpPolicy",
        ("mlp", "MaskablePPO"): "MlpPolicy",
        ("pool_scorer", "PPO"): PoolScorerPolicy,
        ("pool_scorer", "MaskablePPO"): MaskablePoolScorerPolicy,
    }
    settings = {"net_arch": list(hidden), "activation_fn": ACTIVATIONS[activation]}
    if net == "pool_scorer":
        settings["separate_critic"] = separate_critic
    policy = HindsightPolicy if critic_sees == "future" else policies[net, algorithm]
    return {"policy": policy, "policy_kwargs": settings}
