"""What the observation holds: its fields in order, their meanings and ranges, and where each one stands.

Policies read fields by name through `Layout`; the documentation's table is printed from it.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from tessera_env.observation.fields import Field, ObservationField, PoolField, ServiceField, ServicePoolField


@dataclass(frozen=True)
class Layout:
    """Where each field stands in the observation of an environment with `pool_count` pools.

    The K = `size` values are the task's fields, then one block a pool. Where a world has services alone, they are the
    service's and its seat's; where it has tasks and services, the services' come behind those of tasks, likewise.
    """

    pool_count: int
    task_fields: type[ObservationField] = Field
    pool_fields: type[ObservationField] = PoolField
    has_services_beside: bool = False

    @classmethod
    def of(cls, pool_count: int, has_tasks: bool, has_services: bool) -> Self:
        """The layout for worlds with tasks, services, or both."""
        if not has_tasks:
            return cls(pool_count, ServiceField, ServicePoolField)
        return cls(pool_count, has_services_beside=has_services)

    @classmethod
    def sized(cls, pool_count: int, size: int) -> Self:
        """The layout, of tasks or of services alone, with this many values; that of tasks if neither has."""
        services = cls.of(pool_count, has_tasks=False, has_services=True)
        return services if services.size == size else cls(pool_count)

    @property
    def has_tasks(self) -> bool:
        """Whether tasks that are no seats are asked."""
        return self.task_fields is not ServiceField

    @property
    def has_services(self) -> bool:
        """Whether services' seats are asked."""
        return self.has_services_beside or not self.has_tasks

    def refuse_services(self, policy: str) -> None:
        """Refuse a policy that places tasks alone.

        Raises:
            ValueError: there are services.
        """
        if self.has_services:
            raise ValueError(f"{policy}: places tasks alone (allowed where there are services: spot_hedge, ...)")

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
        return sum(len(shared) + self.pool_count * len(own) for _, shared, own in self._groups)

    @property
    def _groups(self) -> list[tuple[int, type[ObservationField], type[ObservationField]]]:
        """Where each group begins, its shared fields, and those of a pool."""
        first = (0, self.task_fields, self.pool_fields)
        if not self.has_services_beside:
            return [first]
        begin = len(self.task_fields) + self.pool_count * len(self.pool_fields)
        return [first, (begin, ServiceField, ServicePoolField)]

    @property
    def names(self) -> list[str]:
        """All fields' names, in the observation's order; a pool's field is named once."""
        return [field.name.lower() for _, shared, own in self._groups for field in (*shared, *own)]

    def slice_of(self, name: str) -> slice:
        """Where the field stands: one index, or every pool's.

        Raises:
            KeyError: there is no field of that name.
        """
        key = name.upper()
        for begin, shared, own in self._groups:
            if key in shared.__members__:
                return slice(begin + shared[key], begin + shared[key] + 1)
            if key in own.__members__:
                first = begin + len(shared)
                return slice(first + own[key], first + self.pool_count * len(own), len(own))
        raise KeyError(f"observation field: {name!r} (allowed: {', '.join(self.names)})")

    def read(self, observation: np.ndarray, name: str) -> np.ndarray:
        """The field's values: (…,) for the task's fields, (…, P) for a pool's; a view of `observation` (…, K)."""
        values = observation[..., self.slice_of(name)]
        is_shared = any(name.upper() in shared.__members__ for _, shared, _ in self._groups)
        return values[..., 0] if is_shared else values

    @property
    def low(self) -> np.ndarray:
        """Lower bounds, (K,) float32."""
        fields = [field for _, shared, own in self._groups for field in (*shared, *([*own] * self.pool_count))]
        return np.array([field.low for field in fields], dtype=np.float32)

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
        begin, after_pools = 0, ""  # the second group stands behind P blocks of the first
        for _, shared, own in self._groups:
            for field, meaning in self._meanings_of(shared, own):
                index = f"{begin + field}{after_pools}"
                if isinstance(field, own):
                    index = f"{begin + len(shared) + field}{after_pools} + {len(own)} p"
                shown = meaning.replace("|", "\\|")  # else it would end the cell
                lines.append(f"| {index} | `{field.name.lower()}` | {shown} | {field.low:g} … 1 |")
            begin, after_pools = begin + len(shared), f" + {len(own)} P"
        return "\n".join(lines)

    def _meanings(self) -> Iterator[tuple[ObservationField, str]]:
        """Each field with its meaning, which for a pool's says so."""
        for _, shared, own in self._groups:
            yield from self._meanings_of(shared, own)

    @staticmethod
    def _meanings_of(
        shared: type[ObservationField], own: type[ObservationField]
    ) -> Iterator[tuple[ObservationField, str]]:
        yield from ((field, field.meaning) for field in shared)
        yield from ((field, f"pool p: {field.meaning}") for field in own)


def _signature(field: ObservationField, meaning: str) -> str:
    said = f"{meaning} [{field.low:g}, 1]"
    return f"{field.name.lower()}:{hashlib.sha256(said.encode()).hexdigest()[:8]}"
