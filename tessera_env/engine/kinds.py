"""Kinds of events, statuses and reasons. Enum order is event order: earlier kinds come first at equal times."""

from enum import IntEnum


class EventKind(IntEnum):
    """What happens at an event, in the order in which events of one instant are handled.

    Work that ends at the instant of an interruption is done; capacity that is given back can be had by whoever is
    asked at that instant; nobody is asked before the world has finished changing; displaced tasks are asked, and
    moved, before all others.
    """

    COMPLETION = 0  # number: task
    HANDOVER = 1  # a task leaves its instance for the one prepared for it, if there is one; number: task
    END = 2  # of a noticed instance; number: launch
    IDLE_TIMEOUT = 3  # number: launch
    MARKET = 4  # capacity changes; number: pool
    NOTICE = 5  # of a lifetime interruption; number: launch
    BILLING_START = 6  # number: launch
    ARRIVAL = 7  # number: task
    HORIZON = 8
    ASK_INTERRUPTION = 9  # number: task, or its urgency and the task
    MIGRATE = 10
    ASK_ARRIVAL = 11  # number: task, here and below
    ASK_RETRY = 12
    ASK_RECONSIDER = 13
    ASK_URGENT = 14  # one of the three above, where the tightest is asked first; number: its urgency and the task


class AskReason(IntEnum):
    """Why a task is asked; the weightiest reason, if there are several. Event logs hold these numbers."""

    INTERRUPTION = 8
    ARRIVAL = 10
    RETRY = 11
    RECONSIDER = 12


class TaskStatus(IntEnum):
    """Where a task is in its life."""

    FUTURE = 0
    WAITING = 1
    PLACED = 2  # on an instance: in set-up or running
    DISPLACED = 3  # its instance was given notice; to be asked
    REQUESTED = 4  # displaced, and has said where it wants to be
    DONE = 5
    UNFINISHED = 6  # the episode ended first


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
