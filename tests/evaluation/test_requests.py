"""Requests after the run: replicas' lives out of the event log, and the figures that come of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tessera_env.engine.kinds import LogKind
from tessera_env.engine.state import LOG
from tessera_env.evaluation import evaluate
from tessera_env.evaluation.arriving import arriving
from tessera_env.evaluation.requests import METRICS, replicas_in
from tessera_env.report.text import results_text
from tessera_env.requests.tables import Fate
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.rows import Simulation

DEVELOPMENT = {"market.from_h": 0, "market.until_h": 700}


def entry(time_s: float, kind: LogKind, seat: int, launch: int) -> tuple[float, ...]:
    return (time_s, kind, seat, launch, 0, 0, 0.0, 0.0)


def test_a_replica_that_was_given_notice_is_lost_others_are_stopped_or_kept():
    log = np.array(
        [
            entry(100, LogKind.READY, 5, 0),
            entry(120, LogKind.READY, 6, 1),
            entry(130, LogKind.READY, 9, 2),  # of another service
            entry(140, LogKind.READY, 7, 3),
            entry(200, LogKind.NOTICE, 5, 0),
            entry(260, LogKind.UNREADY, 5, 0),
            entry(300, LogKind.UNREADY, 6, 1),
            entry(310, LogKind.READY, 5, 4),
            entry(310, LogKind.UNREADY, 5, 4),  # it served no moment
        ],
        dtype=LOG,
    )
    found = [tuple(row) for row in replicas_in(log, range(5, 9), 500.0).tolist()]
    assert found == [(100.0, 260.0, Fate.LOST), (120.0, 300.0, Fate.STOPPED), (140.0, 500.0, Fate.KEPT)]


def test_every_policy_meets_the_same_requests_and_the_table_has_their_latencies():
    policies = ["on_demand_only", "spot_hedge"]
    results = evaluate("service", policies, 4, 1, overrides=DEVELOPMENT | {"horizon_h": 6})
    counts = {}
    for label in policies:
        table = results.tables[label]
        assert {f"requests_{name}" for name in METRICS} <= table.keys()
        parts = ("done", "timed_out", "lost", "no_replica")
        counts[label] = sum(table[f"requests_{part}"] for part in parts)
        assert (table["requests_p50_s"] <= table["requests_p99_s"]).all()
    assert np.abs(counts["on_demand_only"] - counts["spot_hedge"]).max() <= 10  # some are unfinished at the end
    assert "P99" in results_text(results).splitlines()[3] or "P99" in results_text(results)


def test_fewer_replicas_make_requests_wait_longer():
    changes = DEVELOPMENT | {"horizon_h": 6, "service.extra": 0}
    found = [
        evaluate("service", ["on_demand_only"], 3, 1, overrides=changes | {"service.target": target}).tables
        for target in (3, 6)
    ]
    few, many = (tables["on_demand_only"]["requests_p90_s"] for tables in found)
    assert (few > many).all()


def test_a_service_without_requests_has_no_such_figures():
    tables = evaluate("service-train", ["spot_hedge"], 2, 1, overrides={"horizon_h": 2}).tables
    assert "requests_p50_s" not in tables["spot_hedge"] and "availability" in tables["spot_hedge"]


LLM = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:00:00.000000,100,10
2023-11-16 18:20:00.500000,1000,100
2023-11-16 18:30:00.000000,200,20
2023-11-16 18:30:01.000000,300,30
2023-11-16 19:10:00.000000,400,40
"""


def of_a_recording(folder: Path, arrivals: str, hours: float = 1.0, **demand: Any) -> np.recarray:
    """The requests of one world of a service whose demand is recorded."""
    (folder / "llm.csv").write_text(LLM)
    recorded = {"source": "recorded", "recording": str(folder / "llm.csv"), "recording_format": "azure_llm", **demand}
    requests = {"arrivals": arrivals, "service_times": "tokens", "first_s": 1.0, "per_in_s": 0.001, "per_out_s": 0.1}
    changes = {"horizon_h": hours, "service.demand": recorded, "service.requests": requests}
    simulation = Simulation(load_scenario("service-train", **changes, **{"service.score_from_s": 60}), 1)
    simulation.start(np.ones(1, dtype=bool), [1], [0])
    return arriving(simulation, 0, 0, hours * 3600.0)


def test_requests_as_recorded_have_their_own_times_and_tokens(tmp_path):
    """The first comes before figures count, the last after the end."""
    requests = of_a_recording(tmp_path, "recorded", from_h=0.0)
    assert requests.arrival_s.tolist() == [1200.5, 1800.0, 1801.0]
    assert requests.service_s == pytest.approx([1.0 + 1.0 + 10.0, 1.0 + 0.2 + 2.0, 1.0 + 0.3 + 3.0])


def test_requests_as_recorded_come_in_the_window_that_the_world_plays(tmp_path):
    requests = of_a_recording(tmp_path, "recorded", 0.5, from_h=0.25)
    assert requests.arrival_s.tolist() == [300.5, 900.0, 901.0]
    drawn = of_a_recording(tmp_path, "recorded", 0.5)
    assert len(drawn) <= 4 and (drawn.arrival_s >= 60.0).all() and (drawn.arrival_s <= 1800.0).all()


def test_drawn_requests_draw_tokens_of_the_recording(tmp_path):
    requests = of_a_recording(tmp_path, "poisson", from_h=0.0, scale=200.0)
    assert len(requests) > 300
    allowed = [
        1.0 + 0.001 * context + 0.1 * generated
        for context, generated in ((100, 10), (1000, 100), (200, 20), (300, 30), (400, 40))
    ]
    assert np.isclose(requests.service_s[:, None], allowed).any(axis=1).all()
    assert len(np.unique(requests.service_s)) == 5


def test_requests_as_recorded_are_played_for_every_policy(tmp_path):
    path = tmp_path / "requests.csv"
    path.write_text("time_s\n" + "".join(f"{9 * k}\n" for k in range(1200)))
    recorded = {"source": "recorded", "recording": str(path), "recording_format": "requests"}
    requests = {"arrivals": "recorded", "service_times": "constant", "service_s": 2.0}
    changes = DEVELOPMENT | {"horizon_h": 2, "service.demand": recorded, "service.requests": requests}
    table = evaluate("service", ["on_demand_only"], 2, 1, overrides=changes).tables["on_demand_only"]
    assert table["requests_p50_s"].tolist() == [2.0, 2.0] and (table["requests_done"] >= 730).all()


@pytest.mark.parametrize("rows", [1, 3])
def test_figures_do_not_depend_on_the_rows(rows):
    changes = DEVELOPMENT | {"horizon_h": 3}
    one = evaluate("service", ["spot_hedge"], 3, 1, overrides=changes).tables["spot_hedge"]
    other = evaluate("service", ["spot_hedge"], 3, 1, overrides=changes, rows=rows).tables["spot_hedge"]
    assert all(np.array_equal(one[name], other[name]) for name in one)
