"""Which world each row plays: seeds, worlds by number, and rows that go on."""

import numpy as np
import pytest

from tessera_env.simulation.worlds import Worlds, checked_seeds, checked_world, checked_worlds

ALL, FIRST = np.ones(2, dtype=bool), np.array([True, False])


def chosen(worlds: Worlds) -> list[tuple[int, int]]:
    return list(zip(worlds.seeds, worlds.episodes.tolist(), strict=True))


def test_a_seed_starts_with_world_0_and_goes_on() -> None:
    worlds = Worlds(2)
    worlds.choose(ALL, [5, 9], None, None)
    assert chosen(worlds) == [(5, 0), (9, 0)]
    worlds.choose(FIRST, [None, None], None, None)
    assert chosen(worlds) == [(5, 1), (9, 0)]
    worlds.choose(ALL, [5, None], None, None)
    assert chosen(worlds) == [(5, 0), (9, 1)]


def test_a_world_by_its_number_and_the_next_one() -> None:
    worlds = Worlds(2)
    worlds.choose(ALL, [5, 9], np.array([7, 3]), None)
    worlds.choose(FIRST, [None, None], np.array([1, 1]), None)
    assert chosen(worlds) == [(5, 1), (9, 3)]
    worlds.choose(ALL, [None, None], None, None)
    assert chosen(worlds) == [(5, 2), (9, 4)]


def test_rows_without_a_seed_draw_one_once() -> None:
    worlds, rng = Worlds(2), np.random.default_rng(3)
    worlds.choose(ALL, [None, 9], None, rng)
    drawn = np.random.default_rng(3).integers(2**63, size=2).tolist()
    assert chosen(worlds) == [(drawn[0], 0), (9, 0)]
    worlds.choose(ALL, [None, None], None, rng)
    assert chosen(worlds) == [(drawn[0], 1), (9, 1)]


def test_seeds_up_to_64_bits() -> None:
    assert checked_seeds(2**64 - 2, 2) == [2**64 - 2, 2**64 - 1]
    assert checked_seeds(None, 2) == [None, None]
    assert checked_seeds([None, np.int64(4)], 2) == [None, 4]
    for seed in (-1, 2**64 - 1, [0, 2**64], [1]):
        with pytest.raises(ValueError):
            checked_seeds(seed, 2)


def test_worlds_up_to_32_bits() -> None:
    assert checked_worlds(np.uint32(2**32 - 1), 2).tolist() == [2**32 - 1] * 2
    assert checked_worlds([1, 2], 2).tolist() == [1, 2]
    assert checked_worlds(None, 2) is None and checked_world(None) is None
    assert checked_world(3).tolist() == [3]
    for world in (-1, 2**32, 0.5, [1, 2, 3]):
        with pytest.raises(ValueError, match=r"^world: "):
            checked_worlds(world, 2)
        with pytest.raises(ValueError, match=r"^world: "):
            checked_world(world)
