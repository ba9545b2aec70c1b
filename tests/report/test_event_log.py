"""The log as JSON lines: what a line says, and that an episode's figures can be added up from its lines alone."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tessera_env.cli.program import main
from tessera_env.engine.kinds import AskReason, CheckpointPlan, LogKind
from tessera_env.engine.log import FIGURES
from tessera_env.engine.state import LOG, TASK
from tessera_env.evaluation.results import Results
from tessera_env.report import event_log
from tessera_env.report.event_log import episode_lines, event_lines, write_events
from tessera_env.report.simulation_text import policy_title
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulate import DEFAULT_POLICIES, simulate
from tessera_env.world.parameters import UNLIMITED

WORLDS = ("classic", "fleet", "deadline", "deadline-aws")


@dataclass
class Books:
    """One policy's episode, added up from its lines in their order."""

    start: dict[str, Any]
    counts: Counter[str] = field(default_factory=Counter)
    usd: dict[str, float] = field(default_factory=lambda: {"SPOT": 0.0, "ON_DEMAND": 0.0})
    billed_s: dict[str, float] = field(default_factory=lambda: {"SPOT": 0.0, "ON_DEMAND": 0.0})
    saved_s: float = 0.0
    lost_s: float = 0.0
    ran_s: float = 0.0
    launches: dict[int, dict[str, Any]] = field(default_factory=dict)
    ends: dict[int, dict[str, Any]] = field(default_factory=dict)
    work_s: dict[int, float] = field(default_factory=dict)  # of the tasks that arrived
    kept_s: dict[int, float] = field(default_factory=dict)
    works_from_s: dict[int, float] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)

    def read(self, line: dict[str, Any]) -> None:
        self.counts[line["event"]] += 1
        match line["event"]:
            case "ARRIVAL":
                self.work_s[line["task"]], self.kept_s[line["task"]] = line["work_s"], 0.0
            case "LAUNCH":
                self.launches[line["instance"]] = line
            case "PLACE":
                self.works_from_s[line["task"]] = line["works_from_s"]
            case "STOP":
                self.lost_s += line["lost_s"]
                self.kept_s[line["task"]] = line["kept_s"]
                self.ran_s += max(0.0, line["time_s"] - self.works_from_s[line["task"]])
            case "CHECKPOINT":
                self.counts[line["plan"]] += 1
                self.saved_s += line["saved_s"]
            case "COMPLETION":
                self.done.add(line["task"])
            case "END":
                self.end(line)

    def end(self, line: dict[str, Any]) -> None:
        launch = self.launches[line["instance"]]
        assert line["instance"] not in self.ends, "an instance ends once"
        assert (line["pool"], line["purchase"]) == (launch["pool"], launch["purchase"])
        self.ends[line["instance"]] = line
        self.usd[line["purchase"]] += line["usd"]
        self.billed_s[line["purchase"]] += max(0.0, line["billed_until_s"] - launch["billed_from_s"])

    @property
    def metrics(self) -> dict[str, float]:
        return {
            "cost_usd": self.usd["SPOT"] + self.usd["ON_DEMAND"],
            "spot_usd": self.usd["SPOT"],
            "on_demand_usd": self.usd["ON_DEMAND"],
            "tasks": self.start["tasks"],
            "tasks_done": self.counts["COMPLETION"],
            "interruptions": self.counts["NOTICE"],
            "checkpoints_full": self.counts["FULL"],
            "checkpoints_partial": self.counts["PARTIAL"],
            "checkpoints_restart": self.counts["RESTART"],
            "work_saved_h": self.saved_s / 3600.0,
            "deadlines_missed": self.counts["MISSED"],
            "decisions": self.counts["DECISION"],
            "launches": self.counts["LAUNCH"],
            "failed_launches": self.counts["LAUNCH_FAILED"],
            "cancelled_launches": self.counts["CANCEL"],
            "work_lost_h": self.lost_s / 3600.0,
        }

    @property
    def table_row(self) -> list[str]:
        """The words of the policy's row in the table, but for its objective: the log tells no dollars of penalties."""
        metrics = self.metrics
        cost, done = f"{metrics['cost_usd']:.2f}", f"{metrics['tasks_done']}/{metrics['tasks']}"
        decided = self.counts["CHECKPOINT"]
        checkpoints = f"{decided - self.counts['RESTART']}/{decided} ({metrics['work_saved_h']:.1f}h saved)"
        words = [policy_title(self.start["policy"]), cost, done, str(metrics["interruptions"])]
        return [*words, *(checkpoints.split() if decided else ["N/A"])]


def books_of(path: Path) -> dict[str, Books]:
    books: dict[str, Books] = {}
    with path.open(encoding="utf-8") as file:
        for text in file:
            line = json.loads(text)
            if line["event"] == "START":
                books[line["policy"]] = Books(line)
            else:
                books[line["policy"]].read(line)
    return books


@pytest.fixture(scope="module", params=WORLDS)
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Scenario, Path, Results]:
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    return load_scenario(request.param), path, simulate(scenario=request.param, seed=3, log=path)


def test_the_table_can_be_added_up_from_the_log_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for scenario in WORLDS:
        assert main(["simulate", "--scenario", scenario, "--seed", "3", "--log", "events.jsonl"]) == 0
        table = [line.split() for line in capsys.readouterr().out.splitlines()[1:4]]
        without = [[*row[:2], *row[3:]] for row in table]
        assert without == [books.table_row for books in books_of(Path("events.jsonl")).values()]


def test_the_log_adds_up_to_the_metrics_exactly(played: tuple[Scenario, Path, Results]) -> None:
    _, path, results = played
    books = books_of(path)
    assert list(books) == list(results.tables) == list(DEFAULT_POLICIES)
    for policy, table in results.tables.items():
        for metric, value in books[policy].metrics.items():
            assert value == table[metric][0], (policy, metric)
        for purchase, metric in (("SPOT", "spot_h"), ("ON_DEMAND", "on_demand_h")):
            hours = books[policy].billed_s[purchase] / 3600.0
            assert hours == pytest.approx(table[metric][0], rel=1e-9, abs=1e-9), (policy, metric)


def test_work_is_conserved(played: tuple[Scenario, Path, Results]) -> None:
    """What ran is done or lost; what arrived is done or remains, and tasks that were completed have all their work."""
    scenario, path, results = played
    assert scenario.checkpoint.interval_h is None  # else checkpoints take run time too
    for policy, books in books_of(path).items():
        done_s = sum(books.kept_s.values())
        assert books.ran_s == pytest.approx(done_s + books.lost_s, rel=1e-9)
        assert done_s / 3600.0 == pytest.approx(results.tables[policy]["work_done_h"][0], rel=1e-12)
        remaining_s = sum(work - books.kept_s[task] for task, work in books.work_s.items() if task not in books.done)
        assert sum(books.work_s.values()) == pytest.approx(done_s + remaining_s, rel=1e-12)
        assert all(books.kept_s[task] == books.work_s[task] for task in books.done)
        assert all(0.0 <= books.kept_s[task] < books.work_s[task] for task in books.work_s.keys() - books.done)


def test_dollars_are_a_sum_over_instances(played: tuple[Scenario, Path, Results]) -> None:
    """Each launch ends; on-demand by its price, spot between the lowest and the highest."""
    scenario, path, _ = played
    on_demand = {pool.name: pool.on_demand_usd_per_h for pool in scenario.pools}
    for books in books_of(path).values():
        assert books.launches.keys() == books.ends.keys()
        for launch, end in books.ends.items():
            hours = max(0.0, end["billed_until_s"] - books.launches[launch]["billed_from_s"]) / 3600.0
            full_usd = hours * on_demand[end["pool"]]
            if end["purchase"] == "ON_DEMAND":
                assert end["usd"] == pytest.approx(full_usd, rel=1e-9)
            else:
                assert 0.0 <= end["usd"] <= full_usd * (1.0 + 1e-9)


def test_every_line_has_the_keys_of_its_kind(played: tuple[Scenario, Path, Results]) -> None:
    """And time never goes back within an episode."""
    _, path, _ = played
    whose = {"policy", "world", "time_s", "event"}
    instance = {"instance", "pool", "purchase"}
    keys = {
        "START": {"scenario", "seed", "tasks", "horizon_s"},
        "ARRIVAL": {"task", "work_s", "deadline_s", "gpu_memory_mb", "state_cap_mb", "interactive"},
        "DECISION": {"task", "action", "reason"},
        "LAUNCH": instance | {"billed_from_s", "set_up_s"},
        "LAUNCH_FAILED": {"task", "pool", "purchase"},
        "PLACE": instance | {"task", "works_from_s"},
        "PREPARE": instance | {"task", "takes_over_s"},
        "STOP": instance | {"task", "kept_s", "lost_s"},
        "CHECKPOINT": instance | {"task", "plan", "saved_s"},
        "COMPLETION": instance | {"task"},
        "IDLE": instance,
        "END": instance | {"usd", "billed_until_s"},
        "CANCEL": instance,
        "CAPACITY": {"pool", "instances"},
        "MISSED": {"task"},
    }
    now_s = 0.0
    for text in path.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        now_s = 0.0 if line["event"] == "START" else now_s
        assert line["time_s"] >= now_s
        now_s = line["time_s"]
        if line["event"] == "NOTICE":  # of an instance with a task, or without one
            assert line.keys() - {"task"} == whose | instance | {"ends_s"}
        else:
            assert line.keys() == whose | keys[line["event"]], line


# --- made by hand ------------------------------------------------------------------------------------------------


def log_of(*entries: tuple[Any, ...]) -> np.ndarray:
    return np.array(list(entries), dtype=LOG)


def two_tasks() -> np.ndarray:
    tasks = np.zeros(2, dtype=TASK)
    tasks["work_s"], tasks["deadline_s"], tasks["interactive"] = [7200.1, 1 / 3], [np.inf, 9000.0], [0, 1]
    tasks["gpu_memory_mb"], tasks["state_cap_mb"] = 16_000.0, [0.1 + 0.2, 8_000.0]
    return tasks


def test_a_line_names_every_value() -> None:
    scenario, nobody = load_scenario("classic"), -1
    log = log_of(
        (0.5, LogKind.ARRIVAL, 0, nobody, nobody, nobody, 0.0, 0.0),
        (0.5, LogKind.ARRIVAL, 1, nobody, nobody, nobody, 0.0, 0.0),
        (0.5, LogKind.DECISION, 0, nobody, nobody, nobody, 6.0, float(AskReason.ARRIVAL)),
        (0.5, LogKind.LAUNCH, nobody, 0, 1, 1, 30.5, 102.5),
        (0.5, LogKind.PLACE, 0, 0, 1, 1, 102.5, 0.0),
        (1.0, LogKind.DECISION, 1, nobody, nobody, nobody, 0.0, float(AskReason.RETRY)),
        (2.0, LogKind.LAUNCH_FAILED, 1, nobody, 2, 0, 0.0, 0.0),
        (3.0, LogKind.NOTICE, nobody, 4, 3, 0, 123.0, 0.0),
        (3.0, LogKind.CHECKPOINT, 0, 4, 3, 0, float(CheckpointPlan.PARTIAL), 0.1),
        (3.0, LogKind.STOP, 0, 4, 3, 0, 0.1, 0.2),
        (4.0, LogKind.CAPACITY, nobody, nobody, 0, nobody, 5.0, 0.0),
        (4.0, LogKind.CAPACITY, nobody, nobody, 0, nobody, float(UNLIMITED), 0.0),
        (5.0, LogKind.END, nobody, 4, 3, 0, 0.3, 63.0),
        (6.0, LogKind.MISSED, 1, nobody, nobody, nobody, 0.0, 0.0),
    )
    on_0, on_4 = (
        {"instance": 0, "pool": "b", "purchase": "ON_DEMAND"},
        {"instance": 4, "pool": "d", "purchase": "SPOT"},
    )
    assert list(event_lines(scenario, log, two_tasks())) == [
        {"time_s": 0.5, "event": "ARRIVAL", "task": 0, "work_s": 7200.1, "deadline_s": None}
        | {"gpu_memory_mb": 16_000.0, "state_cap_mb": 0.1 + 0.2, "interactive": False},
        {"time_s": 0.5, "event": "ARRIVAL", "task": 1, "work_s": 1 / 3, "deadline_s": 9000.0}
        | {"gpu_memory_mb": 16_000.0, "state_cap_mb": 8_000.0, "interactive": True},
        {"time_s": 0.5, "event": "DECISION", "task": 0, "action": "ON_DEMAND b", "reason": "ARRIVAL"},
        {"time_s": 0.5, "event": "LAUNCH", **on_0, "billed_from_s": 30.5, "set_up_s": 102.5},
        {"time_s": 0.5, "event": "PLACE", "task": 0, **on_0, "works_from_s": 102.5},
        {"time_s": 1.0, "event": "DECISION", "task": 1, "action": "WAIT", "reason": "RETRY"},
        {"time_s": 2.0, "event": "LAUNCH_FAILED", "task": 1, "pool": "c", "purchase": "SPOT"},
        {"time_s": 3.0, "event": "NOTICE", **on_4, "ends_s": 123.0},
        {"time_s": 3.0, "event": "CHECKPOINT", "task": 0, **on_4, "plan": "PARTIAL", "saved_s": 0.1},
        {"time_s": 3.0, "event": "STOP", "task": 0, **on_4, "kept_s": 0.1, "lost_s": 0.2},
        {"time_s": 4.0, "event": "CAPACITY", "pool": "a", "instances": 5},
        {"time_s": 4.0, "event": "CAPACITY", "pool": "a", "instances": None},
        {"time_s": 5.0, "event": "END", **on_4, "usd": 0.3, "billed_until_s": 63.0},
        {"time_s": 6.0, "event": "MISSED", "task": 1},
    ]


def test_an_episode_opens_with_what_it_is() -> None:
    scenario = load_scenario("classic")
    log = log_of((0.5, LogKind.MISSED, 1, -1, -1, -1, 0.0, 0.0))
    assert list(episode_lines(scenario, log, two_tasks(), policy="greedy", seed=7, world=2)) == [
        {"policy": "greedy", "world": 2, "time_s": 0.0, "event": "START"}
        | {"scenario": "classic", "seed": 7, "tasks": 2, "horizon_s": 172_800.0},
        {"policy": "greedy", "world": 2, "time_s": 0.5, "event": "MISSED", "task": 1},
    ]


def test_the_documented_figures_are_those_of_the_log() -> None:
    """Each kind has one row, with its figures in their order; an arrival's are the task's, not the log's."""
    assert event_log.__doc__ is not None
    rows = re.findall(r"^\| ([A-Z_, ]+) \| (.*) \|$", event_log.__doc__, re.MULTILINE)
    told = {LogKind[name]: text for names, text in rows for name in names.split(", ")}
    assert sum(len(names.split(", ")) for names, _ in rows) == len(told) == len(LogKind)
    assert told.pop(LogKind.ARRIVAL).startswith("work_s, deadline_s")
    names = {name for figures in FIGURES.values() for name in figures}
    for kind, text in told.items():
        assert tuple(dict.fromkeys(word for word in re.findall(r"\w+", text) if word in names)) == FIGURES[kind], kind
        assert FIGURES[kind] or text.startswith("none"), kind


def test_numbers_read_back_exactly(tmp_path: Path) -> None:
    values = [*np.random.default_rng(0).uniform(0, 1e6, 1_000).tolist(), 0.1 + 0.2, 1e-300, 5e15 + 1]
    write_events(tmp_path / "a", ({"value": value} for value in values))
    read = [json.loads(text)["value"] for text in (tmp_path / "a").read_text().splitlines()]
    assert read == values


def test_lines_are_written_as_they_come_and_the_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("old")

    def lines(count: int) -> Any:
        for k in range(count):
            assert path.read_text() == "old"
            yield {"name": "zone-ü", "k": k}
        sizes.append(sum(entry.stat().st_size for entry in tmp_path.iterdir() if entry != path))

    sizes: list[int] = []
    write_events(path, lines(10_000))
    assert sizes[0] > 100_000  # they were not held until the end
    assert path.read_text(encoding="utf-8").splitlines()[-1] == '{"name": "zone-ü", "k": 9999}'


def test_a_failure_halfway_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("old")

    def lines() -> Any:
        yield {"k": 1}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_events(path, lines())
    assert (path.read_text(), [entry.name for entry in tmp_path.iterdir()]) == ("old", ["events.jsonl"])
