"""`tessera simulate`: what each policy would cost, as a table."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from tessera_env.cli.options import (
    OptionalNumber,
    OptionalWhole,
    Overrides,
    Policies,
    ScenarioName,
    Threads,
    labels_of,
    shell_line,
)
from tessera_env.cli.output import InputError, print_text, write_all
from tessera_env.evaluation.experiment import Plan, run
from tessera_env.jit.kernel import interpreting_first
from tessera_env.report.simulation_text import simulation_text
from tessera_env.scenario.loading import parse_override
from tessera_env.simulate import DEFAULT_POLICIES, Outputs, plan_simulation

_POLICIES = ",".join(DEFAULT_POLICIES)
# Where the engine has not been compiled yet, so many tasks are done sooner in plain Python: compiling takes
# half a minute. Decisions may be more than expected, so patience is bounded.
_FEW_TASKS, _PATIENCE_S = 1_000, 12.0

_OWN = "(default: the scenario's)"
_NOT_WRITTEN = "(default: not written)"


@dataclass(frozen=True)
class Simulate:
    """What would each policy cost?

    Every policy plays the same worlds. The table shows dollars, tasks done, preemptions, and checkpoints: of those
    decided at an interruption how many saved work, and the hours they saved (N/A: none was decided). Savings are
    against OnDemandOnly. With several episodes all figures are means with 95 % bootstrap intervals.

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

    policies: Policies = _POLICIES

    scenario: ScenarioName = "classic"

    seed: Annotated[int, tyro.conf.arg(metavar="N", help="Of the worlds; the same seed gives the same bytes.")] = 0

    episodes: Annotated[int, tyro.conf.arg(metavar="N", help="Worlds that every policy plays.")] = 1

    output: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="FILE",
            help="Write scenario, seed, versions and every episode's figures here as JSON.",
            help_behavior_hint=_NOT_WRITTEN,
        ),
    ] = None

    html: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="FILE",
            help="Write a report with charts here: one file that works offline.",
            help_behavior_hint=_NOT_WRITTEN,
        ),
    ] = None

    log: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="FILE",
            help="Write the first world's events here for every policy, a line of JSON each.",
            help_behavior_hint=_NOT_WRITTEN,
        ),
    ] = None

    set: Overrides = ()

    threads: Threads = 1

    def run(self) -> None:
        """Check everything, then play, write and print; a file that cannot be written does not take the rest along."""
        outputs = Outputs(self.output, self.html, self.log)
        planned = self._checked(outputs)
        is_short = self.threads == 1 and self.episodes * planned.scenario.task.count <= _FEW_TASKS
        with interpreting_first(_PATIENCE_S if is_short else 0.0):
            results = run(planned, progress=True)
            failures = write_all(outputs.writers(planned, results, shell_line("simulate", self)))
        print_text(simulation_text(results))
        if failures:
            raise InputError("\n".join(failures))

    def _checked(self, outputs: Outputs) -> Plan:
        try:
            planned = plan_simulation(
                self.duration,
                self.tasks,
                labels_of(self.policies),
                self.scenario,
                self.seed,
                self.episodes,
                threads=self.threads,
                overrides=dict(parse_override(text) for text in self.set),
            )
            outputs.check(self.scenario, planned.scenario)
        except (ValueError, OSError) as error:
            raise InputError(str(error)) from None
        return planned
