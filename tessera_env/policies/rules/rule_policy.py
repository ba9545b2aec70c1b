"""What all rules have in common: a compiled rank of each action, from which `predict` and the engine choose alike."""

import inspect
from collections.abc import Callable
from enum import IntEnum
from typing import Any, ClassVar

import numpy as np

from tessera_env.jit.compiled import compiled, with_globals
from tessera_env.jit.kernel import Kernel
from tessera_env.observation.checked import checked_question
from tessera_env.observation.layout import Layout
from tessera_env.world.parameters import new_table

FARTHEST = 1e300  # beyond any rank
NUMBERS = {int: np.int64, float: np.float64}  # what an option can be

Rank = Callable[..., float]


class RulePolicy:
    """A hand-coded rule: a pure function of the observation, compiled, so that the engine can play it by itself, too.

    One rule is one file of `tessera_env.policies.rules`, found there by itself: a compiled function that ranks an
    action, and a subclass that gives it a name. The valid action of the lowest rank is chosen, on ties the lowest
    action. A subclass elsewhere is a policy like any other; only the engine does not play it by itself.

    Attributes:
        name: as results and the command line call it.
        rank: `(options, observations, env, action, pool_count) -> float`, compiled; `options` has the options' names.
        options: their values; a subclass's `__init__` takes them, each int or float, checks them and hands them on.
    """

    name: str  # set by the subclass
    rank: ClassVar[Rank]
    choose_rows: ClassVar[Kernel]
    for_services: ClassVar[bool] = False  # whether it also says where services' replicas are to be
    for_tasks_alone: ClassVar[bool]  # whether it has something to say where there are no services

    def __init_subclass__(cls) -> None:
        cls.choose_rows = _kernel_of(cls)
        if "for_tasks_alone" not in cls.__dict__:
            cls.for_tasks_alone = not cls.for_services

    def __init__(self, layout: Layout, **options: float) -> None:
        if not self.for_services:
            layout.refuse_services(self.name)
        if not layout.has_services and not self.for_tasks_alone:
            raise ValueError(f"{self.name}: places services' replicas (allowed where there are none: greedy, ...)")
        self.options = options
        self._layout = layout
        self._record = filled(new_table(1, options_type(type(self))), options)

    def predict(
        self,
        observation: np.ndarray,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = True,
        action_masks: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Any]:
        """See `tessera_env.policies.protocol.Policy`."""
        observation, masks = checked_question(self._layout, observation, action_masks)
        actions = np.empty(len(observation), dtype=np.int64)
        observation, masks = np.ascontiguousarray(observation, dtype=np.float32), np.ascontiguousarray(masks)
        type(self).choose_rows(self._record, observation, masks, actions)
        return actions, state


def options_of(rule: type[RulePolicy]) -> dict[str, type]:
    """The types of a rule's options by name: what its `__init__` takes beside the layout."""
    parameters = inspect.signature(rule.__init__, eval_str=True).parameters.values()
    named = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    kinds = {one.name: one.annotation for one in named if one.name not in ("self", "layout")}
    return {name: int if issubclass(kind, IntEnum) else kind for name, kind in kinds.items()}


def options_type(rule: type[RulePolicy]) -> np.dtype:
    """The record of a rule's options, as compiled code reads it."""
    fields = [(name, NUMBERS[kind]) for name, kind in options_of(rule).items()]
    # A record needs a field. Numba takes one that begins like another for its kin, so that no two may begin alike.
    return np.dtype([(f"is_{rule.name}", np.int64), *fields], align=True)


def filled(table: np.recarray, values: dict[str, float]) -> np.recarray:
    """The table of one record, with these values."""
    for name, value in values.items():
        table[name] = value
    return table


def chooser_of(rank: Rank) -> Callable[..., int]:
    """The compiled `(options, observations, masks, env) -> action` of a rank."""
    return compiled(with_globals(_choose, f"choose_by_{rank.__name__}", rank=rank))


def _choose(options, observations, masks, env: int) -> int:
    """The valid action of lowest rank; WAIT where the mask allows nothing."""
    best, lowest = 0, FARTHEST
    for action in range(masks.shape[1]):
        if masks[env, action]:
            place = rank(options, observations, env, action, masks.shape[1] // 2)  # type: ignore[name-defined]  # noqa: F821
            if place < lowest:
                best, lowest = action, place
    return best


def _choose_rows(options, observations, masks, actions) -> None:
    """Write the rule's action of each row."""
    for env in range(actions.shape[0]):
        actions[env] = choose(options[0], observations, masks, env)  # type: ignore[name-defined]  # noqa: F821


def _kernel_of(rule: type[RulePolicy]) -> Kernel:
    """The rule's own entry point. Of a rule outside the package it is not kept on disk: its source is not watched."""
    function = with_globals(_choose_rows, f"choose_rows_by_{rule.name}", choose=chooser_of(rule.rank))
    return Kernel(function, cached=rule.__module__.startswith(f"{__package__}."))
