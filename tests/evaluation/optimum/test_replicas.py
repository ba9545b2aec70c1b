"""The plan of a service for who knows the future: published optima and programme, all plans of tiny worlds."""

import csv
import json
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from tessera_env.evaluation.optimum import replicas
from tessera_env.evaluation.optimum.programme import Programme
from tessera_env.evaluation.optimum.replicas import Plan, least_cost
from tessera_env.world.parameters import UNLIMITED
from tests.traces import SHARED

ZONES, RUNS = SHARED / "spothedge", SHARED.parent / "golden" / "skyserve.csv"
TICK_S = 30
ON_DEMAND_PRICE = 3.0  # spot is 1

needs_the_runs = pytest.mark.skipif(
    not (RUNS.is_file() and ZONES.is_dir()),
    reason=f"needs the published runs, {RUNS}, and the traces that they are of, {ZONES} (TESSERA_TRACES)",
)


@cache
def zones_of(trace: str) -> np.ndarray:
    """Capacity of each zone, by ticks, as long as the shortest."""
    series = []
    for path in sorted((ZONES / trace).glob("*.json")):
        recorded = json.loads(path.read_text())
        series.append(np.repeat(recorded["data"], recorded["metadata"]["gap_seconds"] // TICK_S))
    shortest = min(map(len, series))
    return np.stack([zone[:shortest] for zone in series])


def published() -> list[dict[str, str]]:
    with RUNS.open() as file:
        return [run for run in csv.DictReader(file) if run["policy"] == "omniscient"]


def planned(run: dict[str, str]) -> tuple[np.ndarray, Plan]:
    """A published window's capacity and our plan of it."""
    zones, ticks, cold_ticks = zones_of(run["trace"]), int(run["ticks"]), int(run["cold_start_s"]) // TICK_S
    capacity = zones[:, (int(run["start_tick"]) + np.arange(ticks)) % zones.shape[1]]
    target = np.full(ticks, int(run["n_target"]))
    return capacity, least_cost(
        capacity, np.ones(capacity.shape), ON_DEMAND_PRICE, target, cold_ticks, None, cold_ticks
    )


@needs_the_runs
class TestPublishedOptima:
    """All there are, 24 h of 30-s ticks each."""

    def test_all(self) -> None:
        runs = published()
        assert len(runs) == 120
        for run in runs:
            capacity, plan = planned(run)
            scored = len(plan.ready) - int(run["cold_start_s"]) // TICK_S
            assert plan.usd == pytest.approx(float(run["cost_units"]), abs=1e-6)
            relative = plan.usd / (ON_DEMAND_PRICE * int(run["n_target"]) * scored)
            assert relative == pytest.approx(float(run["relative_cost"]), abs=1e-6)
            assert (plan.held <= capacity).all()
            assert (plan.ready[-scored:] >= int(run["n_target"])).all()

    def test_a_shorter_cold_start_is_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        right = replicas._ready_of
        monkeypatch.setattr(replicas, "_ready_of", lambda held, cold_ticks: right(held, cold_ticks - 1))
        assert all(planned(run)[1].usd < float(run["cost_units"]) - 1.0 for run in published()[:4])

    def test_starts_for_nothing_are_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(replicas, "_start_usd", lambda price, cold_ticks: np.zeros_like(price))
        assert all(planned(run)[1].usd > float(run["cost_units"]) + 1.0 for run in published()[:4])

    @pytest.mark.slow
    def test_as_the_published_programme_says(self) -> None:
        """A day of six zones, in all its 40,000 whole numbers."""
        zones = zones_of("GCP1")[:, 684 : 684 + 2_880]
        price, target = np.ones(zones.shape), np.full(2_880, 3)
        service = Service(zones, price, np.full(2_880, ON_DEMAND_PRICE), target, 4, None, 4)
        assert least_cost(*service).usd == pytest.approx(published_form_usd(service), abs=1e-6)


class Service(NamedTuple):
    """What `least_cost` is told."""

    capacity: np.ndarray
    spot_price: np.ndarray
    on_demand_price: np.ndarray
    target: np.ndarray
    cold_ticks: int
    most: int | None
    scored_from: int


def drawn(seed: int, ticks: int, pools: int, **changes: Any) -> Service:
    """A service in a world in which everything changes, some of it in steps of some ticks."""
    generator = np.random.default_rng(seed)

    def stepped(rows: int, highest: int) -> np.ndarray:
        length = int(generator.integers(1, 6))
        steps = generator.integers(0, highest + 1, (rows, ticks // length + 1))
        return np.repeat(steps, length, axis=1)[:, :ticks]

    cold_ticks = int(generator.integers(0, 4))
    service = Service(
        capacity=stepped(pools, 2),
        spot_price=stepped(pools, 4) / 8.0,
        on_demand_price=1.0 + stepped(1, 2)[0] / 4.0,
        target=stepped(1, 3)[0],
        cold_ticks=cold_ticks,
        most=None,
        scored_from=cold_ticks + int(generator.integers(0, 3)),
    )
    return service._replace(**changes)


def published_form_usd(service: Service) -> float:
    """Held h and ready r of each group, in whole numbers: r <= h in this tick and the cold ticks before."""
    price = np.vstack((service.spot_price, service.on_demand_price))
    groups, ticks = price.shape
    capacity = np.vstack((service.capacity, np.full(ticks, service.target.max(initial=0))))
    entries: list[tuple[int, int, float]] = []
    limits: list[float] = []

    def at_most(limit: float, *terms: tuple[int, int, int, float]) -> None:
        places = [(kind * groups + group) * ticks + tick for kind, group, tick, _ in terms]
        entries.extend((len(limits), place, term[3]) for place, term in zip(places, terms, strict=True))
        limits.append(limit)

    for group, tick in product(range(groups), range(ticks)):
        for before in range(tick - service.cold_ticks, tick + 1):
            if before < 0:
                at_most(0.0, (1, group, tick, 1.0))
            else:
                at_most(0.0, (1, group, tick, 1.0), (0, group, before, -1.0))
    for tick in range(ticks):
        if tick >= service.scored_from:
            at_most(-float(service.target[tick]), *((1, group, tick, -1.0) for group in range(groups)))
        if service.most is not None:
            at_most(float(service.most), *((0, group, tick, 1.0) for group in range(groups)))
    row, column, factor = zip(*entries, strict=True)
    solved = milp(
        np.concatenate((price.ravel(), np.zeros(price.size))),
        constraints=LinearConstraint(
            csr_array((factor, (row, column)), shape=(len(limits), 2 * price.size)), ub=limits
        ),
        bounds=Bounds(0, np.concatenate((capacity.ravel(), np.full(price.size, np.inf)))),
        integrality=1,
        options={"mip_rel_gap": 0.0},
    )
    assert solved.status == 0
    return float(solved.fun)


def assert_sound(service: Service, plan: Plan) -> None:
    """The plan can be carried out, and costs what it says."""
    held = np.vstack((plan.held, plan.on_demand))
    cost = (np.vstack((service.spot_price, service.on_demand_price)) * held).sum(axis=0)
    ticks, cold_ticks = len(service.target), service.cold_ticks
    ready = [held[:, t - cold_ticks : t + 1].min(axis=1).sum() if t >= cold_ticks else 0 for t in range(ticks)]
    assert (plan.held <= service.capacity).all()
    assert (held >= 0).all()
    assert plan.ready.tolist() == ready
    assert (plan.ready >= service.target)[service.scored_from :].all()
    assert plan.usd == pytest.approx(cost.sum(), abs=1e-9)
    assert plan.scored_usd == pytest.approx(cost[service.scored_from :].sum(), abs=1e-9)
    assert service.most is None or held.sum(axis=0).max() <= service.most


class TestPublishedForm:
    """Another programme, twice as large, in whole numbers."""

    @pytest.mark.parametrize("seed", range(40))
    def test_the_same_optimum(self, seed: int) -> None:
        service = drawn(seed, 12 + seed % 7, 1 + seed % 3)
        plan = least_cost(*service)
        assert_sound(service, plan)
        assert plan.usd == pytest.approx(published_form_usd(service), abs=1e-6)

    @pytest.mark.parametrize("seed", range(40, 70))
    def test_with_few_replicas(self, seed: int) -> None:
        service = drawn(seed, 14, 2)
        service = service._replace(most=int(service.target[service.scored_from :].max()) + seed % 2)
        plan = least_cost(*service)
        assert_sound(service, plan)
        assert plan.usd == pytest.approx(published_form_usd(service), abs=1e-6)

    def test_without_pools(self) -> None:
        service = drawn(1, 12, 0)
        plan = least_cost(*service)
        assert_sound(service, plan)
        assert plan.usd == pytest.approx(published_form_usd(service), abs=1e-6)


class TestAllPlansOfTinyWorlds:
    """Every way to hold replicas is tried."""

    @pytest.mark.parametrize("seed", range(25))
    def test_none_is_cheaper(self, seed: int) -> None:
        service = drawn(seed, 6, 2)
        service = service._replace(
            capacity=np.minimum(service.capacity, 1), target=np.minimum(service.target, 1 + seed % 2)
        )
        highest = np.vstack((service.capacity, np.full(6, service.target.max())))
        paths = [list(product(*(range(n + 1) for n in group))) for group in highest.tolist()]
        price = np.vstack((service.spot_price, service.on_demand_price))
        usd, ready = np.zeros(1), np.zeros((1, 6), dtype=int)
        for group, path in enumerate(paths):
            held = np.array(path)
            there = np.zeros_like(held)
            for tick in range(service.cold_ticks, 6):
                there[:, tick] = held[:, tick - service.cold_ticks : tick + 1].min(axis=1)
            usd = (usd[:, None] + (held @ price[group])[None, :]).ravel()
            ready = (ready[:, None, :] + there[None, :, :]).reshape(-1, 6)
        met = (ready >= service.target)[:, service.scored_from :].all(axis=1)
        assert least_cost(*service).usd == pytest.approx(usd[met].min(), abs=1e-9)


class TestByHand:
    """One pool at 1 $ a tick, on-demand at 3 $, two cold ticks."""

    @staticmethod
    def plan(capacity: list[int], **changes: Any) -> Plan:
        service = Service(
            capacity=np.array([capacity]),
            spot_price=np.ones((1, len(capacity))),
            on_demand_price=np.full(len(capacity), 3.0),
            target=np.ones(len(capacity), dtype=int),
            cold_ticks=2,
            most=None,
            scored_from=2,
        )
        return least_cost(*service._replace(**changes))

    def test_on_demand_starts_before_the_loss(self) -> None:
        plan = self.plan([1, 1, 1, 1, 1, 0, 0, 0])
        assert plan.held.tolist() == [[1, 1, 1, 1, 1, 0, 0, 0]]
        assert plan.on_demand.tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
        assert plan.ready.tolist() == [0, 0, 1, 1, 1, 1, 1, 1]
        assert (plan.usd, plan.scored_usd) == (20.0, 18.0)

    def test_one_at_a_time_stays_on_demand(self) -> None:
        plan = self.plan([1, 1, 1, 1, 1, 0, 0, 0], most=1)
        assert plan.on_demand.tolist() == [1] * 8
        assert plan.usd == 24.0

    def test_before_it_counts_nothing_is_held_early(self) -> None:
        plan = self.plan([1] * 8, scored_from=5)
        assert plan.held.tolist() == [[0, 0, 0, 1, 1, 1, 1, 1]]
        assert (plan.usd, plan.scored_usd) == (5.0, 3.0)

    def test_prices_before_may_be_nothing(self) -> None:
        price = np.array([[0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]])
        assert self.plan([1] * 8, spot_price=price).usd == 6.0

    def test_a_gap_in_the_target_is_bridged_where_a_start_is_dearer(self) -> None:
        assert self.plan([1] * 8, target=np.array([1, 1, 1, 1, 0, 1, 1, 1])).held.tolist() == [[1] * 8]
        long = self.plan([1] * 9, target=np.array([1, 1, 1, 0, 0, 0, 0, 0, 1]))
        assert long.held.tolist() == [[1, 1, 1, 0, 0, 0, 1, 1, 1]]

    def test_nothing_is_wanted(self) -> None:
        assert self.plan([1] * 4, target=np.zeros(4, dtype=int), most=0).usd == 0.0
        assert self.plan([1] * 2).usd == 0.0

    def test_without_a_limit(self) -> None:
        unlimited, few = self.plan([UNLIMITED] * 8, target=np.full(8, 3)), self.plan([3] * 8, target=np.full(8, 3))
        assert unlimited.usd == few.usd == 24.0
        assert unlimited.held.tolist() == few.held.tolist()


class TestWholeNumbers:
    """They come by themselves, and are looked for where they do not."""

    def test_without_a_limit_the_programme_is_a_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked, solve = [], Programme.least_columns

        def columns(programme: Programme, whole: bool = False) -> np.ndarray:
            asked.append(whole)
            return solve(programme, whole)

        monkeypatch.setattr(Programme, "least_columns", columns)
        for seed in range(60):
            least_cost(*drawn(seed, 40, 4))
        assert not any(asked)
        service = drawn(1753, 19, 3, most=4)
        plan = least_cost(*service)
        assert any(asked)  # in fractions it would cost 56.5625
        assert plan.usd == pytest.approx(published_form_usd(service), abs=1e-6)

    def test_no_dearer_ones_are_taken_for_the_least(self) -> None:
        """Of 40 sorts just enough, where the least lies 0.005 % below others."""
        generator = np.random.default_rng(3)
        weights = generator.integers(100, 200, 40).astype(float)
        usd = weights + generator.integers(0, 3, 40) * 1e-3
        made = Programme()
        columns = made.columns(usd, 1.0)
        made.at_most(-2_501.0, (columns, -weights))
        taken = np.rint(made.least_columns(whole=True))
        least = np.full(2_800, np.inf)
        least[0] = 0.0
        for weight, price in zip(weights.astype(int), usd, strict=True):
            least[weight:] = np.minimum(least[weight:], least[:-weight] + price)
        assert taken @ usd == pytest.approx(least[2_501:].min(), abs=1e-7)


class TestUnit:
    """Dollars of a tick may be tiny or huge."""

    @pytest.mark.parametrize("unit", [1e-9, 1e-5, 1e6])
    @pytest.mark.parametrize("few", [False, True])
    def test_the_plan_is_the_same(self, unit: float, few: bool) -> None:
        for seed in range(8):
            service = drawn(seed, 30, 3)
            service = service._replace(most=int(service.target.max()) + 1 if few else None)
            other = service._replace(
                spot_price=unit * service.spot_price, on_demand_price=unit * service.on_demand_price
            )
            assert least_cost(*other).usd == pytest.approx(unit * least_cost(*service).usd)


class TestRefusals:
    """One line that names the argument, the value and what is allowed."""

    @pytest.mark.parametrize(
        ("changes", "line"),
        [
            ({"target": np.zeros((2, 2))}, "target: shape (2, 2) (allowed: (T,), at least one tick)"),
            ({"target": np.zeros(0, dtype=int)}, "target: shape (0,) (allowed: (T,), at least one tick)"),
            ({"target": np.array([1, 1, -1, 1])}, "target: -1 (allowed: 0 or more)"),
            ({"target": np.ones(4)}, "target: numbers of type float64 (allowed: whole numbers)"),
            (
                {"capacity": np.ones((1, 3), dtype=int)},
                "capacity: shape (1, 3) (allowed: (P, 4), as many ticks as target has)",
            ),
            ({"capacity": np.array([[1, 1, -2, 1]])}, "capacity: -2 (allowed: 0 or more)"),
            ({"spot_price": np.ones((2, 4))}, "spot_price: shape (2, 4) (allowed: (1, 4), that of capacity)"),
            ({"spot_price": np.full((1, 4), np.nan)}, "spot_price: nan (allowed: 0 or more)"),
            ({"spot_price": np.full((1, 4), "1")}, "spot_price: numbers of type <U1 (allowed: dollars)"),
            ({"on_demand_price": np.ones(3)}, "on_demand_price: shape (3,) (allowed: one number, or (4,))"),
            ({"on_demand_price": -0.5}, "on_demand_price: -0.5 (allowed: 0 or more)"),
            ({"on_demand_price": np.inf}, "on_demand_price: inf (allowed: 0 or more)"),
            ({"cold_ticks": -1}, "cold_ticks: -1 (allowed: 0 to 4)"),
            ({"cold_ticks": 5}, "cold_ticks: 5 (allowed: 0 to 4)"),
            ({"scored_from": 0}, "scored_from: 0 (allowed: 1, the cold ticks, to 4)"),
            ({"most": 0}, "most: 0 (allowed: none, or 1, the largest target, or more)"),
        ],
    )
    def test_what_it_refuses(self, changes: dict[str, Any], line: str) -> None:
        service = Service(np.ones((1, 4), dtype=int), np.ones((1, 4)), np.ones(4), np.ones(4, dtype=int), 1, None, 1)
        with pytest.raises(ValueError) as caught:
            least_cost(*service._replace(**changes))
        assert str(caught.value) == line
