"""How a service's requests are sent to its replicas, and what can become of them there."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from tessera_env.world.parameters import new_table

_MOST = 2**31 - 1


class Balancing(IntEnum):
    """Which of the ready replicas a client sends a request to."""

    ROUND_ROBIN = 0  # its k-th to the one at k mod their number, oldest first
    LEAST_LOAD = 1  # that has the fewest of its requests; of equals, the one that it has sent to longest ago


class Interrupted(IntEnum):
    """What becomes of requests at a replica that is LOST."""

    RETRY = 0  # each, served or waiting, is sent anew, with its arrival; its service begins afresh
    LOST = 1  # each, served or waiting, has failed
    FINISH = 2  # what it serves is finished, what waits there is sent anew: as if it were STOPPED


class WithoutReplica(IntEnum):
    """What becomes of a request while no replica is ready."""

    WAIT = 0  # it is sent as soon as one is
    FAIL = 1


RULES = np.dtype(
    [
        ("until_s", np.float64),  # the end of the run; what happens at that instant counts
        ("timeout_s", np.float64),  # after the arrival, a request that waits or is served is given up; inf: never
        ("slots", np.int64),  # requests that a replica serves at once
        ("balancing", np.int64),  # Balancing
        ("interrupted", np.int64),  # Interrupted
        ("without_replica", np.int64),  # WithoutReplica
    ],
    align=True,
)

_CHOICES: dict[str, type[IntEnum]] = {
    "balancing": Balancing,
    "interrupted": Interrupted,
    "without_replica": WithoutReplica,
}


def is_number(value: Any) -> bool:
    """Whether it is one; true and false are none."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


@dataclass(frozen=True)
class RequestSettings:
    """The rules by which requests are played; first come, first served at each replica.

    Attributes:
        timeout_s: from its arrival on, after which a request that waits or is served is given up; inf: never.
        slots: requests that a replica serves at once.
        clients: each balances by itself, by its own counts; request k belongs to client k mod clients unless told.
        balancing: "least_load" or "round_robin".
        interrupted: "retry", "lost" or "finish": what becomes of the requests at a replica that is lost.
        without_replica: "wait" or "fail": what becomes of a request while none is ready.

    Raises:
        ValueError: a value is not allowed; one line each.
    """

    timeout_s: float = math.inf
    slots: int = 1
    clients: int = 1
    balancing: str = "least_load"
    interrupted: str = "retry"
    without_replica: str = "wait"

    def __post_init__(self):
        if problems := list(self._problems()):
            raise ValueError("\n".join(problems))

    def _problems(self) -> Iterator[str]:
        if (
            not isinstance(self.timeout_s, int | float | np.number)
            or isinstance(self.timeout_s, bool)
            or not self.timeout_s > 0.0
        ):
            yield f"timeout_s: {self.timeout_s!r} (allowed: more than 0; inf for none)"
        for name in ("slots", "clients"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or not 1 <= value <= _MOST:
                yield f"{name}: {value!r} (allowed: a whole number from 1 to {_MOST})"
        for name, choices in _CHOICES.items():
            names = [choice.name.lower() for choice in choices]
            if getattr(self, name) not in names:
                yield f"{name}: {getattr(self, name)!r} (allowed: {', '.join(names)})"

    def record(self, until_s: float) -> np.recarray:
        """The same as (1,) RULES, for a run that ends then."""
        rules = new_table(1, RULES)
        rules.until_s, rules.timeout_s, rules.slots = until_s, self.timeout_s, self.slots
        for name, choices in _CHOICES.items():
            rules[name] = choices[getattr(self, name).upper()]
        return rules
