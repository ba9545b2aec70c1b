"""Policies by name: hand-coded rules with their options, random play, trained networks."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path

from tessera_env.observation.layout import Layout
from tessera_env.policies.learned import LearnedPolicy, PolicyError
from tessera_env.policies.pretrained import PREFIX, pretrained_folder, pretrained_names
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

POLICIES: dict[str, Callable[..., Policy]] = {
    "greedy": Greedy,
    "on_demand_fallback": OnDemandFallback,
    "on_demand_only": OnDemandOnly,
    "random": Random,
    "greedy_safety_net": GreedySafetyNet,
    "uniform_progress": UniformProgress,
    "uniform_progress_plain": UniformProgressPlain,
    "time_sliced": TimeSliced,
    "slack_threshold": SlackThreshold,
}

# How an option's value is written, by its type; short enough to be read and to be shown.
_NUMBERS: dict[type, tuple[re.Pattern[str], str]] = {
    int: (re.compile(r"[0-9]{1,20}"), "a whole number"),
    float: (re.compile(r"-?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})"), "a number such as 0.05"),
}


def make_policy(name_or_path: str | Path, layout: Layout, seed: int = 0) -> Policy:
    """A policy by its name, options after colons ("slack_threshold:theta=0.1"), or by the path of an exported one.

    Args:
        name_or_path: a name of `POLICIES` or of `pretrained_names()`, or a folder written by `save_policy`.
        layout: of the environment that it is to play in.
        seed: of policies that draw.

    Raises:
        ValueError: unknown name or option, or a folder that cannot be used; one line.
    """
    name, *options = str(name_or_path).split(":")
    if name in POLICIES and not isinstance(name_or_path, Path):
        return _make_named(name, options, layout, seed)
    if str(name_or_path).startswith(PREFIX) and not Path(name_or_path).is_dir():
        return _make_pretrained(str(name_or_path), layout, seed)
    if name_or_path and (Path(name_or_path).is_dir() or "/" in str(name_or_path)):
        return LearnedPolicy(name_or_path, layout, seed)
    names = ", ".join([*POLICIES, *pretrained_names()])
    raise PolicyError(f"policy: {str(name_or_path)!r} (allowed: {names}, or the folder of an exported policy)")


def _make_pretrained(name: str, layout: Layout, seed: int) -> Policy:
    policy = LearnedPolicy(pretrained_folder(name), layout, seed)
    policy.name = name
    return policy


def _make_named(name: str, options: list[str], layout: Layout, seed: int) -> Policy:
    make = POLICIES[name]
    known = {key: option.annotation for key, option in inspect.signature(make).parameters.items() if key != "layout"}
    chosen: dict[str, int | float] = {"seed": seed} if "seed" in known else {}
    for option in options:
        key, separator, value = option.partition("=")
        if key not in known or not separator:
            allowed = ", ".join(f"{key}={'X' if kind is float else 'N'}" for key, kind in known.items())
            raise PolicyError(f"policy: {name}: option {option!r} (allowed: {allowed or 'no options'})")
        chosen[key] = _number(f"policy: {name}: {key}", value, known[key])
    return make(layout, **chosen)


def _number(what: str, text: str, kind: type) -> int | float:
    pattern, words = _NUMBERS[kind]
    if not pattern.fullmatch(text):
        shown = text if len(text) <= 50 else f"{text[:50]}..."
        raise PolicyError(f"{what}: {shown!r} (allowed: {words})")
    number: int | float = kind(text)
    return number
