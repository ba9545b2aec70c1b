"""What an interruption loses of unsaved work, and when it is worth a move, since whoever moves saves all of it."""

import numpy as np

from tessera_env.observation.queue import Queue

_UNSAVED_H = 3.0  # of work at an interruption, of a task that never moves
_LEAST_GAIN = 0.3


def lost_share(queue: Queue, state_mb: np.ndarray, savable_mb: np.ndarray) -> np.ndarray:
    """The share of unsaved work that is lost, where the grace period saves so much of a state."""
    saved = np.minimum(savable_mb / np.maximum(state_mb, 1.0), 1.0)
    partly = np.where(saved >= queue.partial_fraction, 1.0 - saved, 1.0)
    return np.where(saved >= queue.full_fraction, 0.0, partly)


def gain_of(ends_per_h: np.ndarray, changeover_h: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Work done in an hour of spot, less what interruptions and moves that save cost on average.

    Args:
        ends_per_h: how often spot ends.
        changeover_h: onto an instance.
        lost: the share of unsaved work that an interruption loses.
    """
    losses = np.minimum(ends_per_h * lost * _UNSAVED_H, np.sqrt(2.0 * changeover_h * ends_per_h * lost))
    return np.maximum(1.0 - ends_per_h * changeover_h - losses, _LEAST_GAIN)


def is_worth_a_move(unsaved_h: float, lost: float, ends_per_h: float, move_h: float) -> bool:
    """Whether so much unsaved work is worth the cost of a move.

    Young's interval between two checkpoints ("A first order approximation to the optimum checkpoint interval", 1974),
    with a move for a checkpoint.
    """
    return unsaved_h**2 * ends_per_h * lost > 2.0 * move_h
