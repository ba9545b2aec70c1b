"""`tessera evaluate`: policies on the same worlds, with paired differences."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from tessera_env.cli.options import (
    Overrides,
    Policies,
    ReportFile,
    ResultsFile,
    ScenarioName,
    Threads,
    labels_of,
    overrides_of,
    shell_line,
)
from tessera_env.cli.output import InputError, print_notices, print_text, refusing, terminal, write_all
from tessera_env.evaluation.experiment import AUTO, Experiment, NoFloorError
from tessera_env.report.outputs import Outputs
from tessera_env.report.text import results_text
from tessera_env.report.workload_text import workload_lines


@dataclass(frozen=True)
class Evaluate:
    """Compare policies on the same worlds.

    Every policy plays the same episodes. The table shows each one's mean cost, its objective (cost and penalties in
    one figure) and the objective's paired difference to the baseline, with 95 % bootstrap intervals: one policy beats
    another only where the interval of the difference is clear of 0. --optimum adds what a clairvoyant would have paid,
    --bound what no policy's objective is below.
    """

    scenario: ScenarioName = "deadline-aws"

    policies: Policies = AUTO

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

    json: ResultsFile = None

    html: ReportFile = None

    accounts: Annotated[
        bool,
        tyro.conf.FlagCreatePairsOff,
        tyro.conf.arg(help="Let the JSON hold what each task cost, too: a line a task, world and policy."),
    ] = False

    optimum: Annotated[
        bool,
        tyro.conf.FlagCreatePairsOff,
        tyro.conf.arg(
            help="Add the row clairvoyant, the least cost that anyone could have paid who knew the world, and how much "
            "of the gap from uniform_progress to it each policy closes; for one task with a deadline on one pool. Or "
            "for one service about which is decided at ticks alone: that cost, never below the target, the gap from "
            "on_demand_only.",
        ),
    ] = False

    bound: Annotated[
        bool,
        tyro.conf.FlagCreatePairsOff,
        tyro.conf.arg(
            help="Add the row bound, a figure that no policy's objective is below, as is proven, and how much of the "
            "gap from greedy to it each policy closes; for up to 1,000 tasks on any pools, in about a second a world. "
            "Or for any services without tasks beside them, the gap from on_demand_only. Not with --optimum.",
        ),
    ] = False

    set: Overrides = ()

    threads: Threads = 1

    def run(self) -> None:
        """Check everything, then play, write and print."""
        outputs = Outputs(self.json, self.html, results_option="json")
        if self.accounts and self.json is None:
            raise InputError("accounts: nothing holds them (allowed: with --json FILE)")
        with refusing():
            prepared = self._asked().prepare()
            outputs.check(prepared)
        print_notices(workload_lines(prepared.scenario.recordings.played_rows))
        failures = []
        try:
            results = prepared.run()
        except NoFloorError as error:
            results, failures = error.results, [f"{error}; all else is as without it"]
        failures += write_all(outputs.writers(prepared, results, shell_line("evaluate", self)))
        print_text(results_text(results, *terminal()))
        if failures:
            raise InputError("\n".join(failures))

    def _asked(self) -> Experiment:
        return Experiment(
            self.scenario,
            labels_of(self.policies),
            self.episodes,
            self.seed,
            None if self.baseline == "none" else self.baseline,
            overrides=overrides_of(self.set),
            optimum=self.optimum,
            bound=self.bound,
            accounts=self.accounts,
            threads=self.threads,
            progress=True,
        )
