"""Every reader of files: what it is given, what it is to say where that cannot be used."""

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from agents import hyperparameters
from agents.evolution import settings
from agents.evolution.kept_search import read_search
from agents.evolution.training import Evaluation, EvolutionRun
from agents.run_folder import read_evaluations
from agents.training import Run, Score
from benchmarks.common import Reports, ReportsError
from benchmarks.fuzz import samples
from benchmarks.fuzz.judging import Reader, plain
from benchmarks.studies.cant_be_late.study import Studies, StudyError
from tessera_env.evaluation.results import Results, ResultsError
from tessera_env.files.problems import MAX_LINES
from tessera_env.observation.layout import Layout
from tessera_env.policies.card import PolicyError
from tessera_env.policies.folder import CARD_FILE, WEIGHTS_FILE
from tessera_env.policies.learned import LearnedPolicy
from tessera_env.policies.shifting.policy import Shifts
from tessera_env.recordings.catalogue import CatalogueError, read_instance_types
from tessera_env.recordings.demand import DemandError, DemandFormat, read_demand
from tessera_env.recordings.traces.reading import problems_of_trace, read_series
from tessera_env.recordings.traces.series import Polarity, TraceError
from tessera_env.recordings.workloads import WorkloadError, WorkloadFormat, read_workload, statistics
from tessera_env.report.text import results_text
from tessera_env.scenario.conversion import parameters_of
from tessera_env.scenario.errors import ScenarioError
from tessera_env.scenario.loading import load_scenario, parse_override

LISTED = MAX_LINES + 1  # lines of an error that lists problems; the last counts what is more


def readers() -> tuple[Reader, ...]:
    """All, in the order of the package's rooms."""
    return (*_recordings(), *_scenarios(), *_policies(), *_results(), *_training())


def _recordings() -> Iterator[Reader]:
    csv, json_ = (samples.SERIES,), (samples.SAMPLES.encode(), samples.UNPRICED.encode())
    yield Reader("trace, CSV", "csv", csv, partial(_series, None), TraceError, LISTED, "spot.csv")
    for polarity in ("available", "unavailable"):
        name = f"trace, JSON, {polarity}"
        yield Reader(name, "json", json_, partial(_series, polarity), TraceError, LISTED, "spot.json")
    for form, sample in (("pods", samples.PODS), ("run_times", samples.RUN_TIMES)):
        read = partial(_jobs, form)
        yield Reader(f"workload, {form}", "csv", (sample,), read, WorkloadError, LISTED, "jobs.csv")
    for form, sample in samples.DEMAND.items():
        yield Reader(f"demand, {form}", "csv", (sample,), partial(_demand, form), DemandError, LISTED, "demand.csv")
    yield Reader("catalogue", "csv", (samples.catalogue(),), _types, CatalogueError, LISTED, "types.csv")


def _series(polarity: Polarity | None, path: Path) -> Any:
    """Reading refuses what checking finds fault with, but for names that no scenario can call."""
    problems = problems_of_trace(str(path), polarity)
    found = plain(read_series([str(path)], polarity))
    assert all("must be letters" in problem for problem in problems), problems
    return found


def _types(path: Path) -> Any:
    return plain(read_instance_types(path))


def _jobs(form: WorkloadFormat, path: Path) -> Any:
    workload = read_workload(path, form)
    return plain(workload), plain(statistics(workload))


def _demand(form: DemandFormat, path: Path) -> Any:
    return plain(read_demand(path, form))


def _scenarios() -> Iterator[Reader]:
    replaying = samples.REPLAYING.encode()
    pods = replaying.replace(b"run_times", b"pods")
    for name, files in (("scenario", samples.presets()), ("scenario, replaying", (replaying, pods))):
        yield Reader(name, "toml", files, _scenario, ScenarioError, LISTED + 1, "mine.toml", _lay_recordings)
    overrides = (
        b"task.deadline_h=70",
        b"pools.*.setup_h={uniform=[0.1, 0.2]}",
        b"ask_order=urgency",
        b"task.work_h={uniform=[1, 2]}",
    )
    yield Reader("override", "bytes", overrides, _override, ScenarioError, LISTED + 1, "override.txt")


def _scenario(path: Path) -> Any:
    scenario = load_scenario(path)
    parameters_of(scenario)
    return plain(scenario)


def _lay_recordings(folder: Path, data: bytes) -> None:
    for name, content in ((samples.SERIES_FILE, samples.SERIES), (samples.JOBS_FILE, samples.RUN_TIMES)):
        if not (folder / name).exists():
            (folder / name).write_bytes(content)


def _override(path: Path) -> Any:
    """No file, but TOML that is typed; the file's name is put in front, where a file's error has it."""
    text = path.read_bytes().decode("utf-8", "replace")
    try:
        key, value = parse_override(text)
        return plain(load_scenario("deadline", **{key: value}))
    except ScenarioError as error:
        raise ScenarioError("\n".join(f"{path.name}: {line}" for line in str(error).split("\n"))) from None


def _policies() -> Iterator[Reader]:
    for name in ("deadline", "fleet"):
        card, weights = (samples.pretrained(name, file) for file in (CARD_FILE, WEIGHTS_FILE))
        beside = partial(_lay_once, WEIGHTS_FILE, weights)
        yield Reader(f"card of {name}", "json", (card,), _learned, PolicyError, 1, CARD_FILE, beside)
        naming = partial(_lay_card, card)
        yield Reader(f"weights of {name}", "safetensors", (weights,), _learned, PolicyError, 1, WEIGHTS_FILE, naming)


def _learned(path: Path) -> Any:
    policy = LearnedPolicy(path.parent, Layout(1))
    return plain(policy.card)


def _lay_once(name: str, content: bytes, folder: Path, data: bytes) -> None:
    file = folder / name
    if not file.exists() or file.stat().st_size != len(content):
        file.write_bytes(content)


def _lay_card(card: bytes, folder: Path, data: bytes) -> None:
    """A card that names the digest of these weights."""
    values = {**json.loads(card), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / CARD_FILE).write_text(json.dumps(values), encoding="utf-8")


def _results() -> Iterator[Reader]:
    for name, read in (("results", _result), ("results, shown", _shown_result)):
        yield Reader(name, "json", samples.results(), read, ResultsError, 1, "results.json")
    yield Reader("study", "json", (samples.study(),), _study, StudyError, 1, "study.json")
    yield Reader("benchmark", "json", (samples.reports(),), _reports, ReportsError, 1, "kept.json")


def _result(path: Path) -> Any:
    return plain(Results.from_json(path))


def _shown_result(path: Path) -> Any:
    found = Results.from_json(path)
    return found.to_json().encode(), results_text(found)


def _study(path: Path) -> Any:
    return plain(Studies.from_json(path))


def _reports(path: Path) -> Any:
    return plain(Reports.from_json(path))


def _training() -> Iterator[Reader]:
    for name, module, load in (
        ("hyper-parameters", hyperparameters, hyperparameters.load_hyperparameters),
        ("evolution", settings, settings.load_settings),
    ):
        read = partial(_settings, load)
        yield Reader(name, "toml", (module.FILE.read_bytes(),), read, ValueError, LISTED, module.FILE.name)
    for name, kind, config, state in (
        ("run, gradient", Run, samples.training_config(), "last.zip"),
        ("run, evolution", EvolutionRun, samples.search_config(), "search.npz"),
    ):
        read = partial(_run, kind)
        beside = partial(_lay_once, state, b"")
        yield Reader(name, "json", (config,), read, ValueError, LISTED + 1, "config.json", beside)
    yield Reader("search", "bytes", (samples.search_state(),), _search, ValueError, 1, "search.npz")
    for kind_of, sample in zip((Score, Evaluation), samples.evaluations(), strict=True):
        found = partial(_evaluations, kind_of)
        yield Reader(f"evaluations, {kind_of.__name__}", "json", (sample,), found, ValueError, 1, "evaluations.json")


def _settings(load: Callable[..., Any], path: Path) -> Any:
    return [plain(load(scenario, file=path)) for scenario in ("deadline", "fleet")]


def _run(kind: type[Run] | type[EvolutionRun], path: Path) -> Any:
    run = kind.open(path.parent)
    return plain(run.scenario), plain(run.settings if isinstance(run, EvolutionRun) else run.hyperparameters)


def _search(path: Path) -> Any:
    search, scale, decisions = read_search(path, Shifts)
    return plain(search), plain(scale), decisions


def _evaluations(kind: type[Score] | type[Evaluation], path: Path) -> Any:
    return [str(one) for one in read_evaluations(path.parent, kind)]
