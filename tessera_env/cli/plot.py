"""`tessera plot`: the spot market of a world or of a trace as an interactive page or a picture."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import tyro

from tessera_env.cli.options import Overrides, ScenarioName, overrides_of
from tessera_env.cli.output import InputError, print_text, refusing, writing
from tessera_env.files.problems import named
from tessera_env.files.writing import check_outputs, write_bytes, write_text
from tessera_env.recordings.bundled import trace_path
from tessera_env.recordings.traces.parts import chosen_series
from tessera_env.recordings.traces.series import Polarity
from tessera_env.scenario.loading import load_scenario

_MOST_SEED, _MOST_WORLD = 2**64 - 1, 2**32 - 1
_ENDINGS = (".html", ".htm", ".png")


@dataclass(frozen=True)
class Plot:
    """Draw a spot market: price and interruption risk over time, capacity where it changes.

    The page works without a network: hover for exact values, drag the slider for a part of the time, click a name to
    hide a pool. Risk is that of lifetimes, in % of the instances an hour; what a loss of capacity takes is seen in the
    lanes of capacity. Where risk depends on an instance's age, it has a chart of its own.
    """

    scenario: ScenarioName = "classic"

    output: Annotated[
        str, tyro.conf.arg(metavar="FILE", help="An .html page, or a .png picture, which needs no browser.")
    ] = "spot_behavior.html"

    seed: Annotated[int, tyro.conf.arg(metavar="N", help="Of the worlds; each seed has its own.")] = 0

    world: Annotated[int, tyro.conf.arg(metavar="N", help="Which of the seed's worlds.")] = 0

    set: Overrides = ()

    trace: Annotated[
        str | None,
        tyro.conf.arg(metavar="FILE|NAME", help="Draw this trace: a .csv or .json file, or a bundled one's name."),
    ] = None

    polarity: Annotated[
        Polarity | None,
        tyro.conf.arg(
            metavar="MEANING",
            help="available or unavailable: what a 1 in a .json trace means; a .csv trace says it in its header.",
        ),
    ] = None

    zone: Annotated[str | None, tyro.conf.arg(metavar="NAME,...", help="Only these zones of the trace; none: all.")] = (
        None
    )

    def run(self) -> None:
        """Check everything, then draw and write."""
        # Drawing libraries take long to import, and the command line must not need them for its other commands.
        from tessera_env.report.market.curves import Market, trace_market, world_market

        market: Market
        self._check()
        with refusing():
            if self.trace is not None:
                series = chosen_series(self.trace, self.polarity, self.zone)
                check_outputs({"output": self.output}, [trace_path(self.trace)])
                market = trace_market(Path(self.trace).name, series)
            else:
                scenario = load_scenario(self.scenario, **overrides_of(self.set))
                check_outputs({"output": self.output}, [self.scenario, *scenario.recording_paths])
                market = world_market(scenario, self.seed, self.world)
        if self.output.lower().endswith(".png"):
            from tessera_env.report.market.picture import market_png

            writing(partial(write_bytes, self.output, market_png(market)), self.output)
        else:
            from tessera_env.report.market.page import market_page

            writing(partial(write_text, self.output, market_page(market)), self.output)
        print_text(f"{named(self.output)}: {market.title}\n")

    def _check(self) -> None:
        """Raises InputError for options that cannot be, or not together."""
        if not self.output.lower().endswith(_ENDINGS):
            raise InputError(f"--output: must end in .html or .png (got {named(self.output)})")
        for name, value, most in (("seed", self.seed, _MOST_SEED), ("world", self.world, _MOST_WORLD)):
            if not 0 <= value <= most:
                raise InputError(f"--{name}: must be 0 to {most} (got {value})")
        if self.trace is None and (self.zone is not None or self.polarity is not None):
            raise InputError("--zone, --polarity: must not be given without --trace")
        if self.trace is not None and (self.set or self.seed or self.world):
            raise InputError("--set, --seed, --world: must not be given with --trace, which is drawn as it is")
