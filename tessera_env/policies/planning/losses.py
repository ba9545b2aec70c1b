"""What an interruption loses of unsaved work, and when it is worth a move, since whoever moves saves all of it."""

import numpy as np

from tessera_env.observation.queue import Queue


def lost_share(queue: Queue, state_mb: np.ndarray, savable_mb: np.ndarray) -> np.ndarray:
    """The share of unsaved work that is lost, where the grace period saves so much of a state."""
    saved = np.minimum(savable_mb / np.maximum(state_mb, 1.0), 1.0)
    partly = np.where(saved >= queue.partial_fraction, 1.0 - saved, 1.0)
    return np.where(saved >= queue.full_fraction, 0.0, partly)


def is_worth_a_move(unsaved_h: float, lost: float, ends_per_h: float, move_h: float) -> bool:
    """Whether so much unsaved work is worth the cost of a move.

    Young's interval between two checkpoints ("A first order approximation to the optimum checkpoint interval", 1974),
    with a move for a checkpoint.
    """
    return unsaved_h**2 * ends_per_h * lost > 2.0 * move_h
