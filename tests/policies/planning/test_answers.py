"""From a wish to an action, with two pools: 0 WAIT, 1 and 2 SPOT, 3 and 4 ON_DEMAND."""

import numpy as np
import pytest

from tessera_env.policies.planning.answers import Wish, answer, wish_for
from tessera_env.policies.planning.outlook import Outlook
from tests.policies.planning.tables import queue

ALL = np.ones(5, dtype=bool)


def outlook(*free: bool) -> Outlook:
    """Two pools of one spot instance each."""
    ones = np.ones(2)
    return Outlook(ones, ones, ones, ones, 0.2 * ones, 0.1 * ones, np.array(free))


def chosen(
    wish: Wish, *free: bool, here: int = 0, stay_usd_per_h: float = 0.5, mask: np.ndarray = ALL, second: float = 0.9
) -> int:
    """The answer where an hour of spot costs 1 $ in pool 0, and `second` in pool 1."""
    return answer(wish, queue({"placement": here}), outlook(*free), np.array([1.0, second]), stay_usd_per_h, mask)


@pytest.mark.parametrize(
    ("spot_h", "on_demand_h", "cannot_wait", "wish"),
    [
        (0.5, 0.0, False, Wish.SPOT),
        (0.5, 0.0, True, Wish.SPOT_AT_ONCE),
        (0.2, 0.3, True, Wish.ON_DEMAND),
        (0.05, 0.0, False, Wish.WAIT),
        (0.0, 0.05, True, Wish.WAIT),
        (0.0, 0.0, True, Wish.WAIT),
    ],
)
def test_wishes(spot_h: float, on_demand_h: float, cannot_wait: bool, wish: Wish) -> None:
    assert wish_for(spot_h, on_demand_h, 0.5, cannot_wait) == wish


def test_the_cheapest_spot_that_is_to_be_had() -> None:
    assert chosen(Wish.SPOT, True, True) == 2
    assert chosen(Wish.SPOT, True, False) == 1


def test_without_spot_it_waits_or_buys() -> None:
    assert chosen(Wish.SPOT, False, False) == 0
    assert chosen(Wish.SPOT_AT_ONCE, False, False) == 3
    assert chosen(Wish.SPOT_AT_ONCE, False, False, here=4) == 4


def test_it_stays_unless_another_is_cheaper_by_more_than_a_move() -> None:
    assert chosen(Wish.SPOT, True, True, here=1) == 1
    assert chosen(Wish.SPOT, True, True, here=1, second=0.4) == 2
    assert chosen(Wish.SPOT, False, False, here=1) == 1


def test_it_moves_to_save() -> None:
    assert chosen(Wish.SPOT, True, True, here=1, stay_usd_per_h=-100.0) == 2
    assert chosen(Wish.SPOT, True, False, here=2, stay_usd_per_h=-100.0) == 1
    assert chosen(Wish.SPOT, False, False, here=1, stay_usd_per_h=-100.0) == 1


def test_it_pauses() -> None:
    assert chosen(Wish.WAIT, True, True, here=1) == 0
    assert chosen(Wish.WAIT, True, True, here=3) == 0


def test_it_falls_back_along_the_mask() -> None:
    cannot_wait = np.array([False, True, True, True, True])
    assert chosen(Wish.WAIT, True, True, mask=cannot_wait) == 2
    assert chosen(Wish.WAIT, False, False, mask=cannot_wait) == 3
    assert chosen(Wish.SPOT, False, False, mask=cannot_wait) == 3
    assert chosen(Wish.SPOT, True, True, mask=np.array([False, False, False, False, True])) == 4
    assert chosen(Wish.SPOT, True, True, mask=np.zeros(5, dtype=bool)) == 0
