"""`tessera evaluate`: policies on the same worlds, with paired differences."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import tyro

from tessera_env.cli.options import Overrides, Policies, ScenarioName, Threads, labels_of, shell_line
from tessera_env.cli.output import InputError, print_text, terminal, write_all
from tessera_env.evaluation.experiment import AUTO, DEFAULT_POLICIES, Plan, plan, run
from tessera_env.evaluation.results import Results
from tessera_env.files.writing import check_outputs
from tessera_env.report.text import results_text
from tessera_env.scenario.loading import parse_override

_POLICIES = ",".join(DEFAULT_POLICIES)


@dataclass(frozen=True)
class Evaluate:
    """Compare policies on the same worlds.

    Every policy plays the same episodes. The table shows each one's mean cost and the paired difference to the
    baseline, with 95 % bootstrap intervals: one policy beats another only where the interval of the difference is
    clear of 0. --optimum adds what a clairvoyant would have paid.
    """

    scenario: ScenarioName = "deadline-aws"

    policies: Policies = _POLICIES

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

    html: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="FILE", help="Write a report with charts here: one file that works offline; replaced at the end."
        ),
    ] = None

    optimum: Annotated[
        bool,
        tyro.conf.FlagCreatePairsOff,
        tyro.conf.arg(
            help="Add the row clairvoyant, the least cost that anyone could have paid who knew the world, and how much "
            "of the gap from uniform_progress to it each policy closes; for one job with a deadline on one pool.",
        ),
    ] = False

    set: Overrides = ()

    threads: Threads = 1

    def run(self) -> None:
        """Check everything, then play, write and print."""
        try:
            planned = plan(
                self.scenario,
                labels_of(self.policies),
                self.episodes,
                self.seed,
                None if self.baseline == "none" else self.baseline,
                threads=self.threads,
                overrides=dict(parse_override(text) for text in self.set),
                optimum=self.optimum,
            )
            check_outputs({"json": self.json, "html": self.html}, [self.scenario, *planned.scenario.recording_paths])
        except (ValueError, OSError) as error:
            raise InputError(str(error)) from None
        results = run(planned, progress=True)
        failures = write_all(self._writers(planned, results))
        print_text(results_text(results, *terminal()))
        if failures:
            raise InputError("\n".join(failures))

    def _writers(self, planned: Plan, results: Results) -> dict[str, Callable[[], None]]:
        """How to write each file that is wanted, by its path."""
        writers: dict[str, Callable[[], None]] = {}
        if self.json is not None:
            writers[self.json] = partial(results.write_json, self.json)
        if self.html is not None:
            writers[self.html] = partial(self._write_html, self.html, planned, results)
        return writers

    def _write_html(self, path: str, planned: Plan, results: Results) -> None:
        from tessera_env.report.html.report import write_report  # plotly takes a second to import, and few runs want it

        write_report(results, path, planned=planned, command=shell_line("evaluate", self))
