"""What acts: hand-coded rules, random play and trained networks, all through one `predict`."""

from tessera_env.policies.learned import LearnedPolicy, PolicyError, save_policy
from tessera_env.policies.making import POLICIES, make_policy
from tessera_env.policies.pretrained import pretrained_names
from tessera_env.policies.protocol import Policy
from tessera_env.policies.random import Random
from tessera_env.policies.rule_policy import (
    Greedy,
    GreedySafetyNet,
    OnDemandFallback,
    OnDemandOnly,
    SlackThreshold,
    TimeSliced,
    UniformProgress,
    UniformProgressPlain,
)

__all__ = [
    "POLICIES",
    "Greedy",
    "GreedySafetyNet",
    "LearnedPolicy",
    "OnDemandFallback",
    "OnDemandOnly",
    "Policy",
    "PolicyError",
    "Random",
    "SlackThreshold",
    "TimeSliced",
    "UniformProgress",
    "UniformProgressPlain",
    "make_policy",
    "pretrained_names",
    "save_policy",
]
