"""What a study says: means, the gap closed to the optimum, paired differences, all with intervals by blocks.

Windows overlap, and what a zone does in one window it does in the next: rows are alike within a zone and week of the
recording, so whole (zone, week) blocks are drawn (`tessera_env.evaluation.block_bootstrap`). Zones of one week that
move together are still drawn apart: the hours kept for reports hold two weeks, too few to draw whole weeks.

Gap closed = (U - x) / (U - o), of the mean costs U of uniform progress, x of the policy and o of the optimum. It can be
averaged in three ways:

- the headline: over zones the means come first, then the ratio, and the 12 ratios of deadline and changeover are
  averaged. U - o over nine zones is dollars, so no ratio hangs on a small one, and each job counts alike;
- pooled: one ratio of the means over all. Jobs where uniform progress is far from the optimum count more;
- by zone: a ratio for each zone, too, then the mean. Where U - o is a few cents (spot nearly always there, or nearly
  never) the ratio is noise, so those below THIN of U are left out, and counted.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.studies.cant_be_late.study import METRICS, ON_DEMAND, OPTIMUM, YARDSTICK, Study, Table
from tessera_env.evaluation.block_bootstrap import DRAWS, BlockSums, Statistic, block_of, block_sums
from tessera_env.evaluation.statistics import Estimate

WEEK_H = 168.0
THIN = 0.01  # of the yardstick's cost: a gap below it is no denominator


@dataclass(frozen=True)
class Row:
    """One policy over some combinations of deadline and changeover; all zones, all windows."""

    label: str
    cost_usd: Estimate
    share: Estimate  # of the cost of on-demand alone
    gap: Estimate  # closed
    on_demand_h: float
    spot_h: float
    spot_use: float  # spot hours / hours with spot to be had
    launches: float
    late: int
    windows: int  # played; of a mean, by all of its policies


@dataclass(frozen=True)
class Difference:
    """One policy against another in the same windows."""

    label: str
    other: str
    gap: Estimate  # closed by the first, less that by the other
    cost_usd: Estimate  # of the first, less that of the other


@dataclass(frozen=True)
class Averages:
    """The gap that a policy closes, averaged in three ways."""

    label: str
    headline: float
    pooled: float
    by_zone: float
    combinations: int  # of those with zones, whose gap is wide enough
    of: int


class Figures:
    """All that can be said of a study.

    Args:
        study: what was played.
        seed: of the draws of blocks.
        draws: how many.
    """

    def __init__(self, study: Study, seed: int, draws: int = DRAWS):
        self.study = study
        self.seed, self.draws = seed, draws
        mean = _mean_of_learned(study)
        self.tables = {**study.tables, **mean}
        self.mean_label = next(iter(mean), None)
        self._column = {label: k for k, label in enumerate(self.tables)}

    @property
    def labels(self) -> list[str]:
        """Policies in the order of tables: the optimum, rules, then trained ones, their mean last."""
        trained = [*self.study.learned, *([self.mean_label] if self.mean_label else [])]
        return [OPTIMUM, *self.study.rules, *trained]

    @property
    def subjects(self) -> list[str]:
        """Trained policies, and their mean."""
        return [label for label in self.labels if label not in (OPTIMUM, *self.study.rules)]

    @property
    def blocks(self) -> int:
        """How many (zone, week) blocks there are."""
        return self._sums.blocks

    @cached_property
    def _sums(self) -> BlockSums:
        """Of rows (zone, window) by (combination of deadline and changeover, label), and last the rows' number."""
        costs = np.stack([table["cost_usd"] for table in self.tables.values()], axis=-1)
        zones, deadlines, changeovers, windows, labels = costs.shape
        rows = np.moveaxis(costs, 3, 1).reshape(zones * windows, deadlines * changeovers, labels)
        rows = np.concatenate([rows, np.ones((*rows.shape[:2], 1))], axis=2)
        weeks = np.floor(self.study.windows_h / WEEK_H).ravel()
        return block_sums(rows, block_of(np.repeat(np.arange(zones), windows), weeks), self.seed, self.draws)

    def overall(self) -> list[Row]:
        """Each policy over all deadlines and changeovers."""
        return [self._row(label, None) for label in self.labels]

    def by_job(self) -> list[tuple[float, float, list[Row]]]:
        """Each policy by deadline and changeover, hours."""
        jobs = [(d, s) for d in self.study.deadlines_h for s in self.study.changeovers_h]
        return [(*job, [self._row(label, k) for label in self.labels]) for k, job in enumerate(jobs)]

    def differences(self) -> list[Difference]:
        """Each trained policy, and their mean, against each hand-coded one."""
        return [self._difference(label, other) for label in self.subjects for other in self.study.rules]

    def averages(self) -> list[Averages]:
        """Each policy's gap closed in the three ways."""
        cells = {label: table["cost_usd"].mean(axis=3) for label, table in self.tables.items()}
        wide = cells[YARDSTICK] - cells[OPTIMUM] > THIN * cells[YARDSTICK]
        found = []
        for label in self.labels:
            gained, gap = cells[YARDSTICK] - cells[label], cells[YARDSTICK] - cells[OPTIMUM]
            by_zone = float((gained[wide] / gap[wide]).mean()) if wide.any() else np.nan
            pooled = float(gained.mean() / gap.mean()) if gap.mean() > 0.0 else np.nan
            headline = float(self._gap(self._sums.total, label))
            found.append(Averages(label, headline, pooled, by_zone, int(wide.sum()), wide.size))
        return found

    def normalised(self, label: str) -> np.ndarray:
        """(zones,) cost between the optimum, 0, and on-demand alone, 1, over all deadlines and changeovers."""
        costs = {key: self.tables[key]["cost_usd"].mean(axis=(1, 2, 3)) for key in (label, OPTIMUM, ON_DEMAND)}
        with np.errstate(divide="ignore", invalid="ignore"):
            return (costs[label] - costs[OPTIMUM]) / (costs[ON_DEMAND] - costs[OPTIMUM])

    def normalised_overall(self, label: str) -> Estimate:
        """The same over all zones."""

        def place(sums: np.ndarray) -> np.ndarray:
            low, high = self._cost(sums, OPTIMUM), self._cost(sums, ON_DEMAND)
            with np.errstate(divide="ignore", invalid="ignore"):
                return (self._cost(sums, label) - low) / (high - low)

        return self._sums.estimate(place)

    def available(self) -> np.ndarray:
        """(zones,) share of the windows' time, up to the longest deadline, with spot to be had."""
        longest = int(np.argmax(self.study.deadlines_h))
        hours = self.tables[OPTIMUM]["spot_available_h"][:, longest]
        return hours.mean(axis=(1, 2)) / self.study.deadlines_h[longest]

    def _difference(self, label: str, other: str) -> Difference:
        return Difference(
            label,
            other,
            gap=self._sums.estimate(lambda sums: self._gap(sums, label) - self._gap(sums, other)),
            cost_usd=self._sums.estimate(lambda sums: self._cost(sums, label) - self._cost(sums, other)),
        )

    def _row(self, label: str, job: int | None) -> Row:
        table = _flat(self.tables[label], job)
        return Row(
            label,
            cost_usd=self._sums.estimate(lambda sums: self._cost(_of_job(sums, job), label)),
            share=self._sums.estimate(self._share(label, job)),
            gap=self._sums.estimate(lambda sums: self._gap(_of_job(sums, job), label)),
            on_demand_h=float(table["on_demand_h"].mean()),
            spot_h=float(table["spot_h"].mean()),
            spot_use=float(table["spot_h"].sum() / max(table["spot_available_h"].sum(), 1e-9)),
            launches=float(table["launches"].mean()),
            late=round(float(table["deadlines_missed"].sum())),
            windows=table["cost_usd"].size * (len(self.study.learned) if label == self.mean_label else 1),
        )

    def _share(self, label: str, job: int | None) -> Statistic:
        return lambda sums: self._cost(_of_job(sums, job), label) / self._cost(_of_job(sums, job), ON_DEMAND)

    def _cost(self, sums: np.ndarray, label: str) -> np.ndarray:
        """(...) mean dollars a window from sums (..., jobs, columns)."""
        return (sums[..., self._column[label]] / sums[..., -1]).mean(axis=-1)

    def _gap(self, sums: np.ndarray, label: str) -> np.ndarray:
        """(...) gap closed, the headline's way."""
        base, optimum = sums[..., self._column[YARDSTICK]], sums[..., self._column[OPTIMUM]]
        with np.errstate(divide="ignore", invalid="ignore"):
            return ((base - sums[..., self._column[label]]) / (base - optimum)).mean(axis=-1)


def _of_job(sums: np.ndarray, job: int | None) -> np.ndarray:
    return sums if job is None else sums[..., job : job + 1, :]


def _flat(table: Table, job: int | None) -> Table:
    """(zones, jobs or one of them, windows) of each metric."""
    flat = {metric: values.reshape(values.shape[0], -1, values.shape[3]) for metric, values in table.items()}
    return flat if job is None else {metric: values[:, job] for metric, values in flat.items()}


def _mean_of_learned(study: Study) -> dict[str, Table]:
    """A table of the mean over trained policies, where there are several; what is late adds up."""
    if len(study.learned) < 2:
        return {}
    stacked = {metric: np.stack([study.tables[label][metric] for label in study.learned]) for metric in METRICS}
    mean = {metric: values.mean(axis=0) for metric, values in stacked.items()}
    mean["deadlines_missed"] = stacked["deadlines_missed"].sum(axis=0)
    return {f"learned, mean of {len(study.learned)}": mean}
