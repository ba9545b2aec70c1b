"""Where fields stand, what they say of themselves, and the table printed from that."""

import copy
import pickle
import re

import numpy as np
import pytest

from tessera_env.observation.fields import Field, ObservationField, PoolField
from tessera_env.observation.layout import Layout

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
    blocks = one[layout.first_pool_index :].reshape(3, layout.pool_field_count)
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
        low = (
            -1.0
            if name in (*signed, "end_slack", "reserve_slack", "ahead_after_changeover", "slack_per_spell")
            else 0.0
        )
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
    assert rows[len(Field) + PoolField.SLACK_PER_SPELL][2].startswith(r"pool p: r / (\|r\| + 2)")
    assert Layout(1).table() == Layout(5).table()


def test_a_signature_changes_with_name_meaning_and_bound_alone(monkeypatch):
    """Not with the number of pools: a policy that shares its weights between pools fits any number of them."""
    before = Layout(1).signatures
    assert [one.split(":")[0] for one in before] == Layout(1).names and Layout(7).signatures == before
    assert all(re.fullmatch(r"[a-z0-9_]+:[0-9a-f]{8}", one) for one in before)
    for attribute, value in (("meaning", "something else"), ("low", 0.0), ("_name_", "OTHER")):
        with monkeypatch.context() as changed:
            changed.setattr(Field.SLACK, attribute, value)
            after = Layout(1).signatures
            assert [k for k, pair in enumerate(zip(before, after, strict=True)) if len(set(pair)) == 2] == [Field.SLACK]


def test_a_pool_s_field_says_another_thing_than_a_task_s():
    one = ObservationField("One", {"SAME": (0, "a meaning", 0.0)})
    task, pool = Layout(1, one, one).signatures
    assert task != pool


def test_a_layout_of_other_fields():
    task = ObservationField("Task", {"TIME": (0, "now"), "NEW": (1, "what is new", -1.0)})
    pool = ObservationField("Pool", {"PRICE": (0, "of a | b"), "ROOM": (1, "left"), "FITS": (2, "or not", -1.0)})
    layout = Layout(2, task, pool)
    assert layout.names == ["time", "new", "price", "room", "fits"]
    assert (layout.size, layout.first_pool_index, layout.pool_field_count) == (8, 2, 3)
    assert layout.low.tolist() == [0, -1, 0, 0, -1, 0, 0, -1]
    assert layout.read(np.arange(8), "room").tolist() == [3, 6]
    assert layout.table().splitlines()[3:5] == [
        "| 1 | `new` | what is new | -1 … 1 |",
        r"| 2 + 3 p | `price` | pool p: of a \| b | 0 … 1 |",
    ]
