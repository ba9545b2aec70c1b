"""What a card and its tensors make: a network, or a rule with learned shifts."""

import numpy as np

from tessera_env.observation.layout import Layout
from tessera_env.policies.card import PolicyCard
from tessera_env.policies.inputs import Inputs, known_names
from tessera_env.policies.networks import Network, build_network
from tessera_env.policies.shifting.policy import READ, ShiftedRule, Shifts


def inputs_of(card: PolicyCard, layout: Layout) -> Inputs | None:
    """What a network is given of an observation; None: the card is a rule's, which reads the observation itself.

    Raises:
        ValueError: the layout lacks a field that is read, or means something else by it.
    """
    if card.kind != "shifted_rule":
        return Inputs(card, layout)
    if differing := set(READ) ^ set(known_names(card.fields, layout)):
        raise ValueError(f"fields: {', '.join(sorted(differing))} (allowed for shifted_rule: {', '.join(READ)})")
    return None


def player_of(
    card: PolicyCard, arrays: dict[str, np.ndarray], layout: Layout, inputs: Inputs | None
) -> Network | ShiftedRule:
    """What plays, with `inputs` as from `inputs_of`.

    Raises:
        ValueError: a tensor does not fit.
    """
    if card.kind == "shifted_rule" or inputs is None:
        return ShiftedRule(layout, Shifts.of_tensors(arrays))
    return build_network(card.kind, card.activation, arrays, inputs.widths)
