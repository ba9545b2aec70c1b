"""Blocks of the documentation that need the code alone: tables of fields, policies and environments, and help texts."""

import inspect
import io
import os
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from enum import IntEnum
from types import ModuleType
from unittest.mock import patch

import tessera_env
import tessera_env.engine as engine
from benchmarks.commands import command_blocks
from benchmarks.common import markdown
from tessera_env.cli import main as tessera
from tessera_env.cli.program import COMMANDS, Group
from tessera_env.observation.layout import Layout
from tessera_env.observation.layouts import layout_of
from tessera_env.policies import POLICIES, planning
from tessera_env.policies import rules as rule_files
from tessera_env.report import event_log
from tessera_env.report.simulation_text import simulation_text
from tessera_env.scenario import Scenario, load_scenario
from tessera_env.scenario.fields import REQUIRED, FieldGroup, FieldRow, scenario_fields
from tessera_env.simulate import simulate
from tessera_env.simulation.accounts import COLUMNS

# A help text is laid out for the terminal that it is printed on: one of 80 columns without colours.
_TERMINAL = {"COLUMNS": "80", "LINES": "24", "NO_COLOR": "1", "TERM": "dumb"}


def printed_blocks() -> dict[str, str]:
    """Every block, by name."""
    return {
        "observation": Layout(1).table(),
        "observation-services": Layout.of(1, has_tasks=False, has_services=True).table(),
        "simulate": simulated(),
        "environments": environments(),
        "policies": policies(),
        "rules": rules(),
        "engine": engine_modules(),
        "scenario-fields": "\n\n".join(map(field_group, scenario_fields())),
        "event-log": (inspect.getdoc(event_log) or "").partition("\n\n")[2],
        "accounts": markdown(("column", "what it holds"), account_columns(), numbers=False),
        "help": "\n\n".join(help_texts()),
        **command_blocks(),
        **{f"environment-{preset}": environment(id_, preset) for id_, preset in tessera_env.ENVIRONMENTS.items()},
    }


def simulated() -> str:
    """What `tessera simulate --duration 48 --tasks 100` prints."""
    return f"```text\n{simulation_text(simulate(duration=48, tasks=100))}```"


def account_columns() -> list[tuple[str, str]]:
    """What is said of each task."""
    return [(f"`{name}`", meaning) for name, meaning in COLUMNS.items()]


def environments() -> str:
    """The ids with their presets."""
    rows = [
        (f"`{id_}`", f"`{preset}`", load_scenario(preset).description)
        for id_, preset in tessera_env.ENVIRONMENTS.items()
    ]
    return markdown(("id", "preset", "what it is"), rows, numbers=False)


def policies() -> str:
    """The hand-coded policies with their options, each in the words of its class."""
    rows = [(f"`{name}`", options(make), summary(make)) for name, make in POLICIES.items()]
    return markdown(("policy", "options", "what it does"), rows, numbers=False)


def rules() -> str:
    """A section for each rule's file, and for each that plans."""
    files = [(folder, modules(folder)) for folder in (rule_files, planning)]
    sections = [documented(folder, name, "no-members") for name in POLICIES for folder, found in files if name in found]
    return "\n\n".join(sections)


def engine_modules() -> str:
    """A section for each file of the engine."""
    return "\n\n".join(documented(engine, name, "members") for name in modules(engine))


def modules(folder: ModuleType) -> list[str]:
    """The files of a folder of the package."""
    return sorted(info.name for info in pkgutil.iter_modules(folder.__path__))


def documented(folder: ModuleType, name: str, members: str) -> str:
    """A section that Sphinx fills with what a file says of itself, with or without its functions."""
    return (
        f"### {name}\n\n```{{eval-rst}}\n.. automodule:: {folder.__name__}.{name}\n   :{members}:\n   :no-index:\n```"
    )


def options(make: Callable[..., object]) -> str:
    """What may be written after a colon behind a policy's name."""
    known = [one for one in inspect.signature(make).parameters.values() if one.name not in ("layout", "options")]
    shown = ", ".join(map(option, known))
    return f"`{shown}`" if shown else ""


def option(one: inspect.Parameter) -> str:
    """An option with its default, as it is written."""
    if isinstance(one.default, IntEnum):
        return f"{one.name}={one.default.name.lower()}"
    return one.name if one.name == "seed" else f"{one.name}={one.default}"


def summary(make: Callable[..., object]) -> str:
    """The first sentence of a docstring, without where to read on."""
    first = (inspect.getdoc(make) or "").partition("\n\n")[0].replace("\n", " ")
    return first.partition("; see ")[0].rstrip(".")


def field_group(group: FieldGroup) -> str:
    """A section of a scenario: its title, its meaning, its values."""
    rows = [(f"`{row.name}`", default_text(row), row.unit, row.allowed, row.meaning) for row in group.rows]
    title = f"`{group.title}`" if group.title.startswith("[") else group.title.capitalize() or "The scenario itself"
    table = markdown(("name", "default", "unit", "allowed", "meaning"), rows, numbers=False)
    return f"### {title}\n\n{group.meaning}\n\n{table}"


def default_text(row: FieldRow) -> str:
    """The default as `--set` takes it, if there is one."""
    return row.default if row.default == REQUIRED else f"`{row.default}`"


def help_texts() -> Iterator[str]:
    """What `--help` says of the command and of each subcommand."""
    for words in (["tessera"], *subcommands(COMMANDS, ["tessera"])):
        yield f"## {' '.join(words)}\n\n```text\n{help_text(words[1:])}\n```"


def subcommands(commands: Mapping[str, object], words: list[str]) -> Iterator[list[str]]:
    """The words of every subcommand, groups before what is in them."""
    for name, command in commands.items():
        yield [*words, name]
        if isinstance(command, Group):
            yield from subcommands(command.commands, [*words, name])


def help_text(words: list[str]) -> str:
    """The help of one subcommand."""
    captured = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with patch.dict(os.environ, _TERMINAL), redirect_stdout(captured):
        tessera([*words, "--help"])
    captured.seek(0)
    return "\n".join(line.rstrip() for line in captured.read().splitlines()).strip()


def environment(id_: str, preset: str) -> str:
    """What an environment's page begins with: spaces, times, and the meaning of each action."""
    scenario = load_scenario(preset)
    layout = layout_of(scenario)
    facts = [
        ("Preset", f"`{preset}`"),
        ("Action space", f"`Discrete({1 + 2 * layout.pool_count})`"),
        ("Observation space", f"`Box({layout.low.min():g}, {layout.high.max():g}, ({layout.size},), float32)`"),
        *wanted(scenario),
        ("Horizon", f"{scenario.horizon_h:g} h"),
        ("Asked", asked(scenario)),
        ("Notice", f"{scenario.notice_s:g} s" if scenario.notice_s else "none"),
        *([] if scenario.service else [("Deadline guard", "on" if scenario.deadline_guard else "off")]),
    ]
    made = ("Make it", f'`gym.make("tessera_env:{id_}")`')
    actions = markdown(
        ("action", "placement", "zone", "instance type", "$/h"), list(placements(scenario)), numbers=False
    )
    return f"{markdown(made, facts, numbers=False)}\n\n{actions}"


def wanted(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """What is to be run: tasks, services."""
    task = scenario.task
    if task.count:
        yield "Tasks", f"{task.count}, arriving `{task.arrivals}`"
    for service in scenario.service:
        target = f"up to {service.highest_target}" if service.autoscaler else service.target
        yield "Service", f"{target} replicas to be ready, {service.extra} more on spot"


def asked(scenario: Scenario) -> str:
    """When a task, or a service's replicas, are asked again."""
    if scenario.service:
        (service, *_) = scenario.service
        every = f"all replicas in turn every {service.control_interval_s or scenario.decision_interval_s:g} s"
        return f"{every}, and when something happens to one" if service.looks_at_events else every
    every = f"every {scenario.decision_interval_s:g} s while it waits"
    if not scenario.reconsider_running:
        return every
    every += " or runs" if scenario.reconsider_on_spot else " or runs on on-demand"
    if scenario.ask_at_freed_room:
        return f"{every}; unless it is on spot, also when a full pool has room again"
    return f"{every}; on on-demand also when spot capacity grows" if scenario.reconsider_at_capacity else every


def placements(scenario: Scenario) -> Iterator[tuple[str, ...]]:
    """One row an action."""
    yield "0", "WAIT", "", "", ""
    for first, purchase in ((1, "SPOT"), (1 + len(scenario.pools), "ON_DEMAND")):
        for place, pool in enumerate(scenario.pools):
            usd = f"{pool.on_demand_usd_per_h:g}" if purchase == "ON_DEMAND" else spot_price(pool.price)
            yield str(first + place), f"{purchase} `{pool.name}`", f"`{pool.zone}`", f"`{pool.instance_type}`", usd


def spot_price(price: object) -> str:
    """A pool's spot price where it never changes, else where it comes from."""
    usd = getattr(price, "usd_per_h", None)
    return f"{usd:g}" if usd is not None else str(getattr(price, "source", "")).replace("_", "-")
