"""Policies by name: hand-coded rules, random play, trained networks, and classes of one's own, with their options."""

import importlib
import inspect
import re
from collections.abc import Callable
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import Any

from tessera_env.files.paths import expanded
from tessera_env.observation.layout import Layout
from tessera_env.policies.card import PolicyError
from tessera_env.policies.learned import LearnedPolicy
from tessera_env.policies.planning.rolling_plan import RollingPlan
from tessera_env.policies.pretrained import PREFIX, pretrained_folder, pretrained_names
from tessera_env.policies.protocol import Policy
from tessera_env.policies.random import Random
from tessera_env.policies.rules.choice import RULES
from tessera_env.policies.rules.rule_policy import RulePolicy

POLICIES: dict[str, Callable[..., Policy]] = {
    **{rule.name: rule for rule in RULES},
    RollingPlan.name: RollingPlan,
    Random.name: Random,
}


def fitting_policies(layout: Layout) -> list[str]:
    """The names of `POLICIES` that can play in an environment of this layout."""
    return [name for name, policy in POLICIES.items() if _fits(policy, layout)]


def _fits(policy: Callable[..., Policy], layout: Layout) -> bool:
    if isinstance(policy, type) and issubclass(policy, RulePolicy):
        return policy.for_services if layout.has_services else policy.for_tasks_alone
    return policy is Random or not layout.has_services


# How an option's value is written, by its type; short enough to be read and to be shown.
_NUMBERS: dict[type, tuple[re.Pattern[str], str]] = {
    int: (re.compile(r"[0-9]{1,20}"), "a whole number"),
    float: (re.compile(r"-?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})"), "a number such as 0.05"),
}
_CLASS = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_]\w*)((?::[^:]*)*)")  # module:Class and its options


def make_policy(name_or_path: str | Path, layout: Layout, seed: int = 0) -> Policy:
    """A policy by its name, options after colons ("slack_threshold:theta=0.1"), its class, or its folder.

    Args:
        name_or_path: a name of `POLICIES` or of `pretrained_names()`; "module:Class" of one's own, which is called with
            the layout and its options; or a folder written by `save_policy`.
        layout: of the environment that it is to play in.
        seed: of policies that draw.

    Raises:
        ValueError: unknown name or option, a class that makes no policy, or a folder that cannot be used; one line.
    """
    text = str(name_or_path)
    name, *options = text.split(":")
    if name in POLICIES and not isinstance(name_or_path, Path):
        return _made(name, POLICIES[name], options, layout, seed)
    if text.startswith(PREFIX) and not expanded(name_or_path).is_dir():
        return _make_pretrained(text, layout, seed)
    if text and (expanded(name_or_path).is_dir() or "/" in text):
        return LearnedPolicy(name_or_path, layout, seed)
    if found := _CLASS.fullmatch(text):
        return _make_own(text, found[1], found[2], found[3].split(":")[1:], layout, seed)
    names = ", ".join([*POLICIES, *pretrained_names()])
    raise PolicyError(f"policy: {text!r} (allowed: {names}, module:Class, or the folder of an exported policy)")


def _make_pretrained(text: str, layout: Layout, seed: int) -> Policy:
    name, *options = text.split(":")
    policy = _made(name, partial(LearnedPolicy, pretrained_folder(name)), options, layout, seed)
    policy.name = text
    return policy


def _make_own(text: str, module: str, name: str, options: list[str], layout: Layout, seed: int) -> Policy:
    """A policy of a class outside the package; it is called as it was named, to tell two of a class apart."""
    try:
        make = getattr(importlib.import_module(module), name, None)
    except Exception as error:  # whatever the module does as it is imported
        reason = " ".join(str(error).split())
        raise PolicyError(f"policy: {text!r}: importing {module} failed ({type(error).__name__}: {reason})") from None
    if not callable(make):
        raise PolicyError(f"policy: {text!r}: {module} has no class {name}")
    try:
        policy = _made(f"{module}:{name}", make, options, layout, seed)
    except PolicyError:
        raise
    except Exception as error:  # whatever the class does as it is made
        reason = " ".join(str(error).split())
        raise PolicyError(f"policy: {text!r}: making it failed ({type(error).__name__}: {reason})") from error
    if not callable(getattr(policy, "predict", None)):
        raise PolicyError(f"policy: {text!r}: {name} has no predict (see tessera_env.policies.Policy)")
    policy.name = text
    return policy


def _made(name: str, make: Callable[..., Policy], options: list[str], layout: Layout, seed: int) -> Policy:
    known = _options_of(name, make)
    chosen: dict[str, Any] = {"seed": seed} if "seed" in known else {}
    for option in options:
        key, separator, value = option.partition("=")
        if key not in known or not separator:
            allowed = ", ".join(f"{key}={'X' if kind is float else 'N'}" for key, kind in known.items())
            raise PolicyError(f"policy: {name}: option {option!r} (allowed: {allowed or 'no options'})")
        chosen[key] = _number(f"policy: {name}: {key}", value, known[key])
    return make(layout, **chosen)


def _options_of(name: str, make: Callable[..., Policy]) -> dict[str, type]:
    """The type of each option by name: whatever is a number among what the class takes beside the layout.

    Raises:
        PolicyError: it cannot be called with a layout and options.
    """
    try:
        signature = inspect.signature(make, eval_str=True)
        signature.bind("layout")
    except (NameError, TypeError, ValueError) as error:
        raise PolicyError(f"policy: {name}: cannot be made from a layout alone ({error})") from None
    _, *parameters = signature.parameters.values()
    named = [one for one in parameters if one.kind is not one.VAR_KEYWORD]
    return {one.name: one.annotation for one in named if one.annotation in _NUMBERS or _is_choice(one.annotation)}


def _is_choice(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, IntEnum)


def _number(what: str, text: str, kind: Any) -> int | float:
    if _is_choice(kind):
        if text.upper() not in kind.__members__:
            allowed = ", ".join(member.lower() for member in kind.__members__)
            raise PolicyError(f"{what}: {text[:50]!r} (allowed: {allowed})")
        return kind[text.upper()]
    pattern, words = _NUMBERS[kind]
    if not pattern.fullmatch(text):
        shown = text if len(text) <= 50 else f"{text[:50]}..."
        raise PolicyError(f"{what}: {shown!r} (allowed: {words})")
    number: int | float = kind(text)
    return number
