"""A trained policy that plays without torch; nothing in its folder is ever executed."""

from pathlib import Path
from typing import Any

import numpy as np

from tessera_env.files.paths import expanded
from tessera_env.observation.checked import checked_masks, checked_observation
from tessera_env.observation.layout import Layout
from tessera_env.policies.card import told_of
from tessera_env.policies.folder import CARD_FILE, WEIGHTS_FILE, read_card, read_weights
from tessera_env.policies.learned_rules import LearnedRule
from tessera_env.policies.networks import BLOCK
from tessera_env.policies.player import inputs_of, player_of


class LearnedPolicy:
    """An exported network; with `deterministic` the likeliest valid action, else a draw among the valid ones.

    Or an exported rule with learned shifts ("shifted_rule", "shifted_hedge"), which draws nothing and has no logits.

    Args:
        folder: as written by `save_policy`.
        layout: of the environment that it is to play in; it may have more fields than the network reads.
        seed: of the draws where `deterministic` is False; these depend on the order of calls.
        outage: a "shifted_hedge" alone: an outage is worth so many times what it was in training; the more, the more
            available, and the dearer.

    Raises:
        PolicyError: the folder is missing, incomplete, damaged or of another format, or the observation lacks a field
            that the network reads, or means something else by it, or `outage` is not allowed; one line.
    """

    def __init__(self, folder: str | Path, layout: Layout, seed: int = 0, outage: float = 1.0) -> None:
        folder = expanded(folder)
        self.card = read_card(folder)
        self.name = folder.resolve().name
        self._layout = layout
        with told_of(str(folder / CARD_FILE)):
            self._inputs = inputs_of(self.card, layout)
        arrays = read_weights(folder, self.card.sha256)
        with told_of(str(folder / WEIGHTS_FILE)):
            self._player = player_of(self.card, arrays, layout, self._inputs, outage)
        self._generator = np.random.default_rng(seed)

    def predict(
        self,
        observation: np.ndarray,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = True,
        action_masks: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Any]:
        """See `tessera_env.policies.protocol.Policy`."""
        if isinstance(self._player, LearnedRule):
            return self._player.predict(observation, state, action_masks=action_masks)
        logits = self.logits(observation)
        if action_masks is not None:
            logits = np.where(checked_masks(action_masks, logits.shape), logits, -np.inf)
        if not deterministic:
            # The largest of logits plus Gumbel noise is a draw from their softmax (Maddison et al., 2014).
            logits = logits + self._generator.gumbel(size=logits.shape)
        actions = np.argmax(logits, axis=1)
        return actions if self.card.asked_on_spot else self._staying(observation, logits, actions), state

    def _staying(self, observation: np.ndarray, logits: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """The same, but for tasks on spot that may stay: that question was never put in training, nor learned."""
        here = self._layout.read(np.asarray(observation), "here_spot")  # (n, P)
        stay = 1 + np.argmax(here, axis=1)
        may_stay = here.any(axis=1) & np.isfinite(logits[np.arange(len(stay)), stay])
        return np.where(may_stay, stay, actions)

    def logits(self, observation: np.ndarray) -> np.ndarray:
        """(n, 1 + 2P) float32, unmasked.

        Raises:
            TypeError: it is no network.
        """
        if self._inputs is None or isinstance(self._player, LearnedRule):
            raise TypeError(f"{self.name}: a {self.card.kind} has no logits (allowed: networks)")
        inputs = self._inputs.of(checked_observation(self._layout, observation))
        count = len(inputs)
        padded = np.zeros((-(-count // BLOCK) * BLOCK, inputs.shape[1]), dtype=np.float32)
        padded[:count] = inputs
        return self._player.logits(padded)[:count]
