"""Options that several subcommands have, and a subcommand with its options as the line one types."""

import shlex
from collections.abc import Sequence
from dataclasses import MISSING, fields
from typing import Annotated, Any

import tyro

from tessera_env.evaluation.experiment import AUTO, DEFAULT_POLICIES, SERVICE_POLICIES
from tessera_env.policies.making import POLICIES
from tessera_env.policies.pretrained import pretrained_names
from tessera_env.scenario.loading import parse_override, preset_names

# Tyro's own reading of `float | None` answers a wrong number with three lines about both types.
OptionalNumber = Annotated[
    float | None,
    tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="NUMBER",
        instance_from_str=lambda words: float(words[0]),
        is_instance=lambda value: value is None or isinstance(value, float),
        str_from_instance=lambda value: [str(value)],
    ),
]
OptionalWhole = Annotated[
    int | None,
    tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="N",
        instance_from_str=lambda words: int(words[0]),
        is_instance=lambda value: value is None or isinstance(value, int),
        str_from_instance=lambda value: [str(value)],
    ),
]

SCENARIO_HELP = f"A preset ({', '.join(preset_names())}) or the path of a scenario's TOML file."
ScenarioName = Annotated[str, tyro.conf.arg(metavar="NAME|FILE", help=SCENARIO_HELP)]

Policies = Annotated[
    str,
    tyro.conf.arg(
        metavar="NAME|FOLDER,...",
        help=f"Separated by commas: {', '.join([*POLICIES, *pretrained_names()])}, folders of exported policies such "
        "as runs/latest, or module:Class of your own. "
        "Options follow a colon: on_demand_fallback:count=3, slack_threshold:theta=0.1, spot_hedge:ties=cheapest. "
        f"auto: {', '.join(DEFAULT_POLICIES)}, or, where there are services, {', '.join(SERVICE_POLICIES)}.",
    ),
]

Overrides = Annotated[
    tuple[str, ...],
    tyro.conf.UseAppendAction,
    tyro.conf.arg(
        metavar="KEY=VALUE",
        help="Change one value of the scenario, such as task.work_h=5 or pools.*.setup_h=0.1; "
        "`tessera scenarios show` lists all keys.",
    ),
]

Threads = Annotated[
    int, tyro.conf.arg(metavar="N", help="Threads that advance the worlds; any number gives the same results.")
]


def _file(meaning: str) -> Any:
    """The file that a run leaves when asked to."""
    return tyro.conf.arg(metavar="FILE", help=meaning, help_behavior_hint="(default: not written)")


ResultsFile = Annotated[
    str | None, _file("Write scenario, seed, versions and every episode's figures here as JSON; replaced at the end.")
]
ReportFile = Annotated[
    str | None, _file("Write a report with charts here: one file that works offline; replaced at the end.")
]
LogFile = Annotated[
    str | None, _file("Write the first world's events here for every policy, a line of JSON each; replaced at the end.")
]
TasksFile = Annotated[
    str | None,
    _file("Write what each task cost here as CSV, for every policy and world; replaced at the end."),
]


def overrides_of(assignments: Sequence[str]) -> dict[str, Any]:
    """The scenario's values that `--set` changes, by their keys.

    Raises:
        ScenarioError: one is not KEY=VALUE.
    """
    return dict(parse_override(text) for text in assignments)


def labels_of(policies: str) -> list[str] | None:
    """The policies that an option names, separated by commas; None: those that fit the scenario."""
    if policies == AUTO:
        return None
    return [name.strip() for name in policies.split(",")]


def shell_line(name: str, command: Any) -> str:
    """What one types for the same run: the subcommand with those options that differ from their defaults."""
    words = ["tessera", *name.split()]
    for field in fields(command):
        value = getattr(command, field.name)
        if field.default is not MISSING and value == field.default:
            continue
        option = f"--{field.name.replace('_', '-')}"
        if value is True:
            words.append(option)
            continue
        for one in value if isinstance(value, tuple) else (value,):
            words += [option, str(one)]
    return shlex.join(words)
