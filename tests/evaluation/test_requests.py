"""Requests after the run: replicas' lives out of the event log, and the figures that come of them."""

import numpy as np
import pytest

from tessera_env.engine.kinds import LogKind
from tessera_env.engine.state import LOG
from tessera_env.evaluation import evaluate
from tessera_env.evaluation.requests import METRICS, replicas_in
from tessera_env.report.text import results_text
from tessera_env.requests.tables import Fate

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


@pytest.mark.parametrize("rows", [1, 3])
def test_figures_do_not_depend_on_the_rows(rows):
    changes = DEVELOPMENT | {"horizon_h": 3}
    one = evaluate("service", ["spot_hedge"], 3, 1, overrides=changes).tables["spot_hedge"]
    other = evaluate("service", ["spot_hedge"], 3, 1, overrides=changes, rows=rows).tables["spot_hedge"]
    assert all(np.array_equal(one[name], other[name]) for name in one)
