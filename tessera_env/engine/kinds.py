"""Kinds of events, statuses and reasons. Enum order is event order: earlier kinds come first at equal times."""

from enum import IntEnum


class EventKind(IntEnum):
    """What happens at an event, in the order in which events of one instant are handled.

    Work that ends at the instant of an interruption is done; capacity that is given back can be had by whoever is
    asked at that instant; nobody is asked before the world has finished changing, but for a service that decides before
    the market; displaced tasks are asked, and moved, before all others; services look last.
    """

    SCORE = 0  # figures count from now on; number: service, here and in the next two
    DEMAND = 1  # demand or target changes
    EARLY_LOOK = 2  # of a service that decides before the market
    COMPLETION = 3  # of a task; a seat's replica is ready, has drained, or was never to be had; number: task
    HANDOVER = 4  # a task leaves its instance for the one prepared for it, if there is one; number: task
    END = 5  # of a noticed instance; number: launch
    IDLE_TIMEOUT = 6  # number: launch
    MARKET = 7  # capacity changes; number: pool
    NOTICE = 8  # of a lifetime interruption; number: launch
    BILLING_START = 9  # number: launch
    CLAIM = 10  # what an early look asked for is launched; number: in the order of asking
    ARRIVAL = 11  # number: task
    HORIZON = 12
    ASK_INTERRUPTION = 13  # number: task, or its urgency and the task
    MIGRATE = 14
    ASK_ARRIVAL = 15  # number: task, here and below
    ASK_RETRY = 16
    ASK_RECONSIDER = 17
    ASK_URGENT = 18  # one of the three above, where the tightest is asked first; number: its urgency and the task
    LOOK = 19  # a service looks at its replicas; number: service


class AskReason(IntEnum):
    """Why a task is asked; the weightiest reason, if there are several. Event logs hold these numbers."""

    INTERRUPTION = 8
    ARRIVAL = 10
    RETRY = 11
    RECONSIDER = 12
    LOOK = 13  # a seat of a service that looks at its replicas


class TaskStatus(IntEnum):
    """Where a task is in its life."""

    FUTURE = 0
    WAITING = 1
    PLACED = 2  # on an instance: in set-up or running
    DISPLACED = 3  # its instance was given notice; to be asked
    REQUESTED = 4  # displaced, and has said where it wants to be
    DONE = 5
    UNFINISHED = 6  # the episode ended first
    # of a seat, which is PLACED while its replica is launched, set up or ready
    EMPTY = 7
    CLAIMED = 8  # to be launched once the market has moved
    TRYING = 9  # its launch will be seen to have failed
    LEAVING = 10  # its replica was given notice, or drains, and does not count as held


class InstanceStatus(IntEnum):
    """Where an instance is in its life; LAUNCHING, SETUP and READY follow from its times."""

    FREE = 0  # the table's row is unused
    HELD = 1
    NOTICED = 2


class Stop(IntEnum):
    """Why the engine stopped."""

    DECISION = 0  # a task is to be asked
    MIGRATION = 1  # displaced tasks are to be assigned
    DONE = 2  # the episode is over
    GROW = 3  # a table is full


class CheckpointPlan(IntEnum):
    """What is saved of a task's unsaved progress at notice."""

    FULL = 0
    PARTIAL = 1
    RESTART = 2


class LogKind(IntEnum):
    """Kinds of entries in the event log; what their figures are called stands in log.py."""

    ARRIVAL = 0
    DECISION = 1
    LAUNCH = 2
    LAUNCH_FAILED = 3
    PLACE = 4
    STOP = 5
    NOTICE = 6
    CHECKPOINT = 7
    COMPLETION = 8
    IDLE = 9
    END = 10
    CANCEL = 11
    CAPACITY = 12
    MISSED = 13
    PREPARE = 14
    DEMAND = 15  # of a service, whose first seat is named
    READY = 16  # a seat's replica serves from now on
    UNREADY = 17  # it serves no longer
