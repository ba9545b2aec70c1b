"""What is shipped is the run's policy, with a card that says where it comes from and how it does."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from agents.cards import fleet_table, report_table, service_table
from agents.evolution.training import evolve
from agents.ship import main, ship
from agents.training import train
from tessera_env.observation.layout import Layout
from tessera_env.policies import LearnedPolicy
from tessera_env.policies.folder import read_card
from tests.agents.evolution.test_training import small_run as small_search
from tests.agents.evolution.test_training import small_service_search
from tests.agents.small import small_run
from tests.agents.test_training import quiet
from tests.policies.observations import random_rows


def report(path: Path, label: str, sha256: str) -> Path:
    """As `make report` leaves it, in short."""

    def row(name: str, gap: float) -> dict:
        interval = {"mean": gap, "low": gap - 0.1, "high": gap + 0.1}
        return {"label": name, "cost_usd": {"mean": 80.0}, "gap": interval, "late": 0, "windows": 4320}

    rows = [row(label, 0.66), row("slack_threshold", 0.5), row("greedy", -2.0)]
    played = {label: f"trained on deadline, sha256 {sha256}"}
    path.write_text(json.dumps({"quick": False, "policies": played, "summary": {"Recorded hours": {"overall": rows}}}))
    return path


def test_the_run_s_policy_and_its_card(tmp_path: Path) -> None:
    run = small_run(tmp_path / "mine", seed=7)
    train(run, quiet())
    played = report(tmp_path / "report.json", "pretrained/some", read_card(run.folder).sha256)
    folder = ship(run.folder, "some", played, tmp_path / "pretrained")
    policies = [LearnedPolicy(one, Layout(1)) for one in (run.folder, folder)]
    seen = np.random.default_rng(0).uniform(0.0, 1.0, (5, Layout(1).size)).astype(np.float32)
    np.testing.assert_array_equal(*(policy.logits(seen) for policy in policies))
    text = (folder / "CARD.md").read_text(encoding="utf-8")
    commit = json.loads((run.folder / "config.json").read_text())["commit"]
    for fact in (
        "`deadline`",
        "--seed 7",
        commit,
        policies[0].card.sha256,
        "MaskablePPO",
        "mlp, hidden layers [16]",
        f"{len(Layout(1).names)} fields",
    ):
        assert fact in text
    assert "| Recorded hours | `pretrained/some` | 80.00 | 66.0 [56.0, 76.0] | 0 of 4320 |" in text
    assert "`slack_threshold`" in text and "`greedy`" not in text
    weights = sum(array.size for array in load_file(folder / "policy.safetensors").values())
    assert f"{weights:,} weights" in text


def test_a_rule_with_shifts_and_its_card(tmp_path: Path) -> None:
    run = small_search(tmp_path / "mine", seed=5)
    evolve(run, quiet())
    sha256 = read_card(run.folder).sha256
    table = {
        "title": "Tasks that compete: fleet",
        "note": "",
        "columns": ["policy", "objective $", "difference to greedy $", "gap closed %"],
        "rows": [["greedy", "900", "baseline", ""], ["pretrained/some", "800", "-100 *", "40"], ["pretrained/b", "1"]],
    }
    weights = {"title": "", "note": f"pretrained/some {sha256[:12]}.", "columns": [], "rows": []}
    kept = tmp_path / "fleet.json"
    kept.write_text(json.dumps({"quick": False, "reports": [table, weights]}))
    folder = ship(run.folder, "some", kept, tmp_path / "pretrained")
    rows = random_rows(200, Layout(3))
    answers = [LearnedPolicy(one, Layout(3)).predict(rows)[0] for one in (run.folder, folder)]
    np.testing.assert_array_equal(*answers)
    text = (folder / "CARD.md").read_text(encoding="utf-8")
    for fact in (
        "`fleet`",
        "--seed 5",
        sha256,
        "beside it `classic`",
        "| `fleet` | pretrained/some | 800 | -100 * | 40 |",
    ):
        assert fact in text
    assert "pretrained/b" not in text and "stopped there" not in text
    other = ship(run.folder, "other", kept, tmp_path / "pretrained")
    assert "No report yet" in (other / "CARD.md").read_text(encoding="utf-8")


def test_a_service_s_rule_and_its_card(tmp_path: Path) -> None:
    run = small_service_search(tmp_path / "mine")
    evolve(run, quiet())
    sha256, columns = read_card(run.folder).sha256, ["policy", "extra", *"abcd"]
    rows = [["spot_hedge", "1", *"1234"], ["spot_hedge", "2", *"5678"], ["pretrained/some", "1", *"9876"]]
    table = {"title": "Services: service", "note": "", "columns": columns, "rows": rows}
    weights = {"title": "", "note": f"pretrained/some {sha256[:12]}.", "columns": [], "rows": []}
    kept = tmp_path / "services.json"
    kept.write_text(json.dumps({"quick": False, "reports": [table, weights]}))
    text = (ship(run.folder, "some", kept, tmp_path / "pretrained") / "CARD.md").read_text(encoding="utf-8")
    shown = "| service | spot_hedge | 1 | 1 | 2 | 3 | 4 |\n| service | pretrained/some | 1 | 9 | 8 | 7 | 6 |"
    for fact in (sha256, shown, "`service-train` as `ticks`, with 2 changes", "`shortfall_weight` 40 in training"):
        assert fact in text
    other = ship(run.folder, "other", kept, tmp_path / "pretrained")
    assert "No report yet" in (other / "CARD.md").read_text(encoding="utf-8")


def test_without_a_report_the_card_says_how_to_get_one(tmp_path: Path) -> None:
    run = small_run(tmp_path / "mine")
    train(run, quiet())
    folder = ship(run.folder, "some", tmp_path / "none.json", tmp_path / "pretrained")
    assert "No report yet: `make report`" in (folder / "CARD.md").read_text(encoding="utf-8")


def test_the_table_of_other_weights_stays_out(tmp_path: Path) -> None:
    """A report of what was shipped before under that name."""
    run = small_run(tmp_path / "mine")
    train(run, quiet())
    before = report(tmp_path / "report.json", "pretrained/some", "0" * 64)
    folder = ship(run.folder, "some", before, tmp_path / "pretrained")
    text = (folder / "CARD.md").read_text(encoding="utf-8")
    assert "No report yet: `make report`" in text and "66.0" not in text


def test_what_cannot_be_shipped_is_one_line_and_leaves_what_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = small_run(tmp_path / "mine")
    train(run, quiet())
    pretrained = tmp_path / "pretrained"
    folder = ship(run.folder, "some", tmp_path / "none.json", pretrained)
    there = {file.name: file.read_bytes() for file in folder.iterdir()}
    for name in ("../some", "", "some/", "/some"):
        with pytest.raises(ValueError, match="name: "):
            ship(run.folder, name, tmp_path / "none.json", pretrained)
    (run.folder / "config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"config\.json: does not say how it was trained") as caught:
        ship(run.folder, "some", tmp_path / "none.json", pretrained)
    assert "\n" not in str(caught.value)
    (run.folder / "policy.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match="SHA-256"):
        ship(run.folder, "some", tmp_path / "none.json", pretrained)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == there
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "nowhere"), "some"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("table", [fleet_table, report_table, service_table])
@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"reports": 1}', '{"policies": []}', '{"policies": {"a": 1}}', "\xff"]
)
def test_a_report_that_is_none_is_one_line(tmp_path: Path, table: Any, text: str) -> None:
    (tmp_path / "kept.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError) as caught:
        table(tmp_path / "kept.json", "a", "0" * 64)
    assert str(caught.value).startswith(f"{tmp_path / 'kept.json'}: ") and "\n" not in str(caught.value)
