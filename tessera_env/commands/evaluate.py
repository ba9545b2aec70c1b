"""`tessera evaluate`: policies on the same worlds, with paired differences."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import tyro

from tessera_env.commands.output import InputError, print_text, terminal, writing
from tessera_env.evaluation import AUTO, DEFAULT_POLICIES, plan, run
from tessera_env.files import check_writable
from tessera_env.policies import POLICIES
from tessera_env.report import results_text
from tessera_env.scenario_files import parse_override, preset_names


@dataclass(frozen=True)
class Evaluate:
    """Compare policies on the same worlds.

    Every policy plays the same episodes. The table shows each one's mean cost and the paired difference to the
    baseline, with 95 % bootstrap intervals: one policy beats another only where the interval of the difference is
    clear of 0.
    """

    scenario: Annotated[
        str,
        tyro.conf.arg(
            metavar="NAME|FILE", help=f"A preset ({', '.join(preset_names())}) or the path of a scenario's TOML file."
        ),
    ] = "deadline-aws"

    policies: Annotated[
        str,
        tyro.conf.arg(
            metavar="NAME|FOLDER,...",
            help=f"Separated by commas: {', '.join(POLICIES)}, or folders of exported policies such as runs/latest. "
            "Options follow a colon: on_demand_fallback:count=3.",
        ),
    ] = ",".join(DEFAULT_POLICIES)

    episodes: Annotated[int, tyro.conf.arg(metavar="N", help="Worlds that every policy plays.")] = 200

    seed: Annotated[
        int, tyro.conf.arg(metavar="N", help="Of the worlds and of the bootstrap; the same seed gives the same bytes.")
    ] = 1

    baseline: Annotated[
        str,
        tyro.conf.arg(
            metavar="NAME",
            help="One of the policies, which the others are compared with in each world; none: no comparison; "
            "auto: greedy if it is evaluated, else the first policy.",
        ),
    ] = AUTO

    json: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="FILE", help="Write scenario, seed, versions and every episode's figures here; replaced at the end."
        ),
    ] = None

    set: Annotated[
        tuple[str, ...],
        tyro.conf.UseAppendAction,
        tyro.conf.arg(metavar="KEY=VALUE", help="Change one value of the scenario, such as task.deadline_h=70."),
    ] = ()

    threads: Annotated[
        int, tyro.conf.arg(metavar="N", help="Threads that advance the worlds; any number gives the same results.")
    ] = 1

    def run(self) -> None:
        """Check everything, then play, write and print."""
        try:
            planned = plan(
                self.scenario,
                [name.strip() for name in self.policies.split(",")],
                self.episodes,
                self.seed,
                None if self.baseline == "none" else self.baseline,
                threads=self.threads,
                overrides=dict(parse_override(text) for text in self.set),
            )
            if self.json is not None:
                check_writable(self.json)
        except (ValueError, OSError) as error:
            raise InputError(str(error)) from None
        results = run(planned, progress=True)
        if self.json is not None:
            writing(partial(results.write_json, self.json), self.json)
        print_text(results_text(results, *terminal()))
