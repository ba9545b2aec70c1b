"""The bound of a service in continuous time: closed forms, all plans of tiny worlds, plans on ticks, planted bugs."""

from functools import cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest

from tessera_env.evaluation.optimum import timeline
from tessera_env.evaluation.optimum.replica_seconds import service_bound_usd
from tessera_env.evaluation.optimum.replicas import least_cost
from tessera_env.evaluation.optimum.timeline import Demand, Offer
from tessera_env.world.parameters import UNLIMITED
from tests.evaluation.optimum.test_replicas import drawn

ROUNDING = 1e-9


def spot(steps: dict[float, int], usd_per_h: float = 1.0, boot_s: float = 0.0, setup_s: float = 0.0) -> Offer:
    """Capacity from each time on, at one price."""
    return Offer(
        np.array([*steps], float), np.full(len(steps), usd_per_h), np.array([*steps.values()]), boot_s, setup_s
    )


def on_demand(usd_per_h: float = 3.0, boot_s: float = 0.0, setup_s: float = 0.0) -> Offer:
    return spot({0.0: UNLIMITED}, usd_per_h, boot_s, setup_s)


def constant(replicas: int) -> Demand:
    return Demand(np.array([0.0]), np.array([replicas]))


class TestClosedForms:
    """Dollars by hand: ten hours, on-demand at 3 $/h, spot at 1 $/h."""

    def test_on_demand_alone(self) -> None:
        """Two from 0:30 on: 2 x (9.5 h + 0.25 h of set-up); the boot is not billed."""
        bound = service_bound_usd([on_demand(3.0, 900.0, 900.0)], constant(2), 1_800.0, 36_000.0)
        assert bound == pytest.approx(2 * 3.0 * 9.75)

    def test_spot_with_a_gap_that_on_demand_fills(self) -> None:
        """Gone from 2:00 to 3:00, ready again at 3:15; one more start of each, 0.1 h of it billed."""
        offers = [spot({0.0: 1, 7_200.0: 0, 10_800.0: 1}, 1.0, 540.0, 360.0), on_demand(3.0, 540.0, 360.0)]
        bound = service_bound_usd(offers, constant(1), 900.0, 36_000.0)
        assert bound == pytest.approx(1.0 * (10.0 - 0.25 - 1.25 + 0.2) + 3.0 * (1.25 + 0.1))

    def test_a_short_gap_in_spot_is_not_worth_it(self) -> None:
        """Spot for 0.1 h between two losses: its set-up costs more than on-demand does meanwhile."""
        steps = {0.0: 0, 3_600.0: 1, 3_600.0 + 720.0: 0}
        offers = [spot(steps, 1.0, 0.0, 360.0), on_demand(1.5)]
        assert service_bound_usd(offers, constant(1), 0.0, 36_000.0) == pytest.approx(15.0)

    def test_a_share_of_the_time(self) -> None:
        """Of ten hours one may be missed: one of the two in which there is no spot."""
        offers = [spot({0.0: 5, 7_200.0: 0, 14_400.0: 5}), on_demand()]
        assert service_bound_usd(offers, constant(3), 0.0, 36_000.0) == pytest.approx(3 * (8.0 + 2 * 3.0))
        assert service_bound_usd(offers, constant(3), 0.0, 36_000.0, 0.9) == pytest.approx(3 * (8.0 + 3.0))
        assert service_bound_usd(offers, constant(3), 0.0, 36_000.0, 0.4) == pytest.approx(3 * 4.0)
        assert service_bound_usd(offers, constant(3), 0.0, 36_000.0, 0.0) == 0.0

    def test_part_of_the_target_is_no_part_of_the_time(self) -> None:
        """Two of three are cheap; for half of the time all three have to be ready."""
        offers = [spot({0.0: 2}), on_demand()]
        assert service_bound_usd(offers, constant(3), 0.0, 36_000.0, 0.5) == pytest.approx(5.0 * (2 * 1.0 + 3.0))

    def test_a_target_that_varies(self) -> None:
        target = Demand(np.array([0.0, 3_600.0, 7_200.0]), np.array([0, 4, 1]))
        assert service_bound_usd([on_demand(3.0, 0.0, 360.0)], target, 0.0, 36_000.0) == pytest.approx(
            3.0 * (4 * 1.1 + 8.0)
        )

    def test_a_set_up_is_billed_at_the_prices_of_its_time(self) -> None:
        """0.2 h until 1:00, half of it before the price rises."""
        dear = Offer(np.array([0.0, 3_240.0]), np.array([1.0, 2.0]), np.array([9, 9]), 0.0, 720.0)
        assert service_bound_usd([dear], constant(1), 3_600.0, 7_200.0) == pytest.approx(0.1 + 0.2 + 2.0)

    @pytest.mark.parametrize("usd_per_h", [1e-9, 1e-5, 1e6])
    def test_dollars_may_be_tiny_or_huge(self, usd_per_h: float) -> None:
        offers = [spot({0.0: 1, 7_200.0: 0, 7_560.0: 1}, usd_per_h, 0.0, 360.0), on_demand(2.5 * usd_per_h)]
        bound = service_bound_usd(offers, constant(1), 360.0, 36_000.0)
        assert bound == pytest.approx(usd_per_h * (9.9 + 2.5 * 0.2))

    def test_nothing_is_wanted(self) -> None:
        assert service_bound_usd([on_demand()], constant(0), 0.0, 36_000.0) == 0.0


class Tiny(NamedTuple):
    """A world in which all happens at quarters of a second."""

    offers: list[Offer]
    target: Demand
    from_s: float
    until_s: float


QUARTER_S = 0.25
COLD_S = [(0.0, 0.5), (0.5, 0.25), (0.25, 0.0), (0.0, 0.75), (0.25, 0.5)]  # boot, set-up
SHARES = (1.0, 0.95, 0.8, 0.5, 0.2)


def tiny(seed: int, quarters: int) -> Tiny:
    """Two zones with one spot instance at most, or one with two, and on-demand."""
    generator = np.random.default_rng(seed)

    def moments(count: int) -> np.ndarray:
        later = generator.choice(np.arange(1, quarters), count, replace=False)
        return np.append(0.0, np.sort(later) * QUARTER_S)

    offers = []
    for highest in ((1, 1), (2,))[seed % 2]:
        count = int(generator.integers(1, 5))
        prices = generator.integers(1, 5, count + 1).astype(float) * 900.0
        capacity = generator.integers(0, highest + 1, count + 1)
        offers.append(Offer(moments(count), prices, capacity, *COLD_S[generator.integers(len(COLD_S))]))
    offers.append(on_demand(7_200.0, *COLD_S[generator.integers(len(COLD_S))]))
    target = Demand(moments(1), generator.integers(1, 3, 2) if seed % 3 else np.array([2, 1]))
    return Tiny(offers, target, 1.0, quarters * QUARTER_S)


def plans_of(offer: Offer, number: int, quarters: int, asked: int) -> tuple[np.ndarray, np.ndarray]:
    """All plans of an instance that can be held where capacity is above `number`: what they cost, when it is ready."""
    times_s = np.arange(quarters) * QUARTER_S
    piece = np.searchsorted(offer.time_s, times_s, side="right") - 1
    price, there = offer.usd_per_h[piece] / 3_600.0 * QUARTER_S, offer.capacity[piece] > number
    boot, cold = round(offer.boot_s / QUARTER_S), round((offer.boot_s + offer.setup_s) / QUARTER_S)
    costs, ready = [], []
    for wants in product((False, True), repeat=-(-quarters // asked)):
        usd, began, is_ready = 0.0, None, np.zeros(quarters, dtype=bool)
        for quarter in range(quarters):
            if quarter % asked == 0:
                began = (quarter if began is None else began) if wants[quarter // asked] else None
            if not there[quarter]:
                began = None
            if began is not None:
                usd += price[quarter] if quarter >= began + boot else 0.0
                is_ready[quarter] = quarter >= began + cold
        costs.append(usd)
        ready.append(is_ready)
    return np.array(costs), np.array(ready)


@cache
def played(seed: int, quarters: int, asked: int) -> tuple[Tiny, np.ndarray, np.ndarray, np.ndarray]:
    """A tiny world, and cost, availability and replica-seconds below target of all plans that are asked so often."""
    world = tiny(seed, quarters)
    times_s = np.arange(quarters) * QUARTER_S
    wanted = world.target.replicas[np.searchsorted(world.target.time_s, times_s, side="right") - 1]
    costs, ready = np.zeros(1), np.zeros((1, quarters), dtype=np.int8)
    for offer in world.offers:
        for number in range(min(int(offer.capacity.max()), int(world.target.replicas.max()))):
            usd, there = cheapest(*plans_of(offer, number, quarters, asked))
            both = ready[:, None, :] + there[None, :, :]
            costs, ready = cheapest((costs[:, None] + usd[None, :]).ravel(), both.reshape(-1, quarters))
    met, scored = ready >= wanted, times_s >= world.from_s
    return world, costs, met[:, scored].mean(axis=1), (~met * wanted)[:, scored].sum(axis=1) * QUARTER_S


def cheapest(costs: np.ndarray, ready: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of those that are ready at the same times, the cheapest."""
    order = np.argsort(costs, kind="stable")
    codes = ready[order].astype(np.int64) @ 4 ** np.arange(ready.shape[1], dtype=np.int64)
    _, first = np.unique(codes, return_index=True)
    return costs[order][first], ready[order][first]


class TestAllPlansOfTinyWorlds:
    """Every way to hold instances is tried."""

    @pytest.mark.parametrize(("quarters", "asked"), [(20, 4), (15, 3), (9, 1)])
    @pytest.mark.parametrize("seed", range(16))
    def test_none_is_below_the_bound(self, seed: int, quarters: int, asked: int) -> None:
        world, costs, availability, _ = played(seed, quarters, asked)
        for share in SHARES:
            least = costs[availability >= share].min(initial=np.inf)
            assert service_bound_usd(*world, share) <= least * (1.0 + ROUNDING)

    @pytest.mark.parametrize("seed", range(16))
    def test_the_least_where_every_moment_is_asked_of(self, seed: int) -> None:
        world, costs, availability, _ = played(seed, 9, 1)
        assert service_bound_usd(*world) == pytest.approx(costs[availability == 1.0].min())


class TestPlansOnTicks:
    """Ticks of a second, all of a cold start billed: the least cost is known."""

    @staticmethod
    def bound_and_least(seed: int, **changes: Any) -> tuple[float, float]:
        service = drawn(seed, 40, 3, **changes)
        price = np.vstack((service.spot_price, service.on_demand_price)) * 3_600.0
        capacity = np.vstack((service.capacity, np.full(40, UNLIMITED)))
        offers = [
            Offer(np.arange(40.0), usd, places, 0.0, float(service.cold_ticks))
            for usd, places in zip(price, capacity, strict=True)
        ]
        target = Demand(np.arange(40.0), service.target)
        return service_bound_usd(offers, target, float(service.scored_from), 40.0), least_cost(*service).usd

    @pytest.mark.parametrize("seed", range(40))
    def test_the_bound_is_the_least_cost(self, seed: int) -> None:
        bound, least = self.bound_and_least(seed)
        assert bound == pytest.approx(least)
        assert bound <= least * (1.0 + ROUNDING)


class TestPlantedBugs:
    """Mistakes that the tests above would notice."""

    @staticmethod
    def is_noticed() -> bool:
        pairs = [TestPlansOnTicks.bound_and_least(seed) for seed in range(12)]
        return any(bound > least * (1.0 + ROUNDING) for bound, least in pairs)

    def test_without_one_nothing_is(self) -> None:
        assert not self.is_noticed()

    def test_starts_that_cost_too_much(self, monkeypatch: pytest.MonkeyPatch) -> None:
        right = timeline._setup_usd
        monkeypatch.setattr(timeline, "_setup_usd", lambda *arguments: 1.1 * right(*arguments))
        assert self.is_noticed()

    def test_a_window_that_is_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        right = timeline._room

        def room(offer: Offer, edges_s: np.ndarray) -> np.ndarray:
            return right(offer._replace(boot_s=offer.boot_s + 1.0), edges_s)

        monkeypatch.setattr(timeline, "_room", room)
        with pytest.raises(RuntimeError, match="infeasible"):  # nobody is ready after the first cold start
            self.is_noticed()


class TestRounding:
    """Times that should be the same and differ in the last digit."""

    @staticmethod
    def bound(seed: int, unit_s: float) -> float:
        """Of a world whose times are whole multiples of the unit, and whose cold starts end where others begin."""
        generator = np.random.default_rng(seed)
        offers = []
        for _ in range(3):
            times = np.append(0, np.sort(generator.choice(np.arange(1, 40), 8, replace=False)))
            capacity, usd = generator.integers(0, 3, 9), generator.integers(1, 4, 9) * 3_600.0
            boot, setup = (int(generator.integers(*ends)) for ends in ((0, 4), (1, 6)))
            offers.append(Offer(times * unit_s, usd / unit_s, capacity, boot * unit_s, setup * unit_s))
        boot, setup = (int(generator.integers(*ends)) for ends in ((0, 4), (1, 6)))
        offers.append(on_demand(18_000.0 / unit_s, boot * unit_s, setup * unit_s))
        return service_bound_usd(offers, constant(2), 9 * unit_s, 40 * unit_s)

    def test_the_unit_of_time_does_not_matter(self) -> None:
        """Not even in world 16, whose bound in tenths would be 2.6 % above the least cost without slivers."""
        for seed in range(10, 22):
            assert self.bound(seed, 0.1) == pytest.approx(self.bound(seed, 1.0))


class TestRefusals:
    """One line that names the figure, its value and what is allowed."""

    @pytest.mark.parametrize(
        ("changes", "line"),
        [
            ({"offers": []}, "offers: none (allowed: one or more)"),
            ({"from_s": -1.0}, "from_s: -1 (allowed: 0 or more, and less than until_s = 10)"),
            ({"from_s": 10.0}, "from_s: 10 (allowed: 0 or more, and less than until_s = 10)"),
            ({"until_s": np.inf}, "from_s: 0 (allowed: 0 or more, and less than until_s = inf)"),
            ({"availability": 1.5}, "availability: 1.5 (allowed: 0 to 1)"),
            ({"availability": np.nan}, "availability: nan (allowed: 0 to 1)"),
            ({"target": constant(-1)}, "target.replicas: -1 (allowed: 0 or more)"),
            (
                {"target": Demand(np.array([1.0]), np.array([1]))},
                "target.time_s: [1.0] (allowed: times from 0 that rise)",
            ),
            (
                {"offers": [spot({0.0: 1, 5.0: 2}, boot_s=-1.0)]},
                "offers.0.boot_s: -1 (allowed: 0 or more)",
            ),
            ({"offers": [on_demand(-1.0)]}, "offers.0.usd_per_h: -1 (allowed: 0 or more)"),
            (
                {"offers": [on_demand()._replace(capacity=np.array([1, 2]))]},
                "offers.0.capacity: shape (2,) (allowed: (1,), that of time_s)",
            ),
        ],
    )
    def test_what_it_refuses(self, changes: dict[str, Any], line: str) -> None:
        arguments = {"offers": [on_demand()], "target": constant(1), "from_s": 0.0, "until_s": 10.0}
        with pytest.raises(ValueError) as caught:
            service_bound_usd(**{**arguments, **changes})
        assert str(caught.value) == line

    def test_what_nobody_could_do(self) -> None:
        with pytest.raises(RuntimeError, match="not solved"):
            service_bound_usd([spot({0.0: 1})], constant(2), 0.0, 10.0)
