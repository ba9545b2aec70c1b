"""The bound with penalties: all plans of tiny worlds, windows and merged cells that only lower it, planted bugs."""

from typing import Any

import numpy as np
import pytest

from tessera_env.evaluation.optimum import shortfalls
from tessera_env.evaluation.optimum.replica_seconds import service_bound_usd
from tessera_env.evaluation.optimum.shortfalls import merged, shortfall_bound_usd
from tessera_env.evaluation.optimum.timeline import Demand, Offer, timeline_of
from tests.evaluation.optimum.test_replica_seconds import ROUNDING, constant, on_demand, played, spot

DEAR = 1e6
PENALTIES = (0.0, 900.0, 5_000.0, 30_000.0, DEAR)  # of a replica-hour; prices are up to 7,200 $/h


class Big:
    """Five zones over a day, all of which changes often, one of the offers slow."""

    def __init__(self, seed: int) -> None:
        generator = np.random.default_rng(seed)
        self.offers = [on_demand(3.0, 60.0, 120.0)]
        for _ in range(5):
            times_s = np.append(0.0, np.sort(generator.choice(np.arange(60, 86_400, 60), 60, replace=False)))
            price = generator.integers(1, 6, 61) / 4.0
            self.offers.append(Offer(times_s, price, generator.integers(0, 4, 61), 60.0, 300.0))
        self.target = Demand(np.array([0.0, 30_000.0, 60_000.0]), np.array([3, 5, 2]))

    def bound(self) -> float:
        return shortfall_bound_usd(self.offers, self.target, 600.0, 86_400.0, 6.0)


class TestAllPlansOfTinyWorlds:
    """Every way to hold instances is tried, at any price of time below target."""

    @pytest.mark.parametrize("together", [1, 2, 5])
    @pytest.mark.parametrize(("quarters", "asked"), [(20, 4), (15, 3), (9, 1)])
    @pytest.mark.parametrize("seed", range(16))
    def test_none_is_below_the_bound(
        self, seed: int, quarters: int, asked: int, together: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        in_one(monkeypatch, together)
        world, costs, _, short_s = played(seed, quarters, asked)
        for usd_per_h in PENALTIES:
            least = (costs + usd_per_h * short_s / 3_600.0).min()
            assert shortfall_bound_usd(*world, usd_per_h) <= least * (1.0 + ROUNDING)

    @pytest.mark.parametrize("seed", range(16))
    def test_where_time_below_target_is_dear_it_is_the_bound_without_any(self, seed: int) -> None:
        world, *_ = played(seed, 9, 1)
        assert shortfall_bound_usd(*world, DEAR) == pytest.approx(service_bound_usd(*world))


def in_one(monkeypatch: pytest.MonkeyPatch, together: int) -> None:
    """So many cells as one, whatever their number."""
    monkeypatch.setattr(shortfalls, "merged", lambda timeline, _: merged(timeline, together))


class TestClosedForms:
    """Dollars by hand: ten hours, on-demand at 3 $/h, spot at 1 $/h."""

    def test_a_gap_that_is_cheaper_to_go_without(self) -> None:
        """Two hours without spot: on-demand costs 6 $, the penalty 2 x 2.5."""
        offers = [spot({0.0: 1, 7_200.0: 0, 14_400.0: 1}), on_demand()]
        assert shortfall_bound_usd(offers, constant(1), 0.0, 36_000.0, 2.5) == pytest.approx(8.0 + 5.0)
        assert shortfall_bound_usd(offers, constant(1), 0.0, 36_000.0, 3.5) == pytest.approx(8.0 + 6.0)

    def test_nothing_is_to_be_had(self) -> None:
        assert shortfall_bound_usd([spot({0.0: 0})], constant(3), 3_600.0, 36_000.0, 2.0) == pytest.approx(9 * 6.0)

    def test_nothing_is_wanted(self) -> None:
        assert shortfall_bound_usd([on_demand()], constant(0), 0.0, 36_000.0, 2.0) == 0.0


class TestWindowsAndMerging:
    """They lower the bound, by little."""

    @pytest.mark.parametrize("window", [60, 300, 2_000])
    def test_windows(self, window: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shortfalls, "_WINDOW", 1_000_000)
        whole = Big(1).bound()
        monkeypatch.setattr(shortfalls, "_WINDOW", window)
        assert whole * (1.0 - 36.0 / window) <= Big(1).bound() <= whole * (1.0 + ROUNDING)

    @pytest.mark.parametrize("together", [2, 4, 10])
    def test_merging(self, together: int, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = Big(2).bound()
        in_one(monkeypatch, together)
        assert 0.1 * whole < Big(2).bound() <= whole * (1.0 + ROUNDING)

    def test_what_is_merged_is_at_least_as_good(self) -> None:
        big = Big(3)
        timeline = timeline_of(big.offers, big.target, 600.0, 86_400.0)
        few = merged(timeline, 7)
        place = np.searchsorted(np.cumsum(few.lengths_s), np.cumsum(timeline.lengths_s) - 1e-3)
        assert len(few.wanted) < len(timeline.wanted) / 6
        assert np.array_equal(few.wanted[place], timeline.wanted)
        assert few.scored_s.sum() == pytest.approx(timeline.scored_s.sum())
        assert (few.cells.room[:, place] >= timeline.cells.room).all()
        price = [one.cells.use_usd / one.lengths_s for one in (few, timeline)]
        assert (price[0][:, place] <= price[1] * (1.0 + ROUNDING)).all()
        assert (few.cells.start_usd[:, place] <= timeline.cells.start_usd).all()
        following = np.minimum(place + 1, len(few.wanted) - 1)
        assert (few.cells.start_usd[:, following] <= timeline.cells.start_usd).all()

    def test_too_many_cells_are_merged(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole, sizes = Big(4).bound(), []
        right = shortfalls._windows
        monkeypatch.setattr(shortfalls, "_MOST", 900)
        monkeypatch.setattr(
            shortfalls, "_windows", lambda timeline: sizes.append(timeline.cells.room.size) or right(timeline)
        )
        assert Big(4).bound() < whole
        assert sizes[0] <= 1_000


class TestPlantedBugs:
    """Mistakes that the tests above would notice."""

    @staticmethod
    def is_noticed() -> bool:
        for seed in range(16):
            world, costs, _, short_s = played(seed, 9, 1)
            for usd_per_h in PENALTIES:
                least = (costs + usd_per_h * short_s / 3_600.0).min()
                if shortfall_bound_usd(*world, usd_per_h) > least * (1.0 + ROUNDING):
                    return True
        return False

    def test_without_one_nothing_is(self) -> None:
        assert not self.is_noticed()

    def test_starts_of_a_merged_cell_at_its_first_edge_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shortfalls, "_least_at_edges", lambda start_usd, starts: start_usd[:, starts])
        with pytest.raises(AssertionError):
            TestWindowsAndMerging().test_what_is_merged_is_at_least_as_good()

    def test_penalties_before_they_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        right = shortfalls.timeline_of

        def early(*arguments: Any) -> Any:
            timeline = right(*arguments)
            wanted = np.where(timeline.wanted > 0, timeline.wanted, timeline.wanted.max())
            return timeline._replace(scored_s=timeline.lengths_s, wanted=wanted)

        monkeypatch.setattr(shortfalls, "timeline_of", early)
        assert self.is_noticed()
