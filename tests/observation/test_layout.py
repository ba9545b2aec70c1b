"""Where fields stand, what they say of themselves, and the table printed from that."""

import copy
import pickle
import re

import numpy as np
import pytest

from tessera_env.observation.layout import Field, Layout, PoolField

ALL = [*Field, *PoolField]


@pytest.mark.parametrize("pool_count", [1, 2, 9])
def test_the_layout_covers_the_observation_once(pool_count):
    layout = Layout(pool_count)
    assert layout.size == len(Field) + pool_count * len(PoolField)
    assert layout.low.shape == layout.high.shape == (layout.size,)
    assert layout.low.dtype == layout.high.dtype == np.float32
    assert len(set(layout.names)) == len(layout.names) == len(Field) + len(PoolField)
    covered = np.concatenate([np.arange(layout.size)[layout.slice_of(name)] for name in layout.names])
    assert sorted(covered.tolist()) == list(range(layout.size))


def test_values_are_read_by_name():
    layout = Layout(3)
    one = np.arange(layout.size, dtype=np.float32)
    assert layout.read(one, "slack") == Field.SLACK
    first = len(Field) + PoolField.ROOM
    assert layout.read(one, "room").tolist() == [first + len(PoolField) * k for k in range(3)]
    several = np.stack([one, one + 1_000.0])
    assert layout.read(several, "slack").tolist() == [Field.SLACK, Field.SLACK + 1_000.0]
    assert layout.read(several, "room").shape == (2, 3)
    assert layout.read(several[:, np.newaxis], "room").shape == (2, 1, 3)
    blocks = one[Layout.first_pool_index :].reshape(3, Layout.pool_field_count)
    assert blocks[:, PoolField.ROOM].tolist() == layout.read(one, "room").tolist()


def test_what_is_read_is_a_view():
    layout = Layout(2)
    observation = np.zeros(layout.size)
    layout.read(observation, "fits")[:] = 7.0
    assert (observation == 7.0).sum() == 2


def test_an_unknown_field_is_named():
    with pytest.raises(KeyError, match=r"observation field: 'slak' \(allowed: time, time_left"):
        Layout(1).slice_of("slak")


@pytest.mark.parametrize("group", [Field, PoolField])
def test_indices_count_up_from_zero(group):
    assert [int(field) for field in group] == list(range(len(group)))


@pytest.mark.parametrize("field", ALL)
def test_a_field_is_one_object_wherever_it_is_sent(field):
    assert copy.deepcopy(field) is field and type(field)(int(field)) is field
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(field, protocol)) is field


def test_every_field_has_a_meaning_and_a_range():
    assert all(field.meaning and field.low in (-1.0, 0.0) for field in ALL)
    layout = Layout(2)
    signed = ("day_sin", "day_cos", "slack", "slack_per_work", "slack_per_changeover", "wait_slack", "ahead")
    for name in layout.names:
        low = -1.0 if name in (*signed, "reserve_slack", "ahead_after_changeover", "slack_per_spell") else 0.0
        assert (layout.low[layout.slice_of(name)] == low).all() and (layout.high[layout.slice_of(name)] == 1.0).all()


def test_the_table_has_one_line_a_field():
    lines = Layout(5).table().splitlines()
    assert lines[:2] == ["| Index | Field | Meaning | Range |", "|---|---|---|---|"]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]  # \| is no border
    assert [row[1] for row in rows] == [f"`{name}`" for name in Layout(5).names]
    assert [row[0] for row in rows[: len(Field)]] == [str(k) for k in range(len(Field))]
    assert rows[len(Field)][0] == f"{len(Field)} + {len(PoolField)} p"
    assert rows[Field.SLACK][3] == "-1 … 1" and rows[Field.TIME][3] == "0 … 1"
    assert all(len(row) == 4 and row[2] for row in rows)
    assert rows[-1][2].startswith(r"pool p: r / (\|r\| + 2)")
    assert Layout(1).table() == Layout(5).table()


def test_the_digest_changes_with_names_order_and_meaning(monkeypatch):
    """And with nothing else: a policy that shares its weights between pools fits any number of them."""
    digest = Layout(1).digest
    assert len(digest) == 16 and Layout(7).digest == digest
    for name in ("meaning", "_name_"):
        with monkeypatch.context() as changed:
            changed.setattr(Field.SLACK, name, "SOMETHING_ELSE")
            assert Layout(1).digest != digest
    assert Layout(1).digest == digest
