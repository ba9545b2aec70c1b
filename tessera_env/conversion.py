"""A scenario, turned once into the tables of numbers that the kernels read: hours to seconds, shares to dollars."""

import math

import numpy as np

from tessera_env.distributions import DISTRIBUTION, DistributionKind
from tessera_env.market.traces import Series, TraceError, read_series
from tessera_env.parameters import (
    CONFIG,
    JOB,
    MAX_QUANTILES,
    NONE,
    POOL_SPEC,
    SERIES,
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
from tessera_env.scenario import OrnsteinUhlenbeckPrice, Pool, Scenario, SemiMarkovCapacity
from tessera_env.scenario_checks import on_demand_h
from tessera_env.scenario_distributions import Distribution
from tessera_env.workload_files import WorkloadError, read_workload

HOUR_S = 3600.0


def parameters_of(scenario: Scenario) -> Parameters:
    """The scenario's tables.

    Raises:
        TraceError: its trace cannot be read or does not fit it.
    """
    replayed, jobs = replayed_series(scenario), recorded_jobs(scenario)
    return Parameters(
        config=_config(scenario, replayed, 0 if jobs is None else len(jobs)),
        pools=_pools(scenario, replayed),
        distributions=_distributions(scenario),
        series=_series_table(replayed),
        trace=_trace_table(replayed),
        quantiles=_quantiles(scenario),
        jobs=new_table(1, JOB) if jobs is None else jobs,
    )


def replayed_series(scenario: Scenario) -> tuple[Series, ...]:
    """The series that the scenario's pools replay, checked against it; none where no pool replays.

    Raises:
        TraceError: a file cannot be used, a zone is unknown, prices are missing, or no window fits.
    """
    if not scenario.replays:
        return ()
    market = scenario.market
    replayed = read_series(market.trace_paths, market.polarity)
    for index, pool in enumerate(scenario.pools):
        _check_pool(index, pool, replayed)
    from_s, until_s = window_bounds_s(scenario, replayed)
    if until_s - from_s < scenario.horizon_h * HOUR_S:
        raise TraceError(
            f"market.from_h: must leave a window of horizon_h = {scenario.horizon_h:g} before {until_s / HOUR_S:g} h, "
            f"until_h or the trace's end (got {market.from_h:g})"
        )
    return replayed


def window_bounds_s(scenario: Scenario, replayed: tuple[Series, ...]) -> tuple[float, float]:
    """First start and last end of replayed windows, s of the trace; starts lie on the trace's samples.

    Raises:
        TraceError: the windows should end behind the shortest series' end.
    """
    if not replayed:
        return 0.0, scenario.horizon_h * HOUR_S
    market, step_s, end_s = scenario.market, window_step_s(replayed), min(series.end_s for series in replayed)
    if market.until_h is not None and market.until_h * HOUR_S > end_s:
        raise TraceError(
            f"market.until_h: must be at most {end_s / HOUR_S:g}, the trace's end (got {market.until_h:g})"
        )
    from_s = math.ceil(market.from_h * HOUR_S / step_s) * step_s
    return from_s, end_s if market.until_h is None else market.until_h * HOUR_S


def window_step_s(replayed: tuple[Series, ...]) -> float:
    """The grid on which replayed windows start, s: one sample."""
    return min((series.sample_s for series in replayed), default=1.0)


def _check_pool(index: int, pool: Pool, replayed: tuple[Series, ...]) -> None:
    names = [series.name for series in replayed]
    if not pool.replays:
        return
    if pool.trace_zone != "random" and pool.trace_zone not in names:
        raise TraceError(
            f"pools.{index}.trace_zone: must be 'random' or one of {', '.join(names)} (got {pool.trace_zone!r})"
        )
    for series in replayed:
        if pool.price.source == "trace" and pool.trace_zone in ("random", series.name) and series.price is None:
            raise TraceError(
                f"pools.{index}.price.source: must be 'constant' or 'ornstein_uhlenbeck', because the series "
                f"{series.name} has no prices (got 'trace')"
            )


def _config(scenario: Scenario, replayed: tuple[Series, ...], job_count: int) -> np.recarray:
    table = new_table(1, CONFIG)
    config = table[0]
    billing, checkpoint, task, penalty = scenario.billing, scenario.checkpoint, scenario.task, scenario.penalty
    config.horizon_s = scenario.horizon_h * HOUR_S
    config.decision_interval_s = scenario.decision_interval_s
    config.reconsider_running = scenario.reconsider_running
    config.reconsider_at_capacity = scenario.reconsider_at_capacity
    config.reconsider_on_spot = scenario.reconsider_on_spot
    config.deadline_guard = scenario.deadline_guard
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
    config.job_count = job_count
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
    config.window_from_s, config.window_until_s = window_bounds_s(scenario, replayed)
    config.window_step_s = window_step_s(replayed)
    config.dearest_on_demand = max(pool.on_demand_usd_per_h for pool in scenario.pools)
    config.largest_memory_mb = max(pool.gpu_memory_mb for pool in scenario.pools)
    config.series_count = len(replayed)
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
    if capacity.source == "spells":
        spec.up_points, spec.down_points = len(capacity.up_h), len(capacity.down_h)
        spec.shocks_per_day, spec.shock_median_h = capacity.shocks_per_day, capacity.shock_median_h
    if not isinstance(capacity, SemiMarkovCapacity):
        return
    spec.up_median_low_h, spec.up_median_high_h = capacity.up_median_h
    spec.up_sigma_low, spec.up_sigma_high = capacity.up_sigma
    spec.down_median_low_h, spec.down_median_high_h = capacity.down_median_h
    spec.down_sigma_low, spec.down_sigma_high = capacity.down_sigma
    spec.regime_mean_h = math.inf if capacity.regime_mean_h is None else capacity.regime_mean_h
    spec.regime_factor_high = capacity.regime_factor_high
    spec.shocks_per_day = capacity.shocks_per_day
    spec.shock_median_h = capacity.shock_median_h


def _quantiles(scenario: Scenario) -> np.ndarray:
    table = np.zeros((len(scenario.pools), 2, MAX_QUANTILES))
    for rows, pool in zip(table, scenario.pools, strict=True):
        if pool.capacity.source == "spells":
            for row, lengths_h in zip(rows, (pool.capacity.up_h, pool.capacity.down_h), strict=True):
                row[: len(lengths_h)] = lengths_h
    return table


def recorded_jobs(scenario: Scenario) -> np.recarray | None:
    """The workload file's jobs as the scenario replays them; None where tasks are generated.

    Raises:
        WorkloadError: the file cannot be used, has no job that fits a pool, or one that cannot make its deadline.
    """
    task = scenario.task
    if task.trace is None or task.trace_format is None:
        return None
    workload = read_workload(
        task.trace,
        task.trace_format,
        gpu_memory_mb_per_gpu=task.trace_mb_per_gpu,
        gpu_memory_limit_mb=max(pool.gpu_memory_mb for pool in scenario.pools),
    )
    jobs = new_table(len(workload), JOB)
    low_h, high_h = task.trace_work_h
    jobs["work_s"] = np.clip(workload.work_s, low_h * HOUR_S, high_h * HOUR_S)
    for name in ("arrival_s", "gpu_memory_mb", "state_mb", "interactive"):
        values = getattr(workload, name)
        jobs[name] = np.nan if values is None else values
    _check_deadlines(scenario, jobs)
    return jobs


def _check_deadlines(scenario: Scenario, jobs: np.recarray) -> None:
    """As the scenario's own check, with the memory and the state that each job was recorded with."""
    task = scenario.task
    urgent = np.asarray(jobs)[jobs["interactive"] != 1.0]
    work_h = urgent["work_s"] / HOUR_S
    memory_mb = np.where(np.isnan(urgent["gpu_memory_mb"]), task.gpu_memory_mb.highest, urgent["gpu_memory_mb"])
    state_mb = np.where(np.isnan(urgent["state_mb"]), task.final_state_mb(work_h), urgent["state_mb"])
    needed_h = np.full(len(urgent), np.inf)
    for pool in scenario.pools:
        fits = memory_mb <= pool.gpu_memory_mb
        needed_h[fits] = np.minimum(needed_h, on_demand_h(scenario, pool, work_h, state_mb))[fits]
    lacking_h = needed_h - task.earliest_deadline_h(work_h)
    if len(urgent) and lacking_h.max() > 1e-9:
        worst = int(lacking_h.argmax())
        raise WorkloadError(
            f"task.{'slack' if task.deadline_h is None else 'deadline_h'}: must leave at least {needed_h[worst]:.6g} h "
            f"to a job of {task.trace} with {work_h[worst]:.6g} h of work and {state_mb[worst]:.6g} MB of state, what "
            f"it takes on on-demand (got {needed_h[worst] - lacking_h[worst]:.6g} h)"
        )


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
