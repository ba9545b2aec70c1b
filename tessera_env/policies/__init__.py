"""What acts: hand-coded rules, random play and trained networks, all through one `predict`."""

from tessera_env.policies.card import PolicyError
from tessera_env.policies.folder import save_policy
from tessera_env.policies.learned import LearnedPolicy
from tessera_env.policies.making import POLICIES, make_policy
from tessera_env.policies.planning.rolling_plan import RollingPlan
from tessera_env.policies.pretrained import pretrained_names
from tessera_env.policies.protocol import Policy, QueuePolicy
from tessera_env.policies.random import Random
from tessera_env.policies.rules.greedy import Greedy
from tessera_env.policies.rules.greedy_safety_net import GreedySafetyNet
from tessera_env.policies.rules.on_demand_fallback import OnDemandFallback
from tessera_env.policies.rules.on_demand_only import OnDemandOnly
from tessera_env.policies.rules.slack_threshold import SlackThreshold
from tessera_env.policies.rules.time_sliced import TimeSliced
from tessera_env.policies.rules.uniform_progress import UniformProgress
from tessera_env.policies.rules.uniform_progress_plain import UniformProgressPlain

__all__ = [
    "POLICIES",
    "Greedy",
    "GreedySafetyNet",
    "LearnedPolicy",
    "OnDemandFallback",
    "OnDemandOnly",
    "Policy",
    "PolicyError",
    "QueuePolicy",
    "Random",
    "RollingPlan",
    "SlackThreshold",
    "TimeSliced",
    "UniformProgress",
    "UniformProgressPlain",
    "make_policy",
    "pretrained_names",
    "save_policy",
]
