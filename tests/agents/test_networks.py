"""One small net for every pool: any number of pools, in any order."""

import pytest
import torch
from torch import nn

from agents.networks import PoolScorer
from tessera_env.observation.layout import Layout


def scorer(pool_count: int, seed: int = 0, separate_critic: bool = False) -> PoolScorer:
    torch.manual_seed(seed)
    return PoolScorer(Layout(pool_count), [16, 8], nn.Tanh, separate_critic)


def observations(pool_count: int, rows: int = 5) -> torch.Tensor:
    return torch.randn(rows, Layout(pool_count).size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("separate_critic", [False, True])
@pytest.mark.parametrize("pool_count", [1, 9])
def test_shapes(pool_count: int, separate_critic: bool) -> None:
    net = scorer(pool_count, separate_critic=separate_critic)
    logits, value_features = net(observations(pool_count))
    assert logits.shape == (5, 1 + 2 * pool_count)
    assert value_features.shape == (5, 8)
    assert torch.equal(logits, net.forward_actor(observations(pool_count)))
    assert torch.equal(value_features, net.forward_critic(observations(pool_count)))


def test_weights_do_not_depend_on_the_number_of_pools() -> None:
    scorer(9).load_state_dict(scorer(1, seed=3).state_dict())


def test_pools_in_another_order_get_the_same_logits_in_that_order() -> None:
    layout, net = Layout(9), scorer(9)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(2))
    first = layout.first_pool_index
    given = observations(9)
    moved = torch.cat([given[:, :first], given[:, first:].unflatten(1, (9, -1))[:, order].flatten(1)], dim=1)
    logits, value = net(given)
    moved_logits, moved_value = net(moved)
    torch.testing.assert_close(moved_logits[:, 0], logits[:, 0])
    torch.testing.assert_close(moved_logits[:, 1:10], logits[:, 1:10][:, order])
    torch.testing.assert_close(moved_logits[:, 10:], logits[:, 10:][:, order])
    torch.testing.assert_close(moved_value, value)


def test_a_pool_matters_for_its_own_logits_most_and_for_waiting() -> None:
    layout, net = Layout(3), scorer(3)
    given = observations(3)
    changed = given.clone()
    changed[:, layout.first_pool_index + layout.pool_field_count] += 1.0  # one field of pool 1
    difference = (net(changed)[0] - net(given)[0]).abs().sum(dim=0)
    assert difference[0] > 0
    assert torch.equal(difference > 0, torch.tensor([True, False, True, False, False, True, False]))


def test_a_separate_critic_shares_no_weight_with_the_actor() -> None:
    net = scorer(3, separate_critic=True)
    logits, value = net(observations(3))
    logits.sum().backward(retain_graph=True)
    of_the_actor = {name for name, weight in net.named_parameters() if weight.grad is not None}
    net.zero_grad()
    value.sum().backward()
    of_the_critic = {name for name, weight in net.named_parameters() if weight.grad is not None}
    assert of_the_actor and of_the_critic and not of_the_actor & of_the_critic
    assert of_the_actor | of_the_critic == {name for name, _ in net.named_parameters()}


def test_a_separate_critic_leaves_the_actor_as_it_starts() -> None:
    shared, separate = scorer(3).state_dict(), scorer(3, separate_critic=True).state_dict()
    assert all(torch.equal(weight, separate[name]) for name, weight in shared.items())
