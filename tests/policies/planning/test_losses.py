"""What interruptions lose, and what it is worth."""

import numpy as np
import pytest

from tessera_env.policies.planning.losses import gain_of, is_worth_a_move, lost_share
from tests.policies.planning.tables import queue


@pytest.mark.parametrize(
    ("state_mb", "lost"), [(0.0, 0.0), (18_750.0, 0.0), (20_000.0, 0.25), (50_000.0, 0.7), (50_001.0, 1.0)]
)
def test_the_share_of_unsaved_work_that_is_lost(state_mb: float, lost: float) -> None:
    assert lost_share(queue({}), np.array(state_mb), np.array(15_000.0)) == pytest.approx(lost)


def test_without_notice_all_is_lost() -> None:
    assert lost_share(queue({}), np.array(1.0), np.array(0.0)) == 1.0


def test_a_move_saves_once_in_young_s_interval() -> None:
    """One end in 4 h, moves of 0.125 h: every hour."""
    assert not is_worth_a_move(0.99, 1.0, 0.25, 0.125)
    assert is_worth_a_move(1.01, 1.0, 0.25, 0.125)
    assert not is_worth_a_move(9.0, 0.0, 0.25, 0.125)


def test_what_an_hour_of_spot_gains() -> None:
    ends_per_h, changeover_h = np.full(2, 0.25), np.full(2, 0.08)
    assert gain_of(ends_per_h, changeover_h, np.array([0.0, 1.0])) == pytest.approx([0.98, 0.78])
