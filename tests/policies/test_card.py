"""What a card may say, and one line about each way in which it can be wrong."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tessera_env.policies import LearnedPolicy, save_policy
from tessera_env.policies.fields_v1 import FIELDS
from tessera_env.policies.folder import CARD_FILE, read_card, read_weights
from tests.policies.observations import LAYOUT, random_rows
from tests.policies.trained import K, card, refusal, rewrite, stack


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[1]", ""),
        (b"[" * 100_000, "is not JSON"),
        (b"\xff\xfe", "is UTF-16"),
        (b"\xff", "is not UTF-8"),
        (b'{"pool_count": NaN}', "NaN is not a JSON number"),
        (b'{"pool_count": ' + b"9" * 5_000 + b"}", "is not JSON"),
    ],
)
def test_cards_that_are_not_json(folder: Path, text: bytes, reason: str) -> None:
    (folder / CARD_FILE).write_bytes(text)
    message = refusal(folder)
    assert CARD_FILE in message
    assert reason in message
    assert len(message) < 400


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema_version": 3}, "schema_version: must be 1 or 2 (got 3)"),
        ({"kind": "lstm"}, "kind: must be 'mlp', 'pool_scorer', 'shifted_rule' or 'shifted_hedge' (got 'lstm')"),
        (
            {"activation": "swish"},
            "activation: must be 'tanh', 'relu', 'leaky_relu', ",
        ),
        ({"pool_count": 0}, "pool_count: must be"),
        ({"pool_count": 10**12}, "pool_count"),
        ({"pool_count": "2"}, "pool_count: must be a"),
        ({"masked": 1}, "masked: must be"),
        ({"surprise": 1}, "surprise: is not a known key (got 1)"),
        ({"sha256": "abc"}, "sha256"),
        ({"layout_digest": "0" * 16}, "layout_digest: is not a known key"),
        ({"fields": []}, "fields: "),
        ({"fields": ["slack"]}, "fields: must be names with digests, such as 'slack:1f3a9c02' (got 'slack')"),
        ({"fields": {"slack": "01234567"}}, "fields: must be a"),
        (
            {"fields": ["ahead:01234567", "time:01234567", "ahead:76543210"]},
            "must name each field once (got 'ahead' twice)",
        ),
        ({"normaliser": {"mean": [0.0], "var": [1.0, 1.0]}}, "normaliser: "),
        ({"normaliser": {"mean": [0.0], "var": [1.0]}}, f"normaliser: 1 values (allowed for mlp: {K})"),
        ({"normaliser": {"mean": [0.0], "var": [-1.0]}}, "normaliser.var.0: must be"),
        ({"normaliser": {"mean": ["0"], "var": [1.0]}}, "normaliser.mean.0: must be a"),
    ],
)
def test_cards_that_are_wrong(folder: Path, changes: dict[str, Any], reason: str) -> None:
    rewrite(folder, **changes)
    assert reason in refusal(folder)


def test_a_card_without_a_field(folder: Path) -> None:
    values = json.loads((folder / CARD_FILE).read_text())
    del values["scenario"]
    (folder / CARD_FILE).write_text(json.dumps(values))
    assert "scenario: must be given" in refusal(folder)


class TestSchema1:
    """Cards that name no fields, but have a digest of them all."""

    DIGEST = "52e2d7a95c62c713"

    @pytest.fixture
    def named(self, tmp_path: Path) -> Path:
        """A policy whose card names the fields of then."""
        save_policy(tmp_path / "named", stack("layer", 38 + 2 * 25, 8, 5), card(fields=list(FIELDS)))
        return tmp_path / "named"

    @pytest.fixture
    def old(self, named: Path, tmp_path: Path) -> Path:
        """The same policy with a card of then."""
        shutil.copytree(named, tmp_path / "old")
        values = json.loads((named / CARD_FILE).read_text())
        del values["fields"]
        values |= {"schema_version": 1, "layout_digest": self.DIGEST}
        (tmp_path / "old" / CARD_FILE).write_text(json.dumps(values))
        return tmp_path / "old"

    def test_it_is_read_as_one_that_names_them(self, named: Path, old: Path) -> None:
        assert read_card(old) == read_card(named)
        rows = random_rows(20)
        np.testing.assert_array_equal(*(LearnedPolicy(one, LAYOUT).logits(rows) for one in (named, old)))

    def test_it_is_saved_as_one_that_names_them(self, named: Path, old: Path) -> None:
        read = read_card(old)
        save_policy(old, read_weights(old, read.sha256), read.model_dump(exclude={"schema_version", "sha256"}))
        assert (old / CARD_FILE).read_bytes() == (named / CARD_FILE).read_bytes()

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"layout_digest": "0" * 16}, f"layout_digest: must be '{DIGEST}' in schema 1 (got '{'0' * 16}')"),
            ({"layout_digest": None}, f"layout_digest: must be '{DIGEST}' in schema 1 (got None)"),
            ({"fields": []}, "fields: is not a known key in schema 1 (got [])"),
            ({"surprise": 1}, "surprise: is not a known key (got 1)"),
        ],
    )
    def test_what_it_may_not_say(self, old: Path, changes: dict[str, Any], reason: str) -> None:
        rewrite(old, **changes)
        assert reason in refusal(old)

    def test_a_digest_is_needed(self, old: Path) -> None:
        values = json.loads((old / CARD_FILE).read_text())
        del values["layout_digest"]
        (old / CARD_FILE).write_text(json.dumps(values))
        assert f"layout_digest: must be '{self.DIGEST}'" in refusal(old)


def test_half_a_character_is_no_text(folder: Path) -> None:
    """A card that held one could not be written again."""
    rewrite(folder, training={"note": "\ud800"})
    assert "has half a character" in refusal(folder)


def test_a_member_that_stands_there_twice(folder: Path) -> None:
    text = (folder / CARD_FILE).read_text()
    (folder / CARD_FILE).write_text('{"pool_count": 3, ' + text.lstrip()[1:])
    assert "has the member 'pool_count' twice" in refusal(folder)


def test_a_long_name_of_a_field_is_cut(folder: Path) -> None:
    rewrite(folder, fields=["x" * 10_000 + ":01234567", *LAYOUT.signatures])
    assert len(refusal(folder)) < 1_500
