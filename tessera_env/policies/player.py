"""What a card and its tensors make: a network, or a rule with learned weights."""

import numpy as np

from tessera_env.observation.layout import Layout
from tessera_env.policies.card import PolicyCard
from tessera_env.policies.hedging.policy import Hedges
from tessera_env.policies.inputs import Inputs, known_names
from tessera_env.policies.learned_rules import LEARNED_RULES, LearnedRule
from tessera_env.policies.networks import Network, build_network


def inputs_of(card: PolicyCard, layout: Layout) -> Inputs | None:
    """What a network is given of an observation; None: the card is a rule's, which reads the observation itself.

    Raises:
        ValueError: the layout lacks a field that is read, or means something else by it.
    """
    rule = LEARNED_RULES.get(card.kind)
    if rule is None:
        return Inputs(card, layout)
    if layout.has_services_beside:
        raise ValueError("services beside tasks: no trained policy places both (allowed: rules, such as spot_hedge)")
    if differing := set(rule.read) ^ set(known_names(card.fields, layout)):
        raise ValueError(f"fields: {', '.join(sorted(differing))} (allowed for {card.kind}: {', '.join(rule.read)})")
    return None


def player_of(
    card: PolicyCard, arrays: dict[str, np.ndarray], layout: Layout, inputs: Inputs | None, outage: float = 1.0
) -> Network | LearnedRule:
    """What plays, with `inputs` as from `inputs_of`, and an outage that is worth so many times what it was in training.

    Raises:
        ValueError: a tensor does not fit, or `outage` is not allowed.
    """
    if outage != 1.0 and card.kind != Hedges.kind:
        raise ValueError(f"outage: {outage:g} (allowed for a {card.kind}: 1; others for a {Hedges.kind})")
    if not 0.01 <= outage <= 100.0:
        raise ValueError(f"outage: {outage:g} (allowed: 0.01 to 100)")
    if card.kind == "shifted_hedge":
        return LearnedRule(layout, Hedges.of_tensors(arrays).weighing(outage))
    if inputs is None or card.kind == "shifted_rule":
        return LearnedRule(layout, LEARNED_RULES[card.kind].of_tensors(arrays))
    return build_network(card.kind, card.activation, arrays, inputs.widths)
