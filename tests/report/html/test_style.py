"""Colours: told apart, and a policy's own whatever stands beside it."""

from itertools import combinations, permutations, product

import numpy as np
import pytest

from tessera_env.policies import POLICIES
from tessera_env.report.html import style
from tessera_env.report.html.style import looks_of
from tests.rendering.test_gantt import CONES, cielab


def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


@pytest.mark.parametrize("cones", CONES)
def test_policies_and_purchases_are_told_apart_whatever_one_s_colour_vision(cones: str) -> None:
    policies, others = style.POLICY_COLOURS, (style.SPOT, style.ON_DEMAND, style.ALARM)
    pairs = [*combinations(policies, 2), *product(policies, others)]
    assert min(np.linalg.norm(cielab(rgb(one), cones) - cielab(rgb(other), cones)) for one, other in pairs) >= 16.0


def test_a_hand_coded_policy_looks_the_same_in_every_report() -> None:
    every = looks_of(POLICIES)
    assert len(set(every.values())) == len(POLICIES)  # there are more than colours: two of a colour differ in shape
    for name, look in every.items():
        assert looks_of(["runs/latest", name, "another"])[name] == look


def test_order_changes_nothing() -> None:
    labels = ["greedy", "slack_threshold:theta=0.1", "slack_threshold:theta=0.2", "runs/latest"]
    assert all(looks_of(order) == looks_of(labels) for order in permutations(labels))


def test_no_two_policies_look_alike() -> None:
    labels = [f"slack_threshold:theta=0.{k}" for k in range(30)]
    looks = looks_of(labels)
    assert len(set(looks.values())) == 30
    assert len({looks[label].colour for label in sorted(labels)[:9]}) == 9
