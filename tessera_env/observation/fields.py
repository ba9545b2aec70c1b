"""The observation's fields: what each one means, its range, and its place in its group."""

from enum import IntEnum
from typing import Self

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


class ServiceField(ObservationField):
    """A service that looks at its replicas, and its seat that is asked; counts are n / (n + 8)."""

    IS_SEAT = 0, "1: a service's seat is asked; 0: a task, and the other fields of services are 0"
    CLOCK = 1, "time since the episode's start / horizon"
    CLOCK_SIN = 2, "sine of the hour of the day, counted from the episode's start", -1.0
    CLOCK_COS = 3, "its cosine", -1.0
    TARGET = 4, "replicas that are to be ready"
    EXTRA = 5, "spot replicas that the scenario wants beyond the target"
    BASE_ON_DEMAND = 6, "replicas that the scenario wants on on-demand"
    MOST = 7, "the most replicas at one time"
    READY_SPOT = 8, "ready on spot, without those that were given notice"
    READY_ON_DEMAND = 9, "ready on on-demand"
    HELD_SPOT = 10, "launched, set up or ready on spot, without those that are leaving"
    HELD_ON_DEMAND = 11, "likewise on on-demand"
    CLAIMED_SPOT = 12, "on spot, kept or asked for in this round so far"
    CLAIMED_ON_DEMAND = 13, "likewise on on-demand"
    UNDECIDED = 14, "held, and not yet asked in this round"
    VACANT = 15, "empty seats"
    LACKING = 16, "(target - ready) / (|target - ready| + 8)", -1.0
    SEAT_EMPTY = 17, "1 if the seat is empty"
    SEAT_SPOT = 18, "1 if it is on spot"
    SEAT_ON_DEMAND = 19, "1 if it is on on-demand"
    SEAT_READY = 20, "1 if its replica is ready"
    SEAT_HELD = 21, "h / (h + 1), h the hours since its launch was asked for"
    AVAILABILITY = 22, "share of looks so far, this one included, that found the target ready"
    OUTAGE = 23, "s / (s + 300), s the seconds that the present outage has lasted"
    DEFICIT_AGE = 24, "s / (s + 300), s the seconds since a look found less spot ready than wanted; 1: never"
    DEFICIT_ON_DEMAND = 25, "on-demand replicas asked for at that look"
    COLD_START = 26, "s / (s + 300), s the seconds from a launch to a ready replica, the shortest of its pools"
    DEMAND = 27, "requests/s / (the same + what the target serves); 0 where requests are not counted"
    BACKLOG = 28, "waiting requests / (the same + what the target serves in 100 s)"
    FIRST_ROUND = 29, "1 in the first round"


class ServicePoolField(ObservationField):
    """One pool as the service knows it, by its own tries; the index is that within the pool's block."""

    USABLE = 0, "1 if the service may use it"
    SEAT_HERE_SPOT = 1, "1 if the seat is here on spot"
    SEAT_HERE_ON_DEMAND = 2, "1 if it is here on on-demand"
    SPOT_COST = 3, "spot price / the dearest on-demand price"
    ON_DEMAND_COST = 4, "on-demand price / the dearest on-demand price"
    SPOT_HERE = 5, "n / (n + 8), n the replicas held here on spot"
    ON_DEMAND_HERE = 6, "likewise on on-demand"
    READY_HERE = 7, "likewise ready on spot, without those that were given notice"
    SPOT_CLAIMED_HERE = 8, "n / (n + 8), n those on spot kept or asked for in this round so far"
    ON_DEMAND_CLAIMED_HERE = 9, "likewise on on-demand"
    IN_USE = 10, "1: on SpotHedge's list of available zones; 0: on that of preempting ones"
    TURN = 11, "1 if it is this pool's turn, of as many tries on spot as there were"
    FAILED_AGE = 12, "h / (h + 1), h the hours since a launch here found no capacity; 1: never"
    LOST_AGE = 13, "likewise since a replica here was lost"
    GOT_AGE = 14, "likewise since a launch here found capacity"
    FAILURES = 15, "n / (n + 8), n the launches that found no capacity"
    LOSSES = 16, "n / (n + 8), n the replicas lost"
    LIFETIME = 17, "h / (h + 2), h the hours held here on spot / (losses + 1)"
    COIN = 18, "a fresh number between 0 and 1, for ties"
    STARTING_HERE = 19, "n / (n + 8), n the replicas held here on spot that are not ready"
    UP_AGE = (
        20,
        "h / (h + 2), h the hours since the first launch here that found capacity, since the last loss; 0: none",
    )
    PARTIAL_AGE = 21, "h / (h + 1), h the hours since fewer were held here than asked for, but some; 1: never"


COUNT_HALF = 8.0  # counts are n / (n + 8)
SERVICE_FIELD_COUNT = len(ServiceField)
SERVICE_POOL_FIELD_COUNT = len(ServicePoolField)
