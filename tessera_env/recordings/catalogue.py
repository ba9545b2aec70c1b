"""Instance types of AWS, GCP and Azure: GPUs, memory, network, disk and list price, from a table with its sources.

The table is `data/catalogue/instance_types.csv`; the README beside it says how its rows were checked and what its
figures do not say. A scenario's pool that names one of these types may leave out what the table knows.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tessera_env.files.csv_tables import Column, Row, check_unique, number, one_of, read_rows, text, whole
from tessera_env.files.packaged import data_folder
from tessera_env.files.problems import shown

CLOUDS = ("AWS", "GCP", "Azure")
POOL_FIELDS = ("gpu_memory_mb", "bandwidth_gbps", "on_demand_usd_per_h")  # of a scenario's pool, that the table knows
MB_PER_GB = 1000.0
_NEAREST = 3

_NAME = text(re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}").fullmatch, "letters, digits and _ . : - only")
_ADDRESS = text(re.compile(r"https://[!-~]{4,500}").fullmatch, "an address that starts with https://")


def _day(field: str) -> date:
    """Only the long form; Python takes others, too."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", field):
        raise ValueError(field)
    return date.fromisoformat(field)


_COLUMNS = (
    Column("cloud", *one_of(*CLOUDS)),
    Column("instance_type", *_NAME),
    Column("gpu", *_NAME),
    Column("gpu_count", *whole(1, 16)),
    Column("gpu_memory_gb_each", *number(1.0, 1_000.0)),
    Column("vcpus", *whole(1, 1_000)),
    Column("network_gbps", *number(0.1, 10_000.0)),
    Column("network_is_ceiling", *one_of("true", "false")),
    Column("disk_mb_per_s", *number(1.0, 1_000_000.0, blank=0.0)),
    Column("on_demand_usd_per_h", *number(0.01, 10_000.0)),
    Column("region", *_NAME),
    Column("date", _day, "a day such as 2026-01-19"),
    Column("source", *_ADDRESS),
    Column("specs_source", *_ADDRESS),
)


class CatalogueError(ValueError):
    """A table that cannot be used, or a name that it lacks."""


@dataclass(frozen=True)
class InstanceType:
    """One row: the figures of one instance, and where they were read."""

    cloud: str
    instance_type: str
    gpu: str
    gpu_count: int
    gpu_memory_gb_each: float  # of one GPU, GB as sold
    vcpus: int
    network_gbps: float  # sustained, or the vendor's ceiling
    network_is_ceiling: bool  # whether the vendor promises no more than "up to"
    disk_mb_per_s: float | None  # ceiling to attached disks; None where the vendor gives none
    on_demand_usd_per_h: float  # list price in that region on that date
    region: str
    date: date
    source: str  # of the price
    specs_source: str  # of all else

    @property
    def gpu_memory_mb(self) -> float:
        """Of all its GPUs together, MB: a task has an instance to itself, and may spread over them."""
        return self.gpu_count * self.gpu_memory_gb_each * MB_PER_GB

    @property
    def bandwidth_gbps(self) -> float:
        """Network, Gbit/s, as a scenario's pool calls it."""
        return self.network_gbps


@cache
def instance_types() -> Mapping[str, InstanceType]:
    """Every type by its name, in the table's order; read once.

    Raises:
        CatalogueError: the table is not as it should be, one line a problem.
    """
    return MappingProxyType(read_instance_types(data_folder() / "catalogue" / "instance_types.csv"))


def read_instance_types(path: Path) -> dict[str, InstanceType]:
    """The types of a table in this form, by name.

    Raises:
        CatalogueError: the file or a row cannot be used; one line for each of the first 20 problems.
    """
    rows, problems = read_rows(path, _COLUMNS, CatalogueError)
    check_unique(rows, "instance_type", problems)
    problems.raise_any()
    return {row.values["instance_type"]: _instance_type(row) for row in rows}


def lookup(name: str) -> InstanceType:
    """The type of this name.

    Raises:
        CatalogueError: there is none; the line names the nearest.
    """
    try:
        return instance_types()[name]
    except KeyError:
        raise CatalogueError(f"instance_type: {unknown(name)}") from None


def unknown(name: str) -> str:
    """That the table lacks a type, and which come near it."""
    near = difflib.get_close_matches(name, instance_types(), n=_NEAREST, cutoff=0.5)
    hint = f"nearest: {', '.join(near)}" if near else "see data/catalogue/instance_types.csv"
    return f"the catalogue has no instance type {shown(name)} ({hint})"


def with_catalogue_figures(pool: Any) -> Any:
    """A pool's mapping with what it leaves out and the table knows of its instance type; anything else as it is."""
    if not isinstance(pool, Mapping) or all(field in pool for field in POOL_FIELDS):
        return pool
    name = pool.get("instance_type")
    known = instance_types().get(name) if isinstance(name, str) else None
    return pool if known is None else {**{field: getattr(known, field) for field in POOL_FIELDS}, **pool}


def _instance_type(row: Row) -> InstanceType:
    values = {**row.values, "network_is_ceiling": row.values["network_is_ceiling"] == "true"}
    return InstanceType(**{**values, "disk_mb_per_s": values["disk_mb_per_s"] or None})
