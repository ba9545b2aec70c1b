"""Service times: their distributions, and that each is a request's own."""

import math

import numpy as np
import pytest
from scipy.stats import kstest

from tessera_env.requests.draws import world_of
from tessera_env.requests.service_times import Constant, Exponential, Tokens, service_times_of

COUNTS = [(100, 10), (1_000, 50), (200, 300)]


def test_constant():
    assert service_times_of(Constant(2.5), 3, world_of(0, 0)).tolist() == [2.5] * 3


def test_exponential():
    values_s = service_times_of(Exponential(4.0), 20_000, world_of(0, 0))
    assert kstest(values_s / 4.0, "expon").pvalue > 1e-4
    assert kstest(values_s / 4.4, "expon").pvalue < 1e-6


def test_tokens():
    """0.5 + in / 100 + out / 10, each row as often."""
    values_s = service_times_of(Tokens(COUNTS, 0.5, 0.01, 0.1), 6_000, world_of(0, 0))
    times_s, counts = np.unique(values_s.round(9), return_counts=True)
    assert times_s.tolist() == [2.5, 15.5, 32.5]
    assert (abs(counts - 2_000) < 4.0 * math.sqrt(6_000 * 2 / 9)).all()


@pytest.mark.parametrize("times", [Exponential(1.0), Tokens(COUNTS, 0.5, 0.01, 0.1)])
def test_each_is_a_request_s_own(times):
    few, many = (service_times_of(times, count, world_of(3, 1)) for count in (10, 50))
    assert (many[:10] == few).all()
    assert (service_times_of(times, 50, world_of(3, 2)) != many).any()
    assert service_times_of(times, 0, world_of(0, 0)).shape == (0,)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: Exponential(-1.0), "mean_s: -1.0 (allowed: a number from 0 on)"),
        (lambda: Constant(math.inf), "service_s: inf (allowed: a number from 0 on)"),
        (lambda: Constant("1"), "service_s: '1' (allowed: a number from 0 on)"),
        (lambda: Tokens([], 0, 0, 0), "counts: float64 of shape (0,) (allowed: numbers of shape (rows, 2))"),
        (lambda: Tokens([(1, 2), (1, -2)], 0, 0, 0), "counts.1: [1, -2] (allowed: numbers from 0 on)"),
        (lambda: Tokens(COUNTS, 0, math.nan, 0), "per_in_s: nan (allowed: a number from 0 on)"),
        (lambda: service_times_of(Constant(1.0), -1, world_of(0, 0)), "count: -1 (allowed: a whole number from 0 on)"),
        (lambda: service_times_of(Constant(1.0), 1, (0, 0)), "world: tuple (allowed: what world_of makes)"),
        (lambda: world_of(-1, 0), "seed: -1 (allowed: 0 to 2**64 - 1)"),
        (lambda: world_of(0, 2**32), "episode: 4294967296 (allowed: 0 to 2**32 - 1)"),
        (lambda: world_of(0, 1.5), "episode: 1.5 (allowed: 0 to 2**32 - 1)"),
    ],
)
def test_what_is_refused(make, line):
    with pytest.raises(ValueError) as raised:
        make()
    assert str(raised.value) == line


def test_a_world_is_addressed_as_the_engine_addresses_it():
    world = world_of(2**40 + 7, 3)[0]
    assert (world.seed_low, world.seed_high, world.episode) == (7, 2**8, 3)
