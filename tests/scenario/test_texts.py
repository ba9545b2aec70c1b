"""Values as text, as `--set` takes them."""

import pytest

from tessera_env.scenario.distributions import Distribution
from tessera_env.scenario.texts import value_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (True, "true"),
        (3, "3"),
        (3.0, "3"),
        (0.1, "0.1"),
        (1e9, "1000000000"),
        ("us-east-1a", "us-east-1a"),
        ("none", '"none"'),
        ("true", '"true"'),
        ("nonesuch", "nonesuch"),
        ("two words", '"two words"'),
        ("", '""'),
        ((1.0, 2.5), "[1, 2.5]"),
        (("a", "b.json"), '["a", "b.json"]'),
        (Distribution(uniform=(1.0, 20.0)), "{ uniform = [1, 20] }"),
        (Distribution(constant=2.0), "2"),
    ],
)
def test_values_as_set_takes_them(value: object, text: str) -> None:
    assert value_text(value) == text
