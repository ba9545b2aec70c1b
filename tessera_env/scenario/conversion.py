"""A scenario, turned once into the tables of numbers that the kernels read: hours to seconds, shares to dollars."""

import math

import numpy as np

from tessera_env.recordings.traces.series import HOUR_S, Series
from tessera_env.scenario.demand_tables import demand_tables
from tessera_env.scenario.distributions import Distribution
from tessera_env.scenario.market import OrnsteinUhlenbeckPrice, Pool, SemiMarkovCapacity, SpellsOfCapacity
from tessera_env.scenario.recorded import Recordings
from tessera_env.scenario.scenario import Scenario
from tessera_env.world.distributions import DISTRIBUTION, DistributionKind
from tessera_env.world.parameters import (
    CONFIG,
    JOB,
    MAX_QUANTILES,
    NONE,
    POOL_SPEC,
    SERIES,
    SERVICE_SPEC,
    TRACE_POINT,
    UNLIMITED,
    Arrivals,
    CapacitySource,
    HazardModel,
    Parameters,
    PriceSource,
    Quantity,
    new_table,
)


def parameters_of(scenario: Scenario) -> Parameters:
    """The tables of a scenario and of what it replays; none is shared with another call's."""
    recordings = scenario.recordings
    demands, demand_points = demand_tables(scenario.service, recordings.demands)
    return Parameters(
        config=_config(scenario, recordings),
        pools=_pools(scenario, recordings.series),
        distributions=_distributions(scenario),
        series=_series_table(recordings.series),
        trace=_trace_table(recordings.series),
        quantiles=_quantiles(scenario),
        jobs=new_table(1, JOB) if recordings.jobs is None else recordings.jobs.copy(),
        services=_services(scenario),
        service_pools=_service_pools(scenario),
        demands=demands,
        demand_points=demand_points,
    )


def _services(scenario: Scenario) -> np.recarray:
    table = new_table(len(scenario.service), SERVICE_SPEC)
    first_seat = scenario.task.count
    for spec, service in zip(table, scenario.service, strict=True):
        spec.first_seat, spec.seat_count = first_seat, service.seats
        first_seat += service.seats
        spec.extra, spec.base_on_demand = service.extra, service.base_on_demand
        spec.control_interval_s = service.control_interval_s or scenario.decision_interval_s
        spec.looks_when_changed = service.looks == "when_changed"
        spec.looks_at_events = service.looks_at_events
        spec.decides_before_market = service.decides_before_market
        spec.setup_s, spec.model_mb, spec.gpu_memory_mb = service.setup_s, service.model_mb, service.gpu_memory_mb
        spec.drain_s = service.drain_s
        spec.serves_at_notice = service.at_notice == "serves"
        spec.make_before_break = service.make_before_break
        spec.launch_failure_s = service.launch_failure_s
        spec.score_from_s = service.score_from_s
        spec.shortfall_weight = service.shortfall_weight
        spec.on_demand_price = min(pool.on_demand_usd_per_h for pool in scenario.pools if service.fits(pool))
        spec.requests_per_replica = service.requests_per_replica or 0.0
        spec.patience_s = service.patience
    return table


def _service_pools(scenario: Scenario) -> np.ndarray:
    fits = [[service.fits(pool) for pool in scenario.pools] for service in scenario.service]
    return np.array(fits, dtype=np.bool_).reshape(len(scenario.service), len(scenario.pools))


def _config(scenario: Scenario, recordings: Recordings) -> np.recarray:
    table = new_table(1, CONFIG)
    config = table[0]
    billing, checkpoint, task, penalty = scenario.billing, scenario.checkpoint, scenario.task, scenario.penalty
    config.horizon_s = scenario.horizon_h * HOUR_S
    config.decision_interval_s = scenario.decision_interval_s
    config.reward_scale = 1.0
    config.reconsider_running = scenario.reconsider_running
    config.reconsider_at_capacity = scenario.reconsider_at_capacity
    config.reconsider_on_spot = scenario.reconsider_on_spot
    config.ask_at_freed_room = scenario.ask_at_freed_room
    config.ask_tightest_first = scenario.ask_order == "urgency"
    config.make_before_break = scenario.make_before_break
    config.just_in_time = scenario.just_in_time
    config.deadline_guard = scenario.deadline_guard
    config.guard_counts_saves = scenario.guard_counts_saves
    config.guard_margin_s = scenario.guard_margin_s
    config.slack_tick_s = scenario.slack_tick_s
    config.notice_s = scenario.notice_s
    config.idle_timeout_s = scenario.idle_timeout_s
    config.billing_minimum_s = billing.minimum_s
    config.billing_increment_s = billing.billing_increment_s
    config.free_first_hour = billing.free_first_hour
    config.full_fraction = checkpoint.full_fraction
    config.partial_fraction = checkpoint.partial_fraction
    config.saves_at_notice = checkpoint.at_notice
    config.store_bandwidth_gbps = checkpoint.store_bandwidth_gbps
    config.checkpoint_interval_s = math.inf if checkpoint.interval_h is None else checkpoint.interval_h * HOUR_S
    config.checkpoint_cost_s = checkpoint.cost_s
    config.task_count = task.count
    config.arrivals = Arrivals[task.arrivals.upper()]
    config.arrival_share = task.arrival_share
    config.arrivals_per_h = task.arrivals_per_h or 0.0
    config.arrival_daily_share = task.daily_share
    config.arrival_scale = task.arrival_scale
    config.job_count = 0 if recordings.jobs is None else len(recordings.jobs)
    config.burst_size = task.burst_size
    config.burst_spread_s = task.burst_spread_s
    config.interactive_share = task.interactive_share
    config.state_base_mb = task.state_base_mb
    config.state_mb_per_work_h = task.state_mb_per_work_h
    config.state_cap_mb = task.state_cap_mb
    config.deadline_from_arrival = task.deadline_h is not None
    config.deadline_from_slack = task.slack is not None
    config.missed_weight = penalty.missed_weight
    config.downtime_weight = penalty.downtime_weight
    config.window_from_s, config.window_until_s = recordings.from_s, recordings.until_s
    config.window_step_s = recordings.step_s
    config.dearest_on_demand = max(pool.on_demand_usd_per_h for pool in scenario.pools)
    config.largest_memory_mb = max(pool.gpu_memory_mb for pool in scenario.pools)
    config.series_count = len(recordings.series)
    return table


def _pools(scenario: Scenario, replayed: tuple[Series, ...]) -> np.recarray:
    table = new_table(len(scenario.pools), POOL_SPEC)
    zones = list(dict.fromkeys(pool.zone for pool in scenario.pools))
    names = [series.name for series in replayed]
    for spec, pool in zip(table, scenario.pools, strict=True):
        spec.zone = zones.index(pool.zone)
        spec.gpu_memory_mb = pool.gpu_memory_mb
        spec.bandwidth_gbps = pool.bandwidth_gbps
        spec.on_demand_price = pool.on_demand_usd_per_h
        spec.provisioning_s = pool.provisioning_s.median
        spec.provisioning_high_s = pool.provisioning_s.highest
        spec.on_demand_failure_share = pool.on_demand_failure_share
        spec.series = names.index(pool.trace_zone) if pool.trace_zone in names else NONE
        _set_price(spec, pool)
        _set_capacity(spec, pool)
        _set_hazard(spec, pool)
    return table


def _set_hazard(spec: np.record, pool: Pool) -> None:
    hazard = pool.hazard
    spec.hazard_model = HazardModel[hazard.model.upper()]
    if hazard.model == "bathtub":
        spec.hazard_scale, spec.hazard_tau1_h, spec.hazard_tau2_h = hazard.scale, hazard.tau1_h, hazard.tau2_h
        spec.hazard_b_h, spec.hazard_cap_h = hazard.b_h, hazard.cap_h
    elif hazard.model != "none":
        spec.hazard_per_h = hazard.per_h


def _set_price(spec: np.record, pool: Pool) -> None:
    price = pool.price
    spec.price_source = PriceSource[price.source.upper()]
    if price.source == "constant":
        spec.price_mean = price.usd_per_h
    elif price.source == "steps":
        spec.price_mean = price.mean_share * pool.on_demand_usd_per_h
        spec.price_lowest = price.lowest_share * pool.on_demand_usd_per_h
        spec.price_highest = price.highest_share * pool.on_demand_usd_per_h
        spec.price_changes_per_day = price.changes_per_day
        spec.price_step_low, spec.price_step_high = price.step_low_share, price.step_high_share
    elif isinstance(price, OrnsteinUhlenbeckPrice):
        spec.price_mean = price.mean_share * pool.on_demand_usd_per_h
        spec.price_deviation = price.deviation_share * pool.on_demand_usd_per_h
        spec.price_reversion_per_h = price.reversion_per_h
        spec.price_step_s = price.step_s
        spec.price_daily_share = price.daily_share
        spec.price_lowest = price.lowest_share * pool.on_demand_usd_per_h
        spec.price_highest = price.highest_share * pool.on_demand_usd_per_h


def _set_capacity(spec: np.record, pool: Pool) -> None:
    capacity = pool.capacity
    spec.capacity_source = CapacitySource[capacity.source.upper()]
    spec.capacity = UNLIMITED if capacity.instances is None else capacity.instances
    if isinstance(capacity, SpellsOfCapacity):
        spec.shocks_per_day, spec.shock_median_h = capacity.shocks_per_day, capacity.shock_median_h
        spec.partial_share_low, spec.partial_share_high = capacity.partial_share
        spec.level_mean_h = capacity.level_mean_h
    if capacity.source == "spells":
        spec.up_points, spec.down_points = len(capacity.up_h), len(capacity.down_h)
    if not isinstance(capacity, SemiMarkovCapacity):
        return
    spec.up_median_low_h, spec.up_median_high_h = capacity.up_median_h
    spec.up_sigma_low, spec.up_sigma_high = capacity.up_sigma
    spec.down_median_low_h, spec.down_median_high_h = capacity.down_median_h
    spec.down_sigma_low, spec.down_sigma_high = capacity.down_sigma
    spec.regime_mean_h = math.inf if capacity.regime_mean_h is None else capacity.regime_mean_h
    spec.regime_factor_high = capacity.regime_factor_high


def _quantiles(scenario: Scenario) -> np.ndarray:
    table = np.zeros((len(scenario.pools), 2, MAX_QUANTILES))
    for rows, pool in zip(table, scenario.pools, strict=True):
        if pool.capacity.source == "spells":
            for row, lengths_h in zip(rows, (pool.capacity.up_h, pool.capacity.down_h), strict=True):
                row[: len(lengths_h)] = lengths_h
    return table


def _distributions(scenario: Scenario) -> np.recarray:
    table = new_table(Quantity.FIRST_SETUP + 2 * len(scenario.pools), DISTRIBUTION)
    task, zero = scenario.task, Distribution(constant=0.0)
    _set_distribution(table[Quantity.WORK_H], task.work_h or zero)
    _set_distribution(table[Quantity.DEADLINE_H], task.deadline_h or zero)
    _set_distribution(table[Quantity.SLACK], task.slack or zero)
    _set_distribution(table[Quantity.GPU_MEMORY_MB], task.gpu_memory_mb)
    for pool_id, pool in enumerate(scenario.pools):
        seconds = _scaled(pool.setup_h, HOUR_S)
        _set_distribution(table[Quantity.FIRST_SETUP + 2 * pool_id], seconds)
        _set_distribution(table[Quantity.FIRST_SETUP + 2 * pool_id + 1], pool.provisioning_s)
    return table


def _scaled(distribution: Distribution, factor: float) -> Distribution:
    """The distribution of `factor` times the quantity."""
    if distribution.lognormal is not None:
        member = distribution.lognormal
        scaled = {key: getattr(member, key) * factor for key in ("median", "low", "high")}
        return Distribution.model_validate({"lognormal": {**scaled, "sigma": member.sigma}})
    form = distribution.form
    value = getattr(distribution, form)
    scaled_value = value * factor if form == "constant" else [part * factor for part in value]
    return Distribution.model_validate({form: scaled_value})


def _set_distribution(record: np.record, distribution: Distribution) -> None:
    record.kind = DistributionKind[distribution.form.upper()]
    record.low, record.high = distribution.lowest, distribution.highest
    if distribution.lognormal is not None:
        record.median, record.sigma = distribution.lognormal.median, distribution.lognormal.sigma
    if distribution.choice is not None:
        record.choice_count = len(distribution.choice)
        record.choices[: len(distribution.choice)] = distribution.choice


def _series_table(replayed: tuple[Series, ...]) -> np.recarray:
    table = new_table(max(len(replayed), 1), SERIES)
    first = 0
    for row, series in zip(table, replayed, strict=False):
        row.first, row.count, row.end_s = first, len(series.time_s), series.end_s
        first += len(series.time_s)
    return table


def _trace_table(replayed: tuple[Series, ...]) -> np.recarray:
    """All series' points, one after the other; one row of zeros without a trace, because kernels need a row."""
    table = new_table(max(sum(len(series.time_s) for series in replayed), 1), TRACE_POINT)
    first = 0
    for series in replayed:
        rows = slice(first, first + len(series.time_s))
        table["time_s"][rows] = series.time_s
        table["capacity"][rows] = series.capacity
        table["spot_price"][rows] = 0.0 if series.price is None else series.price
        first = rows.stop
    return table
