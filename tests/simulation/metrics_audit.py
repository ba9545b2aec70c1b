"""Metrics up to now, recomputed from the event log alone: by whoever keeps the books of it."""

import math
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from tessera_env.simulation.rows import Simulation
from tests.engine.audit import Auditor, Job, is_close, price_of

ROW = np.zeros(1, dtype=np.int64)


@dataclass
class MetricsAuditor(Auditor):
    """An auditor that also compares the metrics after every step, with what has not ended counted up to now."""

    since_s: dict[int, float] = field(default_factory=dict)  # of each task that waits
    waited_s: float = 0.0
    set_up_s: float = 0.0
    least: dict[str, float] = field(default_factory=dict)  # what never falls, as of the step before

    def on_arrival(self, simulation, line) -> None:
        super().on_arrival(simulation, line)
        self.since_s[line.task] = line.time_s

    def on_place(self, simulation, line, works_from_s) -> None:
        super().on_place(simulation, line, works_from_s)
        self.waited_s += line.time_s - self.since_s.pop(line.task)

    def on_stop(self, simulation, line, kept_s, lost_s) -> None:
        self.set_up_s += self.set_up(self.jobs[line.task])
        super().on_stop(simulation, line, kept_s, lost_s)
        self.since_s[line.task] = line.time_s

    def on_completion(self, simulation, line) -> None:
        super().on_completion(simulation, line)
        del self.since_s[line.task]

    def set_up(self, job: Job) -> float:
        """Billed seconds of its stay before its work runs, up to now."""
        from_s = max(job.placed_s, self.machines[job.launch].billing_start_s)
        return max(0.0, min(job.ready_s, self.now_s) - from_s)

    def compare(self, simulation: Simulation, row: SimpleNamespace) -> None:
        """The totals, and then the metrics."""
        super().compare(simulation, row)
        metrics = {name: value[0].item() for name, value in simulation.metrics(ROW).items()}
        for name, expected in self.expected(simulation).items():
            assert is_close(metrics[name], expected), name
        assert is_close(metrics["cost_usd"], row.reported_usd)
        assert is_close(metrics["objective_usd"], -row.episode_return * row.scale_usd)
        never_falls = ("spot_h", "on_demand_h", "setup_h", "waiting_h", "elapsed_h")
        assert all(metrics[name] >= self.least.get(name, 0.0) - 1e-9 for name in never_falls)
        self.least = metrics

    def expected(self, simulation: Simulation) -> dict[str, float]:
        """What the metrics must be."""
        stays = [job for job in self.jobs.values() if job.launch is not None]
        work_s = self.useful_s + sum(gained_s(simulation, self.now_s - job.ready_s) for job in stays)
        waiting_s = self.waited_s + sum(self.now_s - since_s for since_s in self.since_s.values())
        set_up_s = self.set_up_s + sum(self.set_up(job) for job in stays)
        usd, seconds = [self.spot_usd, self.on_demand_usd], [self.spot_s, self.on_demand_s]
        for machine in self.alive.values():
            if machine.billing_start_s <= self.now_s:
                usd[machine.on_demand] += price_of(simulation, machine, machine.billing_start_s, self.now_s)
                seconds[machine.on_demand] += self.now_s - machine.billing_start_s
        hours = {"spot_h": seconds[0], "on_demand_h": seconds[1], "waiting_h": waiting_s, "setup_h": set_up_s}
        hours["work_done_h"] = work_s
        return {
            **{name: value / 3_600.0 for name, value in hours.items()},
            "spot_usd": usd[0],
            "on_demand_usd": usd[1],
        }


def gained_s(simulation: Simulation, run_s: float) -> float:
    """Work done in this time, one checkpoint after the other taken out."""
    config, left_s, work_s = simulation.params.config[0], run_s, 0.0
    if config.checkpoint_interval_s == math.inf:
        return max(0.0, run_s)
    while left_s > 0.0:
        work_s += min(left_s, config.checkpoint_interval_s)
        left_s -= config.checkpoint_interval_s + config.checkpoint_cost_s
    return work_s
