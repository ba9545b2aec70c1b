"""What the observation holds: its fields in order, their meanings and ranges, and where each one stands.

Policies read fields by name through `Layout`; the documentation's table is printed from it.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np

INTERRUPTIONS_SHOWN = 16


class ObservationField(IntEnum):
    """Index of a field in its group, with what it says.

    Attributes:
        meaning: how the value comes about, in words.
        low: lower bound; the upper one is 1 for every field.
    """

    meaning: str
    low: float

    def __new__(cls, index: int, meaning: str, low: float = 0.0) -> Self:
        """A member, from the line that names it: `NAME = index, meaning, low`."""
        field = int.__new__(cls, index)
        field._value_ = index
        field.meaning, field.low = meaning, low
        return field


class Field(ObservationField):
    """The clock, the focal task and the fleet."""

    TIME = 0, "time since the episode's start / horizon"
    TIME_LEFT = 1, "1 - time"
    DAY_SIN = 2, "sine of the hour of the day, counted from the episode's start", -1.0
    DAY_COS = 3, "its cosine", -1.0
    EVENT_ARRIVAL = 4, "1 if the focal task has just arrived"
    EVENT_INTERRUPTION = 5, "1 if a notice displaced it"
    EVENT_RETRY = 6, "1 if it waits and is asked again"
    EVENT_RECONSIDER = 7, "1 if it runs and is asked again"
    INTERACTIVE = 8, "1: INTERACTIVE, 0: BATCH"
    WORK_LEFT = 9, "work left / work"
    WORK_LEFT_H = 10, "w / (w + 24), w the hours of work left"
    HAS_DEADLINE = 11, "1 if it has a deadline"
    SLACK = 12, "s / (|s| + 6), s the hours it can still lose before it must be on on-demand; 1 without deadline", -1.0
    SLACK_PER_WORK = 13, "r / (|r| + 1), r = s / hours of work left; 1 without deadline", -1.0
    SLACK_PER_CHANGEOVER = 14, "r / (|r| + 20), r = s / hours of an on-demand changeover; 1 without deadline", -1.0
    WAIT_SLACK = 15, "s less one decision interval, likewise; >= 0: it may wait until it is asked again", -1.0
    RESERVE_SLACK = 16, "that less one on-demand changeover, likewise; >= 0: it may also lose one launch", -1.0
    DEADLINE_LEFT = 17, "time to the deadline / time from arrival to deadline; 1 without deadline"
    AHEAD = 18, "(work done - uniform progress) / work; uniform progress reaches the work at the deadline", -1.0
    AHEAD_AFTER_CHANGEOVER = 19, "the same against uniform progress two changeovers later", -1.0
    MEMORY = 20, "GPU memory / the largest pool's"
    STATE = 21, "m / (m + 8000), m the MB of state to save or load"
    ON_NOTHING = 22, "1 if it is on no instance"
    ON_SPOT = 23, "1 if it is on spot"
    ON_ON_DEMAND = 24, "1 if it is on on-demand"
    CHANGEOVER_LEFT = 25, "c / (c + 0.1), c the hours until it runs on its instance, or would have, had it not lost it"
    RUNNING_H = 26, "r / (r + 4), r the hours it has run on its instance"
    UNSAVED = 27, "work since the last save / work"
    INTERRUPTIONS = 28, "times it was interrupted / 16, at most 1"
    LAUNCH_FAILED = 29, "1 if its last request found no capacity"
    AGE = 30, "a / (a + 24), a the hours since its arrival"
    WAITING = 31, "n / (n + 8), n the tasks that wait"
    PLACED_SPOT = 32, "n / (n + 8), n the tasks on spot"
    PLACED_ON_DEMAND = 33, "n / (n + 8), n the tasks on on-demand"
    IDLE = 34, "n / (n + 8), n the instances without a task"
    DISPLACED = 35, "n / (n + 8), n the displaced tasks still to be asked or assigned"
    ARRIVALS_LEFT = 36, "tasks that may yet arrive / the most tasks of a world"
    DONE = 37, "tasks done / the most tasks of a world"
    # The other tasks. The tighter one of two is that which would be asked first by urgency.
    TIGHTER_ON_DEMAND = 38, "n / (n + 8), n the tasks on on-demand that are tighter: INTERACTIVE, or with less slack"
    LONGEST_ON_DEMAND_H = 39, "w / (w + 4), w the most hours of work left of one of them"
    LOOSER_ON_SPOT = 40, "n / (n + 8), n the tasks on spot that are not tighter"
    ROOM_FOR_IT = 41, "n / (n + 8), n the spot instances that it could have now, in all pools"
    END_SLACK = 42, "s / (|s| + 6), s the slack that it would have with the episode's end as its deadline", -1.0


class PoolField(ObservationField):
    """One pool; the index is that within the pool's block."""

    AVAILABLE = 0, "1 if a spot instance can be had now"
    ROOM = 1, "spot instances that can be launched now / 16, at most 1"
    SPOT_PRICE = 2, "spot price / the dearest on-demand price"
    ON_DEMAND_PRICE = 3, "on-demand price / the dearest on-demand price"
    PRICE_AVERAGE = 4, "average spot price of the episode, likewise"
    AVAILABLE_1H = 5, "share of time with capacity, exponential average over 1 h"
    AVAILABLE_4H = 6, "over 4 h"
    AVAILABLE_12H = 7, "over 12 h"
    AVAILABLE_EPISODE = 8, "over the episode"
    SINCE_CHANGE = 9, "h / (h + 2), h the hours since capacity came or went"
    MEAN_UP = 10, "h / (h + 2), h the mean hours of ended up-spells"
    MEAN_DOWN = 11, "h / (h + 2), h the mean hours of ended down-spells"
    INTERRUPTIONS_SEEN = 12, "n / (n + 8), n the interruptions of this episode"
    SPOT_CHANGEOVER = 13, "c / (c + 0.1), c the hours until the task would run on a new spot instance"
    ON_DEMAND_CHANGEOVER = 14, "on a new on-demand instance"
    BANDWIDTH = 15, "b / (b + 10), b the Gbit/s"
    FITS = 16, "1 if the task fits the GPU memory"
    HERE_SPOT = 17, "1 if the task is here on spot"
    HERE_ON_DEMAND = 18, "1 if the task is here on on-demand"
    HELD = 19, "n / (n + 8), n the spot instances held"
    IDLE_SPOT = 20, "n / (n + 8), n the idle spot instances"
    IDLE_ON_DEMAND = 21, "n / (n + 8), n the idle on-demand instances"
    UP_SPELLS = 22, "n / (n + 8), n the ended up-spells"
    REST_UP = (
        23,
        "h / (h + 2), h the hours that ended up-spells went on after an instant in them: mean square / (2 mean)",
    )
    SLACK_PER_SPELL = (
        24,
        "r / (|r| + 2), r = s / (two on-demand changeovers for each up-spell to come until the deadline, at the "
        "rate (ended ones + 1) / (time + 4 h)); 1 without deadline",
        -1.0,
    )


FIELD_COUNT = len(Field)
POOL_FIELD_COUNT = len(PoolField)


@dataclass(frozen=True)
class Layout:
    """Where each field stands in the observation of an environment with `pool_count` pools.

    The K = `size` values are the task's fields, then one block a pool.
    """

    pool_count: int
    task_fields: type[ObservationField] = Field
    pool_fields: type[ObservationField] = PoolField

    @property
    def first_pool_index(self) -> int:
        """Where the first pool's block begins."""
        return len(self.task_fields)

    @property
    def pool_field_count(self) -> int:
        """Length of a pool's block."""
        return len(self.pool_fields)

    @property
    def size(self) -> int:
        """Length K of the observation."""
        return self.first_pool_index + self.pool_count * self.pool_field_count

    @property
    def names(self) -> list[str]:
        """All fields' names, in the observation's order; a pool's field is named once."""
        return [field.name.lower() for field in (*self.task_fields, *self.pool_fields)]

    def slice_of(self, name: str) -> slice:
        """Where the field stands: one index, or every pool's.

        Raises:
            KeyError: there is no field of that name.
        """
        key = name.upper()
        if key in self.task_fields.__members__:
            return slice(self.task_fields[key], self.task_fields[key] + 1)
        if key in self.pool_fields.__members__:
            return slice(self.first_pool_index + self.pool_fields[key], self.size, self.pool_field_count)
        raise KeyError(f"observation field: {name!r} (allowed: {', '.join(self.names)})")

    def read(self, observation: np.ndarray, name: str) -> np.ndarray:
        """The field's values: (…,) for the task's fields, (…, P) for a pool's; a view of `observation` (…, K)."""
        values = observation[..., self.slice_of(name)]
        return values[..., 0] if name.upper() in self.task_fields.__members__ else values

    @property
    def low(self) -> np.ndarray:
        """Lower bounds, (K,) float32."""
        task, pool = ([field.low for field in group] for group in (self.task_fields, self.pool_fields))
        return np.array(task + pool * self.pool_count, dtype=np.float32)

    @property
    def high(self) -> np.ndarray:
        """Upper bounds, (K,) float32."""
        return np.ones(self.size, dtype=np.float32)

    @property
    def signatures(self) -> list[str]:
        """Each name with a digest of the field's meaning and bounds ("slack:1f3a9c02"), ordered as `names`.

        A trained policy's card holds those of the fields that its network reads. A meaning that is worded anew counts
        as another one, and so does a field of the task that becomes one of each pool.
        """
        return [_signature(field, meaning) for field, meaning in self._meanings()]

    def table(self) -> str:
        """The layout as a Markdown table."""
        lines = ["| Index | Field | Meaning | Range |", "|---|---|---|---|"]
        for field, meaning in self._meanings():
            in_pool = isinstance(field, self.pool_fields)
            index = f"{self.first_pool_index + field} + {self.pool_field_count} p" if in_pool else f"{int(field)}"
            shown = meaning.replace("|", "\\|")  # else it would end the cell
            lines.append(f"| {index} | `{field.name.lower()}` | {shown} | {field.low:g} … 1 |")
        return "\n".join(lines)

    def _meanings(self) -> Iterator[tuple[ObservationField, str]]:
        """Each field with its meaning, which for a pool's says so."""
        yield from ((field, field.meaning) for field in self.task_fields)
        yield from ((field, f"pool p: {field.meaning}") for field in self.pool_fields)


def _signature(field: ObservationField, meaning: str) -> str:
    said = f"{meaning} [{field.low:g}, 1]"
    return f"{field.name.lower()}:{hashlib.sha256(said.encode()).hexdigest()[:8]}"
