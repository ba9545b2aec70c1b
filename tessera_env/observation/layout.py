"""What the observation holds: its fields in order, their meanings and ranges, and where each one stands.

Policies read fields by name through `Layout`; the documentation's table is printed from it.
"""

import hashlib
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

INTERRUPTIONS_SHOWN = 16


class Field(IntEnum):
    """Index of each field about the clock, the focal task and the fleet."""

    TIME = 0
    TIME_LEFT = 1
    DAY_SIN = 2
    DAY_COS = 3
    EVENT_ARRIVAL = 4
    EVENT_INTERRUPTION = 5
    EVENT_RETRY = 6
    EVENT_RECONSIDER = 7
    INTERACTIVE = 8
    WORK_LEFT = 9
    WORK_LEFT_H = 10
    HAS_DEADLINE = 11
    SLACK = 12
    SLACK_PER_WORK = 13
    SLACK_PER_CHANGEOVER = 14
    WAIT_SLACK = 15
    RESERVE_SLACK = 16
    DEADLINE_LEFT = 17
    AHEAD = 18
    AHEAD_AFTER_CHANGEOVER = 19
    MEMORY = 20
    STATE = 21
    ON_NOTHING = 22
    ON_SPOT = 23
    ON_ON_DEMAND = 24
    CHANGEOVER_LEFT = 25
    RUNNING_H = 26
    UNSAVED = 27
    INTERRUPTIONS = 28
    LAUNCH_FAILED = 29
    AGE = 30
    WAITING = 31
    PLACED_SPOT = 32
    PLACED_ON_DEMAND = 33
    IDLE = 34
    DISPLACED = 35
    ARRIVALS_LEFT = 36
    DONE = 37


class PoolField(IntEnum):
    """Index of each field of a pool within the pool's block."""

    AVAILABLE = 0
    ROOM = 1
    SPOT_PRICE = 2
    ON_DEMAND_PRICE = 3
    PRICE_AVERAGE = 4
    AVAILABLE_1H = 5
    AVAILABLE_4H = 6
    AVAILABLE_12H = 7
    AVAILABLE_EPISODE = 8
    SINCE_CHANGE = 9
    MEAN_UP = 10
    MEAN_DOWN = 11
    INTERRUPTIONS_SEEN = 12
    SPOT_CHANGEOVER = 13
    ON_DEMAND_CHANGEOVER = 14
    BANDWIDTH = 15
    FITS = 16
    HERE_SPOT = 17
    HERE_ON_DEMAND = 18
    HELD = 19
    IDLE_SPOT = 20
    IDLE_ON_DEMAND = 21
    UP_SPELLS = 22
    REST_UP = 23
    SLACK_PER_SPELL = 24


FIELD_COUNT = len(Field)
POOL_FIELD_COUNT = len(PoolField)

# Meaning and lower bound of each field; the upper bound is 1 for all.
_MEANINGS: dict[Field, tuple[str, float]] = {
    Field.TIME: ("time since the episode's start / horizon", 0.0),
    Field.TIME_LEFT: ("1 - time", 0.0),
    Field.DAY_SIN: ("sine of the hour of the day, counted from the episode's start", -1.0),
    Field.DAY_COS: ("its cosine", -1.0),
    Field.EVENT_ARRIVAL: ("1 if the focal task has just arrived", 0.0),
    Field.EVENT_INTERRUPTION: ("1 if a notice displaced it", 0.0),
    Field.EVENT_RETRY: ("1 if it waits and is asked again", 0.0),
    Field.EVENT_RECONSIDER: ("1 if it runs and is asked again", 0.0),
    Field.INTERACTIVE: ("1: INTERACTIVE, 0: BATCH", 0.0),
    Field.WORK_LEFT: ("work left / work", 0.0),
    Field.WORK_LEFT_H: ("w / (w + 24), w the hours of work left", 0.0),
    Field.HAS_DEADLINE: ("1 if it has a deadline", 0.0),
    Field.SLACK: (
        "s / (|s| + 6), s the hours it can still lose before it must be on on-demand; 1 without deadline",
        -1.0,
    ),
    Field.SLACK_PER_WORK: ("r / (|r| + 1), r = s / hours of work left; 1 without deadline", -1.0),
    Field.SLACK_PER_CHANGEOVER: ("r / (|r| + 20), r = s / hours of an on-demand changeover; 1 without deadline", -1.0),
    Field.WAIT_SLACK: ("s less one decision interval, likewise; >= 0: it may wait until it is asked again", -1.0),
    Field.RESERVE_SLACK: ("that less one on-demand changeover, likewise; >= 0: it may also lose one launch", -1.0),
    Field.DEADLINE_LEFT: ("time to the deadline / time from arrival to deadline; 1 without deadline", 0.0),
    Field.AHEAD: ("(work done - uniform progress) / work; uniform progress reaches the work at the deadline", -1.0),
    Field.AHEAD_AFTER_CHANGEOVER: ("the same against uniform progress two changeovers later", -1.0),
    Field.MEMORY: ("GPU memory / the largest pool's", 0.0),
    Field.STATE: ("m / (m + 8000), m the MB of state to save or load", 0.0),
    Field.ON_NOTHING: ("1 if it is on no instance", 0.0),
    Field.ON_SPOT: ("1 if it is on spot", 0.0),
    Field.ON_ON_DEMAND: ("1 if it is on on-demand", 0.0),
    Field.CHANGEOVER_LEFT: (
        "c / (c + 0.1), c the hours until it runs on its instance, or would have, had it not lost it",
        0.0,
    ),
    Field.RUNNING_H: ("r / (r + 4), r the hours it has run on its instance", 0.0),
    Field.UNSAVED: ("work since the last save / work", 0.0),
    Field.INTERRUPTIONS: ("times it was interrupted / 16, at most 1", 0.0),
    Field.LAUNCH_FAILED: ("1 if its last request found no capacity", 0.0),
    Field.AGE: ("a / (a + 24), a the hours since its arrival", 0.0),
    Field.WAITING: ("n / (n + 8), n the tasks that wait", 0.0),
    Field.PLACED_SPOT: ("n / (n + 8), n the tasks on spot", 0.0),
    Field.PLACED_ON_DEMAND: ("n / (n + 8), n the tasks on on-demand", 0.0),
    Field.IDLE: ("n / (n + 8), n the instances without a task", 0.0),
    Field.DISPLACED: ("n / (n + 8), n the displaced tasks still to be asked or assigned", 0.0),
    Field.ARRIVALS_LEFT: ("tasks that may yet arrive / the most tasks of a world", 0.0),
    Field.DONE: ("tasks done / the most tasks of a world", 0.0),
}

_POOL_MEANINGS: dict[PoolField, tuple[str, float]] = {
    PoolField.AVAILABLE: ("1 if a spot instance can be had now", 0.0),
    PoolField.ROOM: ("spot instances that can be launched now / 16, at most 1", 0.0),
    PoolField.SPOT_PRICE: ("spot price / the dearest on-demand price", 0.0),
    PoolField.ON_DEMAND_PRICE: ("on-demand price / the dearest on-demand price", 0.0),
    PoolField.PRICE_AVERAGE: ("average spot price of the episode, likewise", 0.0),
    PoolField.AVAILABLE_1H: ("share of time with capacity, exponential average over 1 h", 0.0),
    PoolField.AVAILABLE_4H: ("over 4 h", 0.0),
    PoolField.AVAILABLE_12H: ("over 12 h", 0.0),
    PoolField.AVAILABLE_EPISODE: ("over the episode", 0.0),
    PoolField.SINCE_CHANGE: ("h / (h + 2), h the hours since capacity came or went", 0.0),
    PoolField.MEAN_UP: ("h / (h + 2), h the mean hours of ended up-spells", 0.0),
    PoolField.MEAN_DOWN: ("h / (h + 2), h the mean hours of ended down-spells", 0.0),
    PoolField.INTERRUPTIONS_SEEN: ("n / (n + 8), n the interruptions of this episode", 0.0),
    PoolField.SPOT_CHANGEOVER: ("c / (c + 0.1), c the hours until the task would run on a new spot instance", 0.0),
    PoolField.ON_DEMAND_CHANGEOVER: ("on a new on-demand instance", 0.0),
    PoolField.BANDWIDTH: ("b / (b + 10), b the Gbit/s", 0.0),
    PoolField.FITS: ("1 if the task fits the GPU memory", 0.0),
    PoolField.HERE_SPOT: ("1 if the task is here on spot", 0.0),
    PoolField.HERE_ON_DEMAND: ("1 if the task is here on on-demand", 0.0),
    PoolField.HELD: ("n / (n + 8), n the spot instances held", 0.0),
    PoolField.IDLE_SPOT: ("n / (n + 8), n the idle spot instances", 0.0),
    PoolField.IDLE_ON_DEMAND: ("n / (n + 8), n the idle on-demand instances", 0.0),
    PoolField.UP_SPELLS: ("n / (n + 8), n the ended up-spells", 0.0),
    PoolField.REST_UP: (
        "h / (h + 2), h the hours that ended up-spells went on after an instant in them: mean square / (2 mean)",
        0.0,
    ),
    PoolField.SLACK_PER_SPELL: (
        "r / (|r| + 2), r = s / (two on-demand changeovers for each up-spell to come until the deadline, at the rate "
        "(ended ones + 1) / (time + 4 h)); 1 without deadline",
        -1.0,
    ),
}


@dataclass(frozen=True)
class Layout:
    """Where each field stands in the observation of an environment with `pool_count` pools.

    The K = `size` values are the task's fields, then one block a pool.
    """

    pool_count: int

    first_pool_index = FIELD_COUNT
    pool_field_count = POOL_FIELD_COUNT

    @property
    def size(self) -> int:
        """Length K of the observation."""
        return FIELD_COUNT + self.pool_count * POOL_FIELD_COUNT

    @property
    def names(self) -> list[str]:
        """All fields' names, in the observation's order; a pool's field is named once."""
        return [field.name.lower() for field in (*Field, *PoolField)]

    def slice_of(self, name: str) -> slice:
        """Where the field stands: one index, or every pool's.

        Raises:
            KeyError: there is no field of that name.
        """
        key = name.upper()
        if key in Field.__members__:
            return slice(Field[key], Field[key] + 1)
        if key in PoolField.__members__:
            return slice(FIELD_COUNT + PoolField[key], self.size, POOL_FIELD_COUNT)
        raise KeyError(f"observation field: {name!r} (allowed: {', '.join(self.names)})")

    def read(self, observation: np.ndarray, name: str) -> np.ndarray:
        """The field's values: (…,) for the task's fields, (…, P) for a pool's; a view of `observation` (…, K)."""
        values = observation[..., self.slice_of(name)]
        return values[..., 0] if name.upper() in Field.__members__ else values

    @property
    def low(self) -> np.ndarray:
        """Lower bounds, (K,) float32."""
        task = [_MEANINGS[field][1] for field in Field]
        pool = [_POOL_MEANINGS[field][1] for field in PoolField]
        return np.array(task + pool * self.pool_count, dtype=np.float32)

    @property
    def high(self) -> np.ndarray:
        """Upper bounds, (K,) float32."""
        return np.ones(self.size, dtype=np.float32)

    @property
    def digest(self) -> str:
        """A fingerprint of names and order; a policy trained on one layout does not fit another."""
        meanings = [*_MEANINGS.values(), *_POOL_MEANINGS.values()]
        text = ",".join(f"{name}:{meaning}" for name, (meaning, _low) in zip(self.names, meanings, strict=True))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def table(self) -> str:
        """The layout as a Markdown table."""
        lines = ["| Index | Field | Meaning | Range |", "|---|---|---|---|"]
        for field in Field:
            meaning, low = _MEANINGS[field]
            meaning = meaning.replace("|", "\\|")  # else it would end the cell
            lines.append(f"| {int(field)} | `{field.name.lower()}` | {meaning} | {low:g} … 1 |")
        for pool_field in PoolField:
            meaning, low = _POOL_MEANINGS[pool_field]
            index = f"{FIELD_COUNT + pool_field} + {POOL_FIELD_COUNT} p"
            lines.append(f"| {index} | `{pool_field.name.lower()}` | pool p: {meaning} | {low:g} … 1 |")
        return "\n".join(lines)
