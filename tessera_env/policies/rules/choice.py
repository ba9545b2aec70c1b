"""All rules of this folder as one compiled function, by which the engine plays any of them."""

import importlib
import pkgutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tessera_env.jit.compiled import compiled, with_globals
from tessera_env.policies.rules.rule_policy import (
    FARTHEST,
    NUMBERS,
    Rank,
    RulePolicy,
    chooser_of,
    filled,
    options_of,
)
from tessera_env.world.parameters import new_table


def _rules() -> tuple[type[RulePolicy], ...]:
    """The rules that the folder's files define, by name."""
    names = [f"{__package__}.{module.name}" for module in pkgutil.iter_modules([str(Path(__file__).parent)])]
    modules = [importlib.import_module(name) for name in names if name != __name__]
    found = {
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, RulePolicy) and kind is not RulePolicy
    }
    return tuple(sorted(found, key=lambda rule: rule.name))


RULES = _rules()


def record_of(rules: Iterable[type[RulePolicy]]) -> np.dtype:
    """Which rule, and the options of all: those of one name share a place, of floats if one of them is a float."""
    options: dict[str, type] = {}
    for rule in rules:
        for name, kind in options_of(rule).items():
            options[name] = float if float in (kind, options.get(name)) else kind
    return np.dtype([("kind", np.int64), *((name, NUMBERS[kind]) for name, kind in options.items())], align=True)


RULE = record_of(RULES)


def rule_of(policy: Any) -> np.recarray | None:
    """What the engine reads to play the policy by itself, (1,) RULE; None: it is none of these rules."""
    if type(policy) not in RULES:
        return None
    return filled(new_table(1, RULE), {"kind": RULES.index(type(policy)), **policy.options})


def _last(options, observations, env: int, action: int, pool_count: int) -> float:
    """No rule at all: nothing is better than waiting."""
    return FARTHEST


def _either(options, observations, env: int, action: int, pool_count: int) -> float:
    """The rank by this rule, or by one of those behind it."""
    if options.kind == kind:  # type: ignore[name-defined]  # noqa: F821
        return rank(options, observations, env, action, pool_count)  # type: ignore[name-defined]  # noqa: F821
    return others(options, observations, env, action, pool_count)  # type: ignore[name-defined]  # noqa: F821


def _rank_of_all() -> Rank:
    """One rank for all rules: they hang together as a chain, each link a compiled function."""
    chain: Rank = compiled(_last)
    for kind, rule in reversed(list(enumerate(RULES))):
        names = {"kind": kind, "rank": rule.rank, "others": chain}
        chain = compiled(with_globals(_either, f"rank_from_{rule.name}", **names))
    return chain


choose = chooser_of(_rank_of_all())
