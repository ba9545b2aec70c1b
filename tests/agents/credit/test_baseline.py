"""The baseline learns what is linear in what is seen, whatever the pools' order."""

import torch

from agents.credit.baseline import Baseline
from tessera_env.observation.layout import Layout


def observations(rows: int, pool_count: int = 3, seed: int = 0) -> torch.Tensor:
    return torch.rand(rows, Layout(pool_count).size, generator=torch.Generator().manual_seed(seed))


def rewards(seen: torch.Tensor) -> torch.Tensor:
    pools = seen[:, Layout(3).first_pool_index :].unflatten(1, (3, -1))
    first = 2.0 * seen[:, 1] - seen[:, 4] ** 2 + 3.0 * pools[:, :, 2].mean(dim=1) - 5.0
    return torch.stack([first, 1.0 + seen[:, 3]], dim=1)


def test_it_expects_nothing_before_it_has_learned() -> None:
    baseline = Baseline(3, kinds=2)
    assert not baseline.is_ready
    assert torch.equal(baseline.predict(observations(4)), torch.zeros(4, 2))


def test_it_learns_sums_of_fields_and_their_squares() -> None:
    baseline, seen = Baseline(3, kinds=2), observations(20_000)
    baseline.learn(seen, rewards(seen))
    assert baseline.is_ready
    unseen = observations(1_000, seed=1)
    error = baseline.predict(unseen) - rewards(unseen)
    assert (error.std(dim=0) < 0.1 * rewards(unseen).std(dim=0)).all()


def test_what_was_learned_first_fades() -> None:
    baseline, seen = Baseline(3, kinds=2), observations(4_000)
    baseline.learn(seen, 100.0 + rewards(seen))
    for _ in range(30):
        baseline.learn(seen, rewards(seen))
    assert (baseline.predict(seen) - rewards(seen)).abs().mean() < 0.5


def test_pools_in_another_order_are_the_same() -> None:
    baseline, seen = Baseline(3, kinds=2), observations(4_000)
    baseline.learn(seen, rewards(seen))
    first = Layout(3).first_pool_index
    turned = seen[:, first:].unflatten(1, (3, -1))[:, [2, 0, 1]].flatten(1)
    torch.testing.assert_close(baseline.predict(torch.cat([seen[:, :first], turned], dim=1)), baseline.predict(seen))
