"""`tessera traces`: which recorded markets there are, what they are like, what is wrong with one, and a copy of one."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import tyro
from rich.table import Table

from tessera_env.cli.output import InputError, print_text, refusing, terminal, write_all, writing
from tessera_env.files.numbers import exact
from tessera_env.files.problems import named
from tessera_env.files.writing import check_outputs, write_text
from tessera_env.recordings.bundled import BUNDLED, trace_path
from tessera_env.recordings.traces.parts import chosen_series
from tessera_env.recordings.traces.reading import problems_of_trace
from tessera_env.recordings.traces.series import HOUR_S, Polarity
from tessera_env.recordings.traces.statistics import statistics_of
from tessera_env.report.terminal import table_text
from tessera_env.report.trace_text import statistics_json, statistics_text
from tessera_env.scenario.fitting import Origin, fitted_toml
from tessera_env.scenario.loading import load_scenario

FIRST_SHOWN = 20

Trace = Annotated[
    str,
    tyro.conf.Positional,
    tyro.conf.arg(metavar="FILE|NAME", help="A .csv or .json file, or the name of a bundled trace."),
]
PolarityOption = Annotated[
    Polarity | None,
    tyro.conf.arg(
        metavar="MEANING",
        help="available or unavailable: what a 1 in a .json file means; a .csv file says it in its header.",
    ),
]
Zones = Annotated[
    str | None, tyro.conf.arg(metavar="NAME,...", help="Only these zones, separated by commas; none: all.")
]
FromHour = Annotated[float, tyro.conf.arg(metavar="H", help="From this hour of the trace on.")]
UntilHour = Annotated[float | None, tyro.conf.arg(metavar="H", help="Up to this hour of the trace; none: its end.")]


@dataclass(frozen=True)
class TracesList:
    """List the recorded markets inside the package, which any command takes by name."""

    def run(self) -> None:
        """Print a row a trace."""
        table = Table()
        table.add_column("trace", no_wrap=True)
        for heading in ("zones", "hours", "sample s"):
            table.add_column(heading, justify="right", no_wrap=True)
        for heading in ("licence", "source"):
            table.add_column(heading, no_wrap=True)
        for name, bundled in BUNDLED.items():
            series = chosen_series(name, None, None)
            hours = max(one.end_s for one in series) / HOUR_S
            figures = (str(len(series)), f"{hours:,.1f}", f"{series[0].sample_s:g}")
            table.add_row(name, *figures, bundled.licence, bundled.source)
        print_text(table_text(table, terminal()[1]))


@dataclass(frozen=True)
class TracesShow:
    """Show what a trace is like: time available, spells, losses, price, and how long spells last.

    A spell is a time with capacity (up) or without (down). The correlation is Pearson's, of a sample's price and
    whether the next sample has no capacity, over all samples with capacity.
    """

    trace: Trace

    zone: Zones = None

    polarity: PolarityOption = None

    from_h: FromHour = 0.0

    until_h: UntilHour = None

    output: Annotated[
        str | None, tyro.conf.arg(metavar="FILE", help="Write the survival of spells here, as an .html page.")
    ] = None

    json: Annotated[str | None, tyro.conf.arg(metavar="FILE", help="Write all figures and spells here.")] = None

    def run(self) -> None:
        """Check everything, then write and print."""
        if self.output is not None and not self.output.lower().endswith((".html", ".htm")):
            raise InputError(f"--output: must end in .html (got {named(self.output)})")
        with refusing():
            series = chosen_series(self.trace, self.polarity, self.zone, self.from_h, self.until_h)
            check_outputs({"output": self.output, "json": self.json}, [trace_path(self.trace)])
        statistics = [statistics_of(one) for one in series]
        writers: dict[str, Callable[[], None]] = {}
        if self.json is not None:
            writers[self.json] = partial(write_text, self.json, statistics_json(self.trace, statistics))
        if self.output is not None:
            # Plotly takes long to import, and only pages need it.
            from tessera_env.report.market.page import survival_page

            writers[self.output] = partial(write_text, self.output, survival_page(self.trace, statistics))
        failures = write_all(writers)
        print_text(statistics_text(statistics, *terminal()))
        if failures:
            raise InputError("\n".join(failures))


@dataclass(frozen=True)
class TracesFit:
    """Write a scenario that generates worlds like a trace.

    Each zone becomes a pool: its spells with and without capacity are drawn from the quantile functions of the complete
    ones in the trace, its price moves in steps as often and as far as the recorded one. A zone that was available all
    the time gets constant capacity. Comments in the file say what was fitted to what, and what is assumed.
    """

    trace: Trace

    zone: Zones = None

    polarity: PolarityOption = None

    on_demand: Annotated[
        float, tyro.conf.arg(metavar="USD", help="On-demand price of an instance, $/h; 3.06: AWS's p3.2xlarge.")
    ] = 3.06

    from_h: FromHour = 0.0

    until_h: Annotated[
        float | None,
        tyro.conf.arg(
            metavar="H", help="And up to this one; none: its end, or hour 700 of aws_v100_2023, kept for reporting."
        ),
    ] = None

    output: Annotated[str | None, tyro.conf.arg(metavar="FILE", help="Write here, a .toml file; none: print.")] = None

    def run(self) -> None:
        """Check everything, fit, then write."""
        if not 0.0 < self.on_demand <= 10_000.0:
            raise InputError(f"--on-demand: must be above 0 and at most 10000 (got {exact(self.on_demand)})")
        if self.output is not None and not self.output.endswith(".toml"):
            raise InputError(f"--output: must end in .toml, as scenarios do (got {named(self.output)})")
        until_h = self.until_h
        if until_h is None and self.trace in BUNDLED:
            until_h = BUNDLED[self.trace].split_h
        with refusing():
            series = chosen_series(self.trace, self.polarity, self.zone, self.from_h, until_h)
            check_outputs({"output": self.output}, [trace_path(self.trace)])
            end_h = self.from_h + max(one.end_s for one in series) / HOUR_S
            text = fitted_toml(series, Origin(self.trace, self.from_h, end_h), self.on_demand)
            load_scenario(tomllib.loads(text))  # such as a price of more than ten times on-demand
        if self.output is None:
            print_text(text)
            return
        writing(partial(write_text, self.output, text), self.output)
        print_text(f"{named(self.output)}: {_counted(len(series), 'pool')} fitted to {named(self.trace)}\n")


@dataclass(frozen=True)
class TracesCheck:
    """List every problem of a trace file by line or sample; exit code 1 if there is any.

    A .csv file has the header zone,time_s,spot_available,spot_price and a row for each change, a zone's in order of
    time from 0 s on: so many spot instances at so many $/h until its next row. With the file's last row all zones end;
    how long each zone's own last row was taken to hold is told. A .json file has one zone's samples:
    {"metadata": {"gap_seconds": 300}, "data": [1, 0, ...], "prices": [0.35, ...]}; prices may be left out.
    """

    trace: Trace

    polarity: PolarityOption = None

    all: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help=f"Show all problems, not the first {FIRST_SHOWN}.")
    ] = False

    def run(self) -> None:
        """Check and print; SystemExit(1) says that there are problems."""
        with refusing():
            problems = problems_of_trace(self.trace, self.polarity)
            summary = self._summary() if not problems else f"{named(self.trace)}: {_counted(len(problems), 'problem')}"
        shown = problems if self.all else problems[:FIRST_SHOWN]
        if len(shown) < len(problems):
            summary += f", the first {FIRST_SHOWN} shown (--all shows all)"
        print_text("\n".join([*shown, summary]) + "\n")
        if problems:
            raise SystemExit(1)

    def _summary(self) -> str:
        # Whatever a 1 means, there are as many zones, hours and change points.
        polarity = self.polarity or ("available" if self.trace.lower().endswith(".json") else None)
        series = chosen_series(self.trace, polarity, None)
        zones, points = len(series), sum(len(one.time_s) for one in series)
        hours = max(one.end_s for one in series) / HOUR_S
        size = f"{_counted(zones, 'zone')}, {hours:.1f} h, {_counted(points, 'change point')}"
        last = max(series, key=lambda one: one.held_h)
        where = f" in zone {named(last.name)}" if zones > 1 else ""
        return f"{named(self.trace)}: no problems: {size}; the last row holds {last.held_h:.2f} h{where}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
