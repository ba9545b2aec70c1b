"""The files that a run leaves, checked before it and written after it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tessera_env.evaluation.episodes import play_episode
from tessera_env.evaluation.experiment import Plan
from tessera_env.evaluation.results import Results
from tessera_env.files.writing import check_outputs
from tessera_env.report.event_log import episode_lines, write_events
from tessera_env.scenario.scenario import Scenario

ScenarioLike = str | Path | Mapping[str, Any] | Scenario


@dataclass(frozen=True)
class Outputs:
    """Files that a simulation leaves; None: not that one."""

    output: str | Path | None = None  # results as JSON, in the form of `tessera evaluate`
    html: str | Path | None = None  # the report
    log: str | Path | None = None  # the first world's events of every policy, as lines of JSON

    def check(self, scenario: ScenarioLike, loaded: Scenario) -> None:
        """Whether each can be written, overwrites no other, and nothing that is read.

        Raises:
            OSError: one line.
        """
        inputs = list(loaded.recording_paths)
        if isinstance(scenario, str | Path):
            inputs.append(str(scenario))
        check_outputs({"output": self.output, "html": self.html, "log": self.log}, inputs)

    def writers(self, planned: Plan, results: Results, command: str) -> dict[str, Callable[[], None]]:
        """How to write each file that is wanted, by its path."""
        writers: dict[str, Callable[[], None]] = {}
        if (output := self.output) is not None:
            writers[str(output)] = lambda: results.write_json(output)
        if (log := self.log) is not None:
            writers[str(log)] = lambda: write_events(log, first_world_events(planned))
        if (html := self.html) is not None:
            writers[str(html)] = lambda: _write_html(html, planned, results, command)
        return writers


def first_world_events(planned: Plan) -> Iterator[dict[str, Any]]:
    """The events of the first world, policy after policy; only one policy's are held at a time."""
    for label, policy in planned.policies.items():
        episode = play_episode(planned.scenario, policy, planned.seed, world=0)
        yield from episode_lines(planned.scenario, episode.log, episode.tasks, policy=label, seed=planned.seed, world=0)


def _write_html(path: str | Path, planned: Plan, results: Results, command: str) -> None:
    from tessera_env.report.html.report import write_report  # plotly takes a second to import, and few runs want it

    write_report(results, path, planned=planned, command=command)
