"""Train a policy, then compare it with the hand-coded ones in worlds that it has never met.

`python train.py` without options trains on `deadline`, whose spot capacity is generated, and reports on `deadline-aws`,
which replays recorded AWS zones; then it trains on `fleet` for a short time, and reports on hours that it has not seen.
"""

import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from rich.console import Console

from agents.evolution.settings import SHORT, Settings, load_settings
from agents.evolution.training import METHOD, EvolutionRun, evolve
from agents.hyperparameters import Hyperparameters, load_hyperparameters
from agents.run_folder import CONFIG_FILE, free_folder, point_latest
from agents.training import Run, train
from agents.worlds import report_scenario
from tessera_env.evaluation.experiment import DEFAULT_POLICIES, SERVICE_POLICIES, Experiment, PolicyLike
from tessera_env.evaluation.results import Results
from tessera_env.evaluation.statistics import bootstrap_means, estimate
from tessera_env.files.json_files import read_object
from tessera_env.files.paths import expanded
from tessera_env.files.problems import named
from tessera_env.files.streams import take_any_text
from tessera_env.observation.layouts import layout_of
from tessera_env.policies import LearnedPolicy, pretrained_names
from tessera_env.report.outputs import Outputs
from tessera_env.report.text import results_text
from tessera_env.report.workload_text import workload_lines
from tessera_env.scenario.loading import load_scenario, parse_override
from tessera_env.scenario.scenario import Scenario

RUNS = Path("runs")
LATEST = "latest"
DEFAULT_SCENARIO = "deadline"
DEADLINE_RULES = ("uniform_progress", "slack_threshold")  # beside the default ones
SHIPPED = "pretrained/deadline"
FLEET = "fleet"
FLEET_RULES = ("fleet_threshold", "yielding")
SHIPPED_FLEET = "pretrained/fleet"
SHARED_BY = ("classic", FLEET, "fleet-mixed")  # what the shipped fleet policy plays
GRADIENT = "gradient"
REPORT_SEED = 1
REPORT_EPISODES = 200
WRONG_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
SETTINGS = tuple(dict.fromkeys((*Hyperparameters.model_fields, *Settings.model_fields)))  # of either kind of training


@dataclass(frozen=True)
class Arguments:
    """Train a policy on a scenario and compare it with the hand-coded ones."""

    scenario: Annotated[
        str, tyro.conf.arg(metavar="NAME|FILE", help="What to train on: a preset or a scenario's TOML file.")
    ] = DEFAULT_SCENARIO
    method: Annotated[
        Literal["auto", "evolution", "gradient"],
        tyro.conf.arg(
            help="evolution: shifts of a rule by evolution strategies; gradient: a network by PPO; auto: evolution "
            "where several tasks share the pools, and for services."
        ),
    ] = "auto"
    steps: Annotated[
        int | None,
        tyro.conf.arg(metavar="N", help="Decisions to learn from in all, a resumed run's earlier ones included."),
    ] = None
    seed: Annotated[
        int | None, tyro.conf.arg(metavar="N", help="Of the networks, the sampled actions and the worlds trained on.")
    ] = None
    name: Annotated[
        str | None, tyro.conf.arg(metavar="NAME", help="The run's folder below runs/; else scenario, date and time.")
    ] = None
    resume: Annotated[
        Path | None,
        tyro.conf.arg(metavar="FOLDER", help="Go on with a run of your own, with fresh worlds: not bit for bit."),
    ] = None
    set: Annotated[
        tuple[str, ...],
        tyro.conf.UseAppendAction,
        tyro.conf.arg(
            metavar="KEY=VALUE",
            help="Change a hyper-parameter (n_epochs=3, see agents/hyperparameters.toml and "
            "agents/evolution/evolution.toml) or a value of the scenario (task.deadline_h=70).",
        ),
    ] = ()
    report: Annotated[bool, tyro.conf.arg(help="Compare with the hand-coded policies after training.")] = True


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, save, report; returns the exit code."""
    take_any_text()
    given = tyro.cli(Arguments, prog="train.py", args=arguments)
    console = Console()
    try:
        run = resumed_run(given) if given.resume else new_run(given)
        if given.report:
            check_report(run, is_new=given.resume is None)
        is_finished = carry_out(run, console)
        if is_finished and given.report:
            report(run, console)
    except (ValueError, OSError) as error:
        print("\n".join(f"train.py: {line}" for line in str(error).splitlines()), file=sys.stderr)
        return WRONG_INPUT
    except KeyboardInterrupt:
        print("train.py: stopped at once; the run's folder holds what was saved last", file=sys.stderr)
        return INTERRUPTED
    say(console, how_to_use(run) if is_finished else how_to_go_on(run))
    return 0 if is_finished else INTERRUPTED


def carry_out(run: Run | EvolutionRun, console: Console, link: str = LATEST) -> bool:
    """Train; returns whether it was to the end, where then the link of that name beside the folder points."""
    say(console, f"{run.folder}: {run.summary}")
    for line in workload_lines(run.scenario.recordings.played_rows):
        say(console, line)
    is_finished = evolve(run, console) if isinstance(run, EvolutionRun) else train(run, console)
    if is_finished:
        try:
            point_latest(run.folder, link)
        except OSError as error:  # the run is whole without it
            say(console, f"train.py: {error}")
    return is_finished


def new_run(given: Arguments) -> Run | EvolutionRun:
    """The run that was asked for.

    Raises:
        ValueError: wrong input; one line a mistake.
    """
    changes = dict(parse_override(text) for text in given.set)
    settings = {key: changes.pop(key) for key in list(changes) if key in SETTINGS}
    settings |= {} if given.steps is None else {"total_steps": given.steps}
    settings |= {} if given.seed is None else {"seed": given.seed}
    options = options_of(given)
    check_names(changes)
    scenario = load_scenario(given.scenario, **changes)
    name = given.name or f"{scenario.name}-{datetime.now():%Y-%m-%d-%H%M%S}"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name) or name in (LATEST, f"{LATEST}-{FLEET}"):
        raise ValueError(f"name: {name!r} (allowed: letters, digits, '_', '.', '-'; not 'latest')")
    if method_for(given.method, scenario) == METHOD:
        is_service = bool(scenario.service)
        searched = load_settings(scenario.name, settings, options=options, is_service=is_service)
        return EvolutionRun.create(RUNS / name, scenario, searched)
    return Run.create(RUNS / name, scenario, load_hyperparameters(scenario.name, settings, options=options))


def options_of(given: Arguments) -> dict[str, str]:
    """The settings that options of their own give, with those."""
    asked = {"total_steps": ("--steps", given.steps), "seed": ("--seed", given.seed)}
    return {setting: option for setting, (option, value) in asked.items() if value is not None}


def check_names(changes: Iterable[str]) -> None:
    """Refuse keys of `--set` that are neither kind; of a scenario's sections it says itself what they hold.

    Raises:
        ValueError: one line a key, the names nearest to it first.
    """
    sections = tuple(Scenario.model_fields)
    wrong = [key for key in changes if key.partition(".")[0] not in sections]
    if wrong:
        raise ValueError(
            "\n".join(
                f"--set {named(key)}: neither a hyper-parameter (allowed: {nearest_first(key, SETTINGS)}) "
                f"nor a value of a scenario (allowed: {nearest_first(key, sections)})"
                for key in wrong
            )
        )


def nearest_first(key: str, names: Sequence[str]) -> str:
    """The names, most like the key first."""
    return ", ".join(sorted(names, key=lambda name: -SequenceMatcher(None, key, name).ratio()))


def method_for(method: str, scenario: Scenario) -> str:
    """What to train with."""
    if method != "auto":
        return method
    return METHOD if scenario.task.count > 1 or scenario.service else GRADIENT


def resumed_run(given: Arguments) -> Run | EvolutionRun:
    """The run to go on with.

    Raises:
        ValueError: it cannot go on, or is asked to become another one.
    """
    asked = (given.scenario != DEFAULT_SCENARIO, given.method != "auto", given.seed is not None, given.name, given.set)
    if any(asked) or given.resume is None:
        raise ValueError(
            "--resume: keeps the run's scenario, method, seed, name and settings (allowed beside it: --steps)"
        )
    folder = expanded(given.resume)
    kind: type[Run] | type[EvolutionRun] = EvolutionRun if is_evolution(folder) else Run
    return kind.open(folder, given.steps, options_of(given))


def is_evolution(folder: Path) -> bool:
    """Whether the folder's run is a search."""
    file = folder / CONFIG_FILE
    return file.is_file() and read_object(file, ValueError).get("method") == METHOD


def check_report(run: Run | EvolutionRun, is_new: bool) -> None:
    """Find out before anything is learned whether `report` can follow.

    Raises:
        ValueError: it could not.
    """
    if run.scenario == load_scenario(DEFAULT_SCENARIO):
        if is_new:
            free_folder(fleet_folder(run.folder))
    elif run.scenario != load_scenario(FLEET):
        report_scenario(run.scenario)


def fleet_folder(folder: Path) -> Path:
    """Of the fleet that is trained after the default run in `folder`."""
    return folder.with_name(f"{folder.name}-{FLEET}")


def report(run: Run | EvolutionRun, console: Console) -> None:
    """Print how the policy compares; after the default training train a fleet for a short time, too. All is JSON."""
    learned = LearnedPolicy(run.folder, layout_of(run.scenario))
    learned.name = "learned"
    if run.scenario == load_scenario(DEFAULT_SCENARIO):
        report_deadline(run.folder, learned, console)
        folder = fleet_folder(run.folder)
        if folder.exists():  # the run was resumed
            say(console, f"{folder}: exists already, no other fleet is trained")
        elif carry_out(fleet := short_fleet_run(folder), console, f"{LATEST}-{FLEET}"):
            report(fleet, console)
    elif run.scenario == load_scenario(FLEET):
        report_fleet(run.folder, learned, console)
    else:
        compare(
            report_scenario(run.scenario),
            [*(SERVICE_POLICIES if run.scenario.service else DEFAULT_POLICIES), learned],
            run.folder / "results.json",
            console,
        )


def short_fleet_run(folder: Path) -> EvolutionRun:
    """A search of some minutes."""
    return EvolutionRun.create(folder, load_scenario(FLEET), load_settings(SHORT))


def report_deadline(folder: Path, learned: LearnedPolicy, console: Console) -> None:
    """One task with a deadline, on recorded zones."""
    shipped = [SHIPPED] if SHIPPED in pretrained_names() else []
    policies = [*DEFAULT_POLICIES, *DEADLINE_RULES, *shipped, learned]
    results = compare(load_scenario("deadline-aws"), policies, folder / "results.json", console, optimum=True)
    for label in shipped:
        say(console, distance(results, learned.name, label))


def report_fleet(folder: Path, learned: LearnedPolicy, console: Console) -> None:
    """Many tasks that compete, on recorded hours that were not seen; the shipped policy on the other presets, too."""
    shipped = [SHIPPED_FLEET] if SHIPPED_FLEET in pretrained_names() else []
    policies = [*DEFAULT_POLICIES, *FLEET_RULES, *shipped]
    for name in SHARED_BY:
        played = [*policies, learned] if name == FLEET else policies
        scenario = report_scenario(load_scenario(name))
        file = folder / ("results.json" if name == FLEET else f"results-{name}.json")
        results = compare(scenario, played, file, console)
        for label in shipped if name == FLEET else ():
            say(console, distance(results, learned.name, label))


def compare(
    scenario: Scenario, policies: Sequence[PolicyLike], file: Path, console: Console, optimum: bool = False
) -> Results:
    """Play the policies in the same worlds, print the table, write the JSON and the report beside it."""
    prepared = Experiment(scenario, policies, REPORT_EPISODES, REPORT_SEED, optimum=optimum, progress=True).prepare()
    results = prepared.run()
    Outputs(file, html_beside(file)).write(prepared, results, shlex.join(["python", *sys.argv]))
    is_terminal = console.is_terminal
    print("\n" + results_text(results, console.width if is_terminal else None, is_terminal), flush=True)
    return results


def distance(results: Results, label: str, other: str) -> str:
    """How far one policy is from another: dollars, paired by world, and the gap to the optimum that each closes."""
    columns = np.column_stack([results.tables[name]["objective_usd"] for name in (label, other)])
    resampled = bootstrap_means(columns, results.seed)
    dollars = estimate(columns[:, 0] - columns[:, 1], resampled[:, 0] - resampled[:, 1])
    gaps = [results.summary[name].gap_closed for name in (label, other)]
    closed = " and ".join(f"{100 * gap.mean:.1f} %" for gap in gaps if gap is not None)
    of_the_gap = f"; of the gap to the optimum they close {closed}" if closed else ""
    return (
        f"{label} costs {dollars.mean:+.2f} $ [{dollars.low:+.2f}, {dollars.high:+.2f}] against {other}, penalties "
        f"included{of_the_gap}. (Windows overlap: the interval is rather too narrow; make report draws whole weeks.)"
    )


def html_beside(file: Path) -> Path:
    """The report's file: report.html beside results.json, report-fleet.html beside results-fleet.json."""
    return file.with_name(file.stem.replace("results", "report", 1) + ".html")


def how_to_go_on(run: Run) -> str:
    """What to say after a stop."""
    return f"Stopped and saved. To go on: python train.py --resume {run.folder}"


def how_to_use(run: Run | EvolutionRun) -> str:
    """What to say at the end."""
    latest = RUNS / LATEST
    is_linked = latest.resolve() == run.folder.resolve()
    shown = latest if is_linked else run.folder
    curves = f" (TensorBoard: tensorboard --logdir {run.folder / 'tb'})" if isinstance(run, Run) else ""
    return (
        f"Files: {run.folder}{f', also as {latest}' if is_linked else ''}{curves}. "
        "In your code: policy = tessera_env.policies.LearnedPolicy("
        f'"{shown}", env.unwrapped.layout); actions, _ = policy.predict(observation[None], '
        "action_masks=env.unwrapped.action_masks()[None])"
    )


def say(console: Console, text: str) -> None:
    """Print a line as it is, however narrow the terminal."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
