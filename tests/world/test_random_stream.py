"""The random streams: Philox's published vectors, the moments of each distribution, and independence of addresses."""

import math

import numpy as np
import pytest
from scipy import stats

from tessera_env.world.parameters import new_table
from tessera_env.world.random_stream import WORLD, Purpose, _open_unit, exponential, normal, philox, seed_words, uniform

ONES = 0xFFFFFFFF
DRAWS = 20_000


def world(seed: int = 0, episode: int = 0):
    """The address of a world."""
    record = new_table(1, WORLD)[0]
    record.seed_low, record.seed_high = seed_words(seed)
    record.episode = episode
    return record


def draws(distribution, count: int = DRAWS, purpose: int = Purpose.PRICE, stream: int = 0, **address) -> np.ndarray:
    """The first draws of a stream."""
    address = world(**address)
    return np.array([distribution(address, int(purpose), stream, k) for k in range(count)])


# Known answers of Random123 (kat_vectors, philox4x32 10): counter, key, result.
@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_words(counter, key, words):
    assert philox(*counter, *key) == words
    assert getattr(philox, "py_func", philox)(*counter, *key) == words  # plain Python too


def test_seed_words_split_a_seed_into_its_halves():
    assert seed_words(0) == (0, 0)
    assert seed_words(2**64 - 1) == (ONES, ONES)
    assert seed_words((7 << 32) + 5) == (5, 7)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_named(seed):
    with pytest.raises(ValueError, match=f"seed: {seed} .*allowed"):
        seed_words(seed)


def test_uniform_lies_inside_the_open_interval_and_is_uniform():
    u = draws(uniform)
    assert u.min() > 0.0 and u.max() < 1.0
    assert stats.kstest(u, "uniform").pvalue > 1e-4


def test_the_extremes_of_uniform_have_finite_logarithms():
    assert 0.0 < _open_unit(0, 0) < 1e-15
    assert 1.0 - 1e-15 < _open_unit(ONES, ONES) < 1.0


def test_exponential_has_mean_and_deviation_one():
    e = draws(exponential)
    assert stats.kstest(e, "expon").pvalue > 1e-4
    assert abs(e.mean() - 1.0) * math.sqrt(DRAWS) < 4.0


def test_normal_is_standard_normal():
    z = draws(normal)
    assert stats.kstest(z, "norm").pvalue > 1e-4
    assert abs(z.mean()) * math.sqrt(DRAWS) < 4.0
    assert abs(z.var() - 1.0) / math.sqrt(2.0 / DRAWS) < 4.0


def test_a_draw_depends_on_its_address_alone():
    backwards = [uniform(world(seed=3), 2, 1, k) for k in reversed(range(50))]
    assert backwards[::-1] == draws(uniform, 50, purpose=2, stream=1, seed=3).tolist()


def test_every_part_of_the_address_counts():
    base = draws(uniform, 50)
    others = [
        draws(uniform, 50, seed=1),
        draws(uniform, 50, seed=1 << 32),
        draws(uniform, 50, episode=1),
        draws(uniform, 50, purpose=int(Purpose.WORK)),
        draws(uniform, 50, stream=1),
        np.array([uniform(world(), int(Purpose.PRICE), 0, k) for k in range(50, 100)]),
    ]
    for other in others:
        assert not np.isin(base, other).any()


@pytest.mark.parametrize("pair", [{"stream": 1}, {"purpose": int(Purpose.CAPACITY)}, {"episode": 1}, {"seed": 1}])
def test_neighbouring_streams_are_uncorrelated(pair):
    correlation = np.corrcoef(draws(normal), draws(normal, **pair))[0, 1]
    assert abs(correlation) * math.sqrt(DRAWS) < 4.0


def test_successive_draws_of_a_stream_are_uncorrelated():
    z = draws(normal)
    assert abs(np.corrcoef(z[:-1], z[1:])[0, 1]) * math.sqrt(DRAWS) < 4.0
