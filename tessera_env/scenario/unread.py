"""What a scenario says although nothing in it reads that: a value that would be without effect, and without a word.

A value that is its field's default says nothing, so that a scenario's JSON, which has them all, can be read again. Who
reads a field is told by choices of the same scenario - a source, a switch, something given or not - and by figures
that the reference says to mean "none" at 0 (or 1, for a factor), but by no other amount.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel

from tessera_env.files.problems import shown
from tessera_env.scenario.market import Pool
from tessera_env.scenario.model import ScenarioFields
from tessera_env.scenario.texts import value_text


class Unread(NamedTuple):
    """One value that is given and not read."""

    field: str
    default: Any
    value: Any
    where: str  # nothing reads it

    def __str__(self) -> str:
        is_text = isinstance(self.value, str) or (isinstance(self.value, tuple) and isinstance(self.value[0], str))
        got = shown(self.value) if is_text else value_text(self.value)
        return f"{self.field}: must be {value_text(self.default)} {self.where} (got {got})"


class Reader(NamedTuple):
    """Who reads some fields, in words, and whether it is there."""

    fields: tuple[str, ...]
    where: str  # it is not there
    is_there: Callable[[Any], Any]  # of the scenario, or of the pool


def unread(scenario: ScenarioFields) -> Iterator[Unread]:
    """Every value that is not its default and that nothing reads."""
    yield from _unread_by(_READERS, scenario, "")
    for index, service in enumerate(scenario.service):
        yield from _unread_by(_READERS_OF_SERVICES, service, f"service.{index}.")
        if scenario.notice_s == 0.0 and service.at_notice != "serves":
            yield Unread(f"service.{index}.at_notice", "serves", service.at_notice, "unless notice_s is above 0")
    for index, pool in enumerate(scenario.pools):
        yield from _unread_by(_READERS_OF_POOLS, pool, f"pools.{index}.")


def problems_of_unread(scenario: ScenarioFields) -> Iterator[str]:
    """One line each."""
    return map(str, unread(scenario))


def _unread_by(readers: tuple[Reader, ...], owner: BaseModel, prefix: str) -> Iterator[Unread]:
    for reader in readers:
        if reader.is_there(owner):
            continue
        for field in reader.fields:
            section, name = _holder(owner, field)
            if (known := type(section).model_fields.get(name)) is None:
                continue  # another member of the union
            value, default = getattr(section, name), known.get_default()
            if value != default:
                yield Unread(prefix + field, default, value, reader.where)


def _holder(owner: BaseModel, field: str) -> tuple[BaseModel, str]:
    """The section that has the field, and its name there."""
    *sections, name = field.split(".")
    for section in sections:
        owner = getattr(owner, section)
    return owner, name


def _has_deadlines(scenario: ScenarioFields) -> bool:
    return scenario.task.deadline_h is not None or scenario.task.slack is not None


def _is_from_pods(scenario: ScenarioFields) -> bool:
    return scenario.task.recording_format == "pods"


def _has_batch(scenario: ScenarioFields) -> bool:
    return scenario.task.interactive_share < 1.0 or _is_from_pods(scenario)


def _has_interactive(scenario: ScenarioFields) -> bool:
    return scenario.task.interactive_share > 0.0 or _is_from_pods(scenario)


def _moves_running(scenario: ScenarioFields) -> bool:
    return scenario.reconsider_running or scenario.ask_at_freed_room


def _is_ever_full(scenario: ScenarioFields) -> bool:
    return any(pool.capacity.instances is not None for pool in scenario.pools)


def _capacity_varies(scenario: ScenarioFields) -> bool:
    return any(pool.capacity.source != "constant" for pool in scenario.pools)


def _saves_at_notice(scenario: ScenarioFields) -> bool:
    return scenario.checkpoint.at_notice and scenario.notice_s > 0.0


def _regimes_differ(pool: Pool) -> bool:
    return getattr(pool.capacity, "regime_factor_high", 1.0) > 1.0


def _has_shocks(pool: Pool) -> bool:
    return getattr(pool.capacity, "shocks_per_day", 0.0) > 0.0


def _has_levels(pool: Pool) -> bool:
    return getattr(pool.capacity, "partial_share", (0.0, 0.0))[1] > 0.0


_READERS = (
    Reader(
        ("reconsider_at_capacity", "reconsider_on_spot", "deadline_guard"),
        "unless reconsider_running is true",
        lambda scenario: scenario.reconsider_running,
    ),
    Reader(("reconsider_at_capacity",), "unless the capacity of a pool is not 'constant'", _capacity_varies),
    Reader(("ask_at_freed_room",), "unless a pool's capacity has a number of instances", _is_ever_full),
    Reader(("make_before_break",), "unless reconsider_running or ask_at_freed_room is true", _moves_running),
    Reader(("just_in_time",), "unless notice_s is above 0", lambda scenario: scenario.notice_s > 0.0),
    Reader(
        ("deadline_guard", "guard_margin_s", "slack_tick_s"),
        "unless task.deadline_h or task.slack is given",
        _has_deadlines,
    ),
    Reader(("guard_counts_saves",), "unless deadline_guard is true", lambda scenario: scenario.deadline_guard),
    Reader(("penalty.missed_weight",), "unless task.interactive_share is below 1", _has_batch),
    Reader(("penalty.downtime_weight",), "unless task.interactive_share is above 0", _has_interactive),
    Reader(
        ("checkpoint.full_fraction", "checkpoint.partial_fraction"),
        "unless checkpoint.at_notice is true and notice_s above 0",
        _saves_at_notice,
    ),
    Reader(
        ("checkpoint.cost_s",),
        "unless checkpoint.interval_h is given",
        lambda scenario: scenario.checkpoint.interval_h is not None,
    ),
    Reader(
        ("task.arrival_share",),
        "unless task.arrivals is not 'at_start'",
        lambda scenario: scenario.task.arrivals != "at_start",
    ),
    Reader(
        ("task.daily_share",),
        "unless task.arrivals is 'poisson' or 'bursts'",
        lambda scenario: scenario.task.arrivals in ("poisson", "bursts"),
    ),
    Reader(
        ("task.burst_size", "task.burst_spread_s"),
        "unless task.arrivals is 'bursts'",
        lambda scenario: scenario.task.arrivals == "bursts",
    ),
    Reader(
        ("task.arrival_scale",),
        "unless task.arrivals is 'recorded'",
        lambda scenario: scenario.task.arrivals == "recorded",
    ),
    Reader(
        ("task.recording_work_h",),
        "unless task.recording is given",
        lambda scenario: scenario.task.recording is not None,
    ),
    Reader(("task.recording_mb_per_gpu",), "unless task.recording_format is 'pods'", _is_from_pods),
    Reader(
        ("task.interactive_share", "task.gpu_memory_mb"),
        "with task.recording_format = 'pods', whose rows say it",
        lambda scenario: not _is_from_pods(scenario),
    ),
    Reader(("task.deadline_h", "task.slack"), "unless task.interactive_share is below 1", _has_batch),
    Reader(
        ("market.trace", "market.polarity", "market.from_h", "market.until_h"),
        "unless a pool's price or capacity has the source 'trace'",
        lambda scenario: scenario.replays,
    ),
)

_READERS_OF_SERVICES = (
    Reader(("requests_per_replica",), "unless demand is given", lambda service: service.demand is not None),
    Reader(
        ("patience_s",),
        "unless requests_per_replica is given",
        lambda service: service.requests_per_replica is not None,
    ),
)

_READERS_OF_POOLS = (
    Reader(("capacity.regime_mean_h",), "unless regime_factor_high is above 1", _regimes_differ),
    Reader(("capacity.shock_median_h",), "unless shocks_per_day is above 0", _has_shocks),
    Reader(("capacity.level_mean_h",), "unless partial_share is above 0", _has_levels),
    Reader(("trace_zone",), "unless price or capacity has the source 'trace'", lambda pool: pool.replays),
)
