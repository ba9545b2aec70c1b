"""Small good files of every form that is read."""

import json
from importlib.resources import files
from typing import Any

import numpy as np

from agents import hyperparameters
from agents.evolution import settings
from agents.evolution.kept_search import search_bytes
from agents.evolution.search import Search
from benchmarks.studies.cant_be_late.study import METRICS
from tessera_env.evaluation.kept_tables import COUNTS
from tessera_env.evaluation.results import Results
from tessera_env.files.packaged import data_folder
from tessera_env.policies.shifting.policy import UNSCALED, WEIGHT_COUNT
from tessera_env.recordings.demand import DemandFormat
from tessera_env.recordings.played_rows import PlayedRows
from tessera_env.scenario.loading import load_scenario
from tessera_env.simulation.accounts import accounts_from

SERIES_FILE, JOBS_FILE = "spot.csv", "jobs.csv"
SERIES = b"""zone,time_s,spot_available,spot_price
east,0,0,0.9
east,390,1,0.9
west,0,1,1.5
east,585,1,0.8
west,36000,3,1.5
"""
SAMPLES = json.dumps({"metadata": {"gap_seconds": 300}, "data": [0, 0, 1, 1, 0], "prices": [1.0, 1, 1.0, 1.5, 1.5]})
UNPRICED = json.dumps({"metadata": {"gap_seconds": 60.5}, "data": [1, 0, 1]})
PODS = b"""name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time
a,4000,512,1,1000,,BE,Succeeded,0,50,10
b,4000,1024.5,1,500,V100M16|V100M32,LS,Failed,100,4000,160
c,8000,0,2,1000,,Burstable,Running,700,,700
d,8000,16000,0,0,,Guaranteed,Pending,900,5000,
"""
DEMAND: dict[DemandFormat, bytes] = {
    "counts": b"time_s,requests\n0,6\n60,0\n120,3.5\n300,12\n",
    "requests": b"time_s\n0\n30\n30\n150.5\n1e3\n",
    "azure_llm": b"""TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:17:03.9799600,4808,10
2023-11-16 18:17:04.0319600,3180,8
2023-11-16 18:18:00,110,27
""",
}
RUN_TIMES = b"runtime\n60\n3600\n0.5\n7200\n0\n1e3\n"
REPLAYING = """description = "what is replayed"
horizon_h = 8
decision_interval_s = 600
notice_s = 120
[task]
count = 3
recording = "jobs.csv"
recording_format = "run_times"
arrivals = "uniform"
gpu_memory_mb = 16000
[market]
trace = "spot.csv"
[[pools]]
name = "a"
zone = "east"
instance_type = "g6.xlarge"
provisioning_s = 30
setup_h = 0.02
trace_zone = "east"
capacity = { source = "trace" }
price = { source = "trace" }
hazard = { model = "none" }
"""


def presets() -> tuple[bytes, ...]:
    """Every preset as a file."""
    folder = files("tessera_env") / "scenario" / "presets"
    return tuple(entry.read_bytes() for entry in sorted(folder.iterdir(), key=str) if entry.name.endswith(".toml"))


def catalogue() -> bytes:
    """The first rows of the package's."""
    lines = (data_folder() / "catalogue" / "instance_types.csv").read_bytes().splitlines(keepends=True)
    return b"".join(lines[:8])


def pretrained(name: str, file: str) -> bytes:
    """A file of a policy that comes with the package."""
    return (data_folder() / "pretrained" / name / file).read_bytes()


def results() -> tuple[bytes, ...]:
    """Of policies alone, and with all that results can hold."""
    costs = {"on_demand_only": 100.0, "greedy": 50.0, "uniform_progress": 45.0}
    tables = {label: _table(np.linspace(cost, cost + 10.0, 4)) for label, cost in costs.items()}
    known: dict[str, Any] = {"scenario": {"name": "deadline"}, "seed": 1, "baseline": "greedy", "versions": {}}
    policies: dict[str, dict[str, Any]] = {label: {"name": label} for label in costs}
    alone = Results(policies=policies, tables=tables, **known)
    floor = {"cost_usd": np.full(4, 40.0), "objective_usd": np.full(4, 40.0), "penalty_usd": np.zeros(4)}
    rows = [_account(world, task) for world in range(4) for task in range(2)]
    played = PlayedRows("jobs.csv", 4, {"ran for 0 s": 1}, (0.1, 20.0), 1, 0, 0, 60.0)
    full = Results(
        policies={**policies, "clairvoyant": {"name": "clairvoyant"}},
        tables={**tables, "clairvoyant": floor},
        reference_usd=tables["uniform_progress"]["cost_usd"],
        accounts={label: accounts_from(rows) for label in costs},
        played_rows=played,
        **known,
    )
    return alone.to_json().encode(), full.to_json().encode()


def _table(cost: np.ndarray) -> dict[str, np.ndarray]:
    dollars = {"cost_usd": cost, "objective_usd": cost + 1.0, "penalty_usd": np.ones(4)}
    hours = {"spot_h": np.full(4, 30.0), "on_demand_h": np.full(4, 2.0)}
    return {**dollars, **hours, **{name: np.ones(4, np.int64) for name in (*COUNTS, "interruptions")}}


def _account(world: int, task: int) -> dict[str, Any]:
    figures = ("arrival_h", "work_h", "work_done_h", "usd", "setup_usd", "running_usd", "idle_usd", "penalty_usd")
    figures += ("usd_per_work_h", "spot_h", "on_demand_h", "work_lost_h", "completed_h")
    row = {"world": world, "task": task, "kind": "BATCH", "late": False, "interruptions": 1, "deadline_h": None}
    return {**row, **dict.fromkeys(figures, 0.5)}


def study() -> bytes:
    """One part with two zones."""
    shape = (2, 1, 1, 2)
    labels = ("clairvoyant", "on_demand_only", "uniform_progress", "greedy", "pretrained/deadline")
    part = {
        "title": "Hours kept for reports",
        "note": "made by hand",
        "zones": ["east", "west"],
        "deadlines_h": [52.0],
        "changeovers_h": [0.2],
        "windows_h": [[700.0, 800.0]] * 2,
        "learned": ["pretrained/deadline"],
        "tables": {label: {metric: np.full(shape, 4.0).tolist() for metric in METRICS} for label in labels},
    }
    values = {"schema": 1, "seed": 3, "quick": False, "machine": "one", "policies": {"greedy": "greedy"}, "summary": {}}
    return json.dumps({**values, "studies": [part]}).encode()


def reports() -> bytes:
    """Two tables of a benchmark."""
    table = {"title": "Speed", "note": "per core", "columns": ["what", "steps/s"], "rows": [["a", "1"], ["b", "2"]]}
    return json.dumps({"machine": "one", "quick": False, "reports": [table, table]}).encode()


def training_config() -> bytes:
    """Of a run of `train.py`."""
    facts = {"scenario": load_scenario("deadline"), "hyperparameters": hyperparameters.load_hyperparameters("deadline")}
    return json.dumps({name: fact.model_dump(mode="json") for name, fact in facts.items()}).encode()


def search_config() -> bytes:
    """Of a run of evolution strategies."""
    facts = {"scenario": load_scenario("fleet"), "settings": settings.load_settings("fleet")}
    parts = {name: fact.model_dump(mode="json") for name, fact in facts.items()}
    return json.dumps({"method": "evolution", **parts}).encode()


def search_state() -> bytes:
    """Of a search that has moved."""
    search = Search.start(WEIGHT_COUNT)
    search.generation, search.spreads = 3, {"fleet": 12.5}
    return search_bytes(search, UNSCALED, 1_000)


def evaluations() -> tuple[bytes, bytes]:
    """Of a run by gradients, and of a search."""
    score = {"steps": 1024, "mean_return": -0.5, "cost_ratio": 0.5, "deadlines_missed": 0}
    one = {"steps": 1024, "generation": 3, "objective_usd": 900.0, "difference_usd": -3.5, "half_interval_usd": 1.25}
    return json.dumps([score, score]).encode(), json.dumps([one, one]).encode()
