"""The files that a run leaves, checked before it and written after it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tessera_env.evaluation.episodes import play_episode
from tessera_env.evaluation.experiment import Prepared
from tessera_env.evaluation.results import Results
from tessera_env.files.writing import check_outputs
from tessera_env.report.event_log import episode_lines, write_events
from tessera_env.report.task_file import write_tasks


@dataclass(frozen=True)
class Outputs:
    """Files that a run leaves; None: not that one."""

    results: str | Path | None = None  # every episode's figures as JSON
    html: str | Path | None = None  # the report
    log: str | Path | None = None  # the first world's events of every policy, as lines of JSON
    tasks: str | Path | None = None  # what each task cost, in every world under every policy, as CSV
    results_option: str = "output"  # what asks for the results' file, as errors name it

    def check(self, prepared: Prepared) -> None:
        """Whether each can be written, overwrites no other, and nothing that is read.

        Raises:
            OSError: one line.
        """
        inputs = list(prepared.scenario.recording_paths)
        if isinstance(prepared.experiment.scenario, str | Path):
            inputs.append(str(prepared.experiment.scenario))
        files = {self.results_option: self.results, "html": self.html, "log": self.log, "tasks_output": self.tasks}
        check_outputs(files, inputs)

    def writers(self, prepared: Prepared, results: Results, command: str) -> dict[str, Callable[[], None]]:
        """How to write each file that is wanted, by its path; the report says that `command` made it."""
        writers: dict[str, Callable[[], None]] = {}
        if (path := self.results) is not None:
            # A million tasks are too many for JSON, and no news beside a file of their own.
            writers[str(path)] = lambda: results.write_json(path, accounts=self.tasks is None)
        if (tasks := self.tasks) is not None:
            assert results.accounts is not None, "an experiment keeps accounts if they are to be written"
            writers[str(tasks)] = partial(write_tasks, tasks, results.accounts)
        if (log := self.log) is not None:
            writers[str(log)] = lambda: write_events(log, first_world_events(prepared))
        if (html := self.html) is not None:
            writers[str(html)] = lambda: _write_html(html, prepared, results, command)
        return writers

    def write(self, prepared: Prepared, results: Results, command: str) -> None:
        """Write each file that is wanted.

        Raises:
            OSError: one cannot be written; its old content, if any, is untouched.
        """
        for write in self.writers(prepared, results, command).values():
            write()


def first_world_events(prepared: Prepared) -> Iterator[dict[str, Any]]:
    """The events of the first world, policy after policy; only one policy's are held at a time."""
    scenario, seed, planner = prepared.scenario, prepared.experiment.seed, prepared.experiment.planner
    for label, policy in prepared.policies.items():
        episode = play_episode(scenario, policy, seed, world=0, planner=planner)
        yield from episode_lines(scenario, episode.log, episode.tasks, policy=label, seed=seed, world=0)


def _write_html(path: str | Path, prepared: Prepared, results: Results, command: str) -> None:
    from tessera_env.report.html.report import write_report  # plotly takes a second to import, and few runs want it

    write_report(results, path, prepared=prepared, command=command)
