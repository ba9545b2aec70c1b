"""`tessera scenarios`: the presets, one scenario's values, and the reference of all that a scenario can say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tessera_env.cli.options import SCENARIO_HELP
from tessera_env.cli.output import fitted_text, print_text, refusing, terminal
from tessera_env.scenario.fields import scenario_fields, values_of
from tessera_env.scenario.loading import load_scenario, preset_names

# Longer values go on in the next line, which leaves room for the meaning.
WIDEST_CELL, WIDEST_CELL_ON_TERMINAL = 60, 28


@dataclass(frozen=True)
class ScenariosList:
    """The presets, with a sentence about each."""

    def run(self) -> None:
        """Print them."""
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column()
        for name in preset_names():
            table.add_row(name, load_scenario(name).description)
        print_text(fitted_text(table))


@dataclass(frozen=True)
class ScenariosShow:
    """A scenario's values beside the defaults, with unit and meaning.

    The sections are a TOML file's; `--set` takes section and name: task.count=200. [pools.*] is every pool, pools.0
    the first one. Of each choice, such as the source of prices, all members are listed; those that the scenario does
    not use have no value.

    Examples:
      tessera scenarios show classic
      tessera simulate --scenario classic --set pools.*.hazard.per_h=0.1
    """

    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME|FILE", help=SCENARIO_HELP)]

    def run(self) -> None:
        """Check the scenario, then print its values."""
        with refusing():
            scenario = load_scenario(self.name)
        sections = []
        for group in scenario_fields():
            values = values_of(scenario, group)
            remark = " (not used here)" if values is None and group.tag is not None else ""
            rows = [
                (row.name, values[row.key] if values else "", row.default, row.unit, row.meaning) for row in group.rows
            ]
            sections.append(Section(group.title + remark, group.meaning, rows))
        print_text(fitted_text(_laid_out(("name", "value", "default", "unit", "meaning"), sections)))


@dataclass(frozen=True)
class ScenariosFields:
    """Every value of a scenario: default, unit, what is allowed, and meaning.

    What a scenario's TOML file can say, and what `--set` can change with section and name: task.count=200. [pools.*]
    is every pool, pools.0 the first one.
    """

    def run(self) -> None:
        """Print them."""
        sections = [
            Section(
                group.title,
                group.meaning,
                [(row.name, row.default, row.unit, row.allowed, row.meaning) for row in group.rows],
            )
            for group in scenario_fields()
        ]
        print_text(fitted_text(_laid_out(("name", "default", "unit", "allowed", "meaning"), sections)))


@dataclass(frozen=True)
class Section:
    """Rows under a title."""

    title: str
    meaning: str
    rows: Sequence[tuple[str, ...]]


def _laid_out(headings: tuple[str, ...], sections: list[Section]) -> RenderableType:
    """A table a section, all with the same columns; the last column, the meaning, takes the room that is left."""
    cells = [headings, *(row for section in sections for row in section.rows)]
    widest = WIDEST_CELL if terminal()[0] is None else WIDEST_CELL_ON_TERMINAL
    widths = [min(widest, max(len(row[k]) for row in cells)) for k in range(len(headings) - 1)]
    parts: list[RenderableType] = [_table(widths, [headings], "bold")]
    for section in sections:
        parts += ["", Text.assemble((section.title, "bold"), "  " if section.title else "", section.meaning)]
        parts.append(_table(widths, section.rows))
    return Group(*parts)


def _table(widths: list[int], rows: Sequence[tuple[str, ...]], style: str = "") -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), expand=False)
    for width in widths:
        table.add_column(width=width, overflow="fold")
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row), style=style)
    return table
