"""`tessera simulate`: what each policy would cost, as a table."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from tessera_env.cli.options import (
    LogFile,
    OptionalNumber,
    OptionalWhole,
    Overrides,
    Policies,
    ReportFile,
    ResultsFile,
    ScenarioName,
    TasksFile,
    Threads,
    labels_of,
    overrides_of,
    shell_line,
)
from tessera_env.cli.output import InputError, print_notices, print_text, refusing, write_all
from tessera_env.evaluation.experiment import AUTO, Experiment
from tessera_env.report.outputs import Outputs
from tessera_env.report.simulation_text import simulation_text
from tessera_env.report.workload_text import workload_lines
from tessera_env.simulate import as_simulation

_OWN = "(default: the scenario's)"


@dataclass(frozen=True)
class Simulate:
    """What would each policy cost?

    Every policy plays the same worlds. The table shows dollars, the objective (dollars, and penalties for what was
    late, left undone or down), tasks done, preemptions, and checkpoints: of those decided at an interruption how many
    saved work, and the hours they saved (N/A: none was decided). Savings are in dollars against OnDemandOnly. With
    several episodes all figures are means with 95 % bootstrap intervals.

    Examples:
      tessera simulate --duration 48 --tasks 100
      tessera simulate --scenario fleet --episodes 50 --html report.html
      tessera simulate --policies greedy,on_demand_fallback:count=3,on_demand_only --log events.jsonl
    """

    duration: Annotated[
        OptionalNumber,
        tyro.conf.arg(metavar="HOURS", help="An episode ends after this at the latest.", help_behavior_hint=_OWN),
    ] = None

    tasks: Annotated[
        OptionalWhole,
        tyro.conf.arg(
            metavar="N",
            help="Tasks of an episode; at most, where the scenario draws their arrivals.",
            help_behavior_hint=_OWN,
        ),
    ] = None

    policies: Policies = AUTO

    scenario: ScenarioName = "classic"

    seed: Annotated[int, tyro.conf.arg(metavar="N", help="Of the worlds; the same seed gives the same bytes.")] = 0

    episodes: Annotated[int, tyro.conf.arg(metavar="N", help="Worlds that every policy plays.")] = 1

    output: ResultsFile = None

    html: ReportFile = None

    log: LogFile = None

    tasks_output: TasksFile = None

    set: Overrides = ()

    threads: Threads = 1

    def run(self) -> None:
        """Check everything, then play, write and print; a file that cannot be written does not take the rest along."""
        outputs = Outputs(self.output, self.html, self.log, self.tasks_output)
        with refusing():
            prepared = as_simulation(self._asked(), self.duration, self.tasks).prepare()
            outputs.check(prepared)
        print_notices(workload_lines(prepared.scenario.recordings.played_rows))
        results = prepared.run()
        failures = write_all(outputs.writers(prepared, results, shell_line("simulate", self)))
        print_text(simulation_text(results))
        if failures:
            raise InputError("\n".join(failures))

    def _asked(self) -> Experiment:
        return Experiment(
            self.scenario,
            labels_of(self.policies),
            self.episodes,
            self.seed,
            overrides=overrides_of(self.set),
            accounts=self.tasks_output is not None,
            threads=self.threads,
            progress=True,
        )
