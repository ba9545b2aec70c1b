"""What policies are given, checked at the edge."""

import numpy as np

from tessera_env.observation.layout import Layout


def checked_observation(layout: Layout, observation: np.ndarray) -> np.ndarray:
    """The observation, if its shape is (n, K).

    Raises:
        ValueError: it is not.
    """
    observation = np.asarray(observation)
    if observation.ndim != 2 or observation.shape[1] != layout.size:
        raise ValueError(f"observation: shape {observation.shape} (allowed: (n, {layout.size}))")
    return observation


def checked_masks(action_masks: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The masks as bool, if their shape fits.

    Raises:
        ValueError: it does not.
    """
    masks = np.asarray(action_masks, dtype=bool)
    if masks.shape != shape:
        raise ValueError(f"action_masks: shape {masks.shape} (allowed: {shape})")
    return masks


def checked_question(
    layout: Layout, observation: np.ndarray, action_masks: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The observation (n, K) and the masks (n, 1 + 2P) bool; without masks every action is valid.

    Raises:
        ValueError: a shape does not fit.
    """
    observation = checked_observation(layout, observation)
    shape = (len(observation), 1 + 2 * layout.pool_count)
    return observation, np.ones(shape, dtype=bool) if action_masks is None else checked_masks(action_masks, shape)
