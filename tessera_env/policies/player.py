"""What a card and its tensors make: a network with its inputs, or a rule with learned shifts; checked once."""

from typing import NamedTuple

import numpy as np

from tessera_env.observation.layout import Layout
from tessera_env.policies.card import SHIFTED_RULE, PolicyCard
from tessera_env.policies.inputs import Inputs, known_names
from tessera_env.policies.networks import Network, build_network
from tessera_env.policies.shifting.policy import READ, ShiftedRule, Shifts


class NetworkPlayer(NamedTuple):
    """A network, and what it is given of an observation."""

    inputs: Inputs
    network: Network


def player_of(card: PolicyCard, arrays: dict[str, np.ndarray], layout: Layout) -> NetworkPlayer | ShiftedRule:
    """What plays.

    Raises:
        ValueError: a tensor does not fit, or the layout lacks a field that is read, or means something else by it.
    """
    check_fields(card, layout)
    if card.kind == "shifted_rule":
        return ShiftedRule(layout, Shifts.of_tensors(arrays))
    inputs = Inputs(card, layout)
    return NetworkPlayer(inputs, build_network(card.kind, card.activation, arrays, inputs.widths))


def check_fields(card: PolicyCard, layout: Layout) -> None:
    """Raises ValueError: the layout lacks a field that is read, or means something else by it."""
    if card.kind != SHIFTED_RULE:
        Inputs(card, layout)
        return
    if differing := set(READ) ^ set(known_names(card.fields, layout)):
        raise ValueError(f"fields: {', '.join(sorted(differing))} (allowed for shifted_rule: {', '.join(READ)})")
