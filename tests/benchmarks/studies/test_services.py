"""The studies of services: tables from figures made by hand, which windows are played, and a toy run."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.studies import service_behaviour, service_weights, services
from benchmarks.studies.service_cases import (
    AFTER,
    BEFORE,
    WINDOW_H,
    Case,
    Player,
    main_cases,
    other_cases,
    recorded_cases,
    with_pools,
)
from tests.traces import SHARED

WINDOWS = 40
BLOCKS = np.arange(WINDOWS) // 5


def figures(availability: float, cost: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0.0, 1e-4, (WINDOWS, 2))
    return np.array([availability, cost]) + noise - noise.mean(axis=0)


def test_what_two_policies_differ_by() -> None:
    more, ratio = services.compared(figures(0.999, 0.3), figures(0.998, 0.4, 1), BLOCKS)
    assert more.mean == pytest.approx(0.1) and more.low > 0.0
    assert ratio.mean == pytest.approx(0.75) and ratio.high < 1.0
    shown = services.cells(figures(0.999, 0.3), figures(0.998, 0.4, 1), BLOCKS)
    assert (
        shown[0].startswith("+0.100 [") and shown[1].startswith("0.750 [") and all(one.endswith("*") for one in shown)
    )
    assert not any(one.endswith("*") for one in services.cells(figures(0.9, 0.3), figures(0.9, 0.3, 1), BLOCKS))
    assert services.shares(figures(0.99912, 0.3)) == ("99.912", "30.0")


def test_hours_for_reports_are_kept_apart() -> None:
    for case in (*main_cases(BEFORE), *other_cases(BEFORE)):
        market = case.scenario().market
        assert (market.from_h, market.until_h) == (0.0, 700.0)
    for case in (*main_cases(AFTER), *other_cases(AFTER)):
        assert case.scenario().market.from_h == 700.0 and case.scenario().horizon_h == WINDOW_H


def test_cases_have_the_zones_and_targets_that_they_are_named_for() -> None:
    case = next(case for case in other_cases(BEFORE) if "zones 348, target 3" in case.title)
    scenario = case.scenario(extra=2)
    assert [pool.name for pool in scenario.pools] == ["us-east-1f", "us-east-2a", "us-west-2c"]
    assert (scenario.service[0].target, scenario.service[0].extra) == (3, 2)


def test_the_published_recordings() -> None:
    if not (SHARED / "spothedge").is_dir():
        pytest.skip("needs the recordings published with SkyServe")
    cases = {case.title: case for case in recorded_cases(SHARED / "spothedge")}
    assert set(cases) == {f"{name}, target {target}" for name in ("AWS1", "GCP1") for target in (3, 4)}
    assert len(cases["GCP1, target 4"].scenario().pools) == 6
    assert cases["GCP1, target 4"].block_h < 3.0 and cases["AWS1, target 3"].block_h == 24.0


def test_the_cheapest_that_is_available_enough_is_chosen_before_it_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not by what it comes to afterwards."""
    offered = {
        ("spot_hedge", 0): (0.998, 0.30),
        ("spot_hedge", 1): (0.9991, 0.40),
        ("spot_hedge", 2): (0.9999, 0.50),
    }

    def found(case: Case, player: Player, windows: int) -> np.ndarray:
        availability, cost = offered[player]
        return figures(availability - (0.01 if case.from_h else 0.0), cost)

    monkeypatch.setattr(Case, "figures", found)
    monkeypatch.setattr(services, "LADDER", tuple(offered))
    monkeypatch.setattr(services, "TRAINED", ())
    table = services.least_report(WINDOWS)
    assert [row[1:] for row in table.rows] == [("spot_hedge", "1", "99.910", "40.0", "98.910", "40.0")] * 2


def test_every_player_has_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Case, "figures", lambda case, player, windows: figures(0.99, 0.5, len(player[0])))
    case = next(iter(main_cases(BEFORE)))
    rows = services.report(case, WINDOWS).rows
    assert [row[:2] for row in rows] == [(name, f"{extra}") for name, extra in (*services.PLAYERS, *services.trained())]
    assert next(row for row in rows if row[:2] == ("spot_hedge", "1"))[4:] == ("", "")


def test_a_folder_of_recordings_that_is_none_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        services.main(["--quick", "--report", "--recordings", str(tmp_path / "absent")])
    printed = capsys.readouterr()
    assert ended.value.code == 2 and printed.out == "" and "--recordings: " in printed.err


@pytest.mark.slow
def test_a_toy_run_plays_and_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a report, on hours that are for development."""
    monkeypatch.chdir(tmp_path)
    few = Case("few", with_pools("service", (0, 1), 2), *BEFORE)
    monkeypatch.setattr(services, "jobs", lambda *_: [services.partial(services.report, few, 2)])
    services.main(["--quick", "--report"])
    assert "spot_hedge_plus" in capsys.readouterr().out and not any(tmp_path.iterdir())
    lines = [row[:2] for row in service_behaviour.measure(quick=True).rows]
    assert {("service", "spot_hedge"), ("service-spothedge", "spot_hedge_plus")} <= set(lines)
    table = service_weights.measure(quick=True)
    assert [row[:2] for row in table.rows] == [("service", "40"), ("service-spothedge", "40")]
