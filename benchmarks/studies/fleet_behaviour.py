"""What a trained fleet does that rules do not, from logged episodes; with `--picture`, one world under both.

`python -m benchmarks.studies.fleet_behaviour --picture docs/pictures/fleet-two-policies.png`
"""

import argparse
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from agents.worlds import report_scenario
from benchmarks.common import Report, check_least, machine, parser, telling
from tessera_env.evaluation.episodes import play_episode
from tessera_env.files.paths import expanded
from tessera_env.files.streams import take_any_text
from tessera_env.files.writing import check_outputs, write_bytes
from tessera_env.observation.layout import Layout
from tessera_env.policies import make_policy
from tessera_env.rendering.canvas import Canvas, Colour
from tessera_env.rendering.lives import read_lives
from tessera_env.rendering.style import FAINT, GRID, INK, WAITING, WHITE, WORK
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario
from tessera_env.simulation.episode import Episode

POLICIES = ("greedy", "yielding", "pretrained/fleet")
DRAWN = ("greedy", "pretrained/fleet")
WORLDS, SEED = 20, 1
PERIOD_H = 6.0
_STEPS_PER_H = 20

_WIDTH, _PANEL, _GAP = 1280, 250, 54  # pixels
_LEFT, _RIGHT, _TOP = 64.0, 1256.0, 92.0
_CAPACITY: Colour = (40, 120, 70)

NOTE = """\
{worlds} worlds of `{scenario}`{hours}, seed {seed}; means. Tasks on spot and on on-demand (in set-up or running) by
hours since the episode's start. Moves: of one's own, from one instance to another, which saves a task's work. Lost:
work, by interruptions. $: the objective."""


@dataclass(frozen=True)
class Course:
    """How many tasks are where, over an episode."""

    spot: np.ndarray  # (steps,)
    on_demand: np.ndarray  # (steps,)
    capacity: np.ndarray  # (steps,) spot instances that there are, in all pools
    episode: Episode


def course_of(episode: Episode, horizon_h: float) -> Course:
    """Counted at so many instants an hour."""
    times_s = (np.arange(round(horizon_h * _STEPS_PER_H)) + 0.5) * 3600.0 / _STEPS_PER_H
    counts = np.zeros((2, len(times_s)))
    for life in read_lives(episode.log):
        for stay in life.stays:
            counts[life.on_demand] += (stay.placed_s <= times_s) & (times_s < min(stay.left_s, life.end_s))
    capacity = np.zeros(len(times_s))
    for points in episode.market:
        capacity += points["capacity"][np.searchsorted(points["time_s"], times_s, side="right") - 1]
    return Course(counts[0], counts[1], capacity, episode)


def courses_of(scenario: Scenario, label: str, worlds: Sequence[int], seed: int) -> list[Course]:
    """A policy in these worlds of the seed."""
    policy = make_policy(label, Layout(len(scenario.pools)))
    return [course_of(play_episode(scenario, policy, seed, world), scenario.horizon_h) for world in worlds]


def table(scenario: Scenario, played: dict[str, list[Course]], seed: int) -> Report:
    """Where tasks are by time of the episode, and what is moved and lost."""
    edges = np.arange(0.0, scenario.horizon_h, PERIOD_H)
    periods = [f"{start:g}-{min(start + PERIOD_H, scenario.horizon_h):g}" for start in edges]
    rows = []
    for label, courses in played.items():
        for where in ("spot", "on_demand"):
            mean = np.mean([getattr(course, where) for course in courses], axis=0)
            parts = np.array_split(mean, len(edges))
            rows.append((label, where.replace("_", "-"), *(f"{part.mean():.1f}" for part in parts), "", "", ""))
        totals = [np.mean([one.episode.metrics[name] for one in courses]) for name in ("moves", "work_lost_h")]
        objective = np.mean([one.episode.metrics["objective_usd"] for one in courses])
        rows[-1] = (*rows[-1][:-3], *(f"{total:.1f}" for total in (*totals, objective)))
    hours = f", recorded hours from {scenario.market.from_h:g} on" if scenario.replays else ""
    worlds = len(next(iter(played.values())))
    note = NOTE.format(worlds=worlds, scenario=scenario.name, hours=hours, seed=seed)
    columns = ("policy", "tasks on", *periods, "moves", "lost h", "$")
    return Report("What the trained fleet does differently", note, columns, tuple(rows))


def picture(scenario: Scenario, courses: dict[str, Course]) -> np.ndarray:
    """A panel a policy: tasks on spot, on-demand above them, and the spot instances that there are."""
    highest = max(float(max((one.spot + one.on_demand).max(), one.capacity.max())) for one in courses.values())
    canvas = Canvas(_WIDTH, round(_TOP + len(courses) * (_PANEL + _GAP)), WHITE)
    canvas.text(_LEFT, 30.0, f"The same world of {scenario.name} under two policies: tasks that hold", 20.0, INK, "ls")
    x = _LEFT
    for words, colour in (("a spot instance", WORK), ("an on-demand instance", WAITING)):
        canvas.box((x, 46.0, x + 14.0, 60.0), colour)
        canvas.text(x + 20.0, 53.0, words, 14.0, INK)
        x += 190.0
    canvas.line([(x, 53.0), (x + 14.0, 53.0)], _CAPACITY, 2.0)
    canvas.text(x + 20.0, 53.0, "spot instances that there are", 14.0, INK)
    for k, (label, course) in enumerate(courses.items()):
        _draw_panel(canvas, _TOP + k * (_PANEL + _GAP), label, course, scenario.horizon_h, highest)
    return canvas.pixels()


def _draw_panel(canvas: Canvas, top: float, label: str, course: Course, horizon_h: float, highest: float) -> None:
    bottom, count = top + _PANEL, len(course.spot)
    xs = np.repeat(np.linspace(_LEFT, _RIGHT, count + 1), 2)[1:-1]

    def heights(values: np.ndarray) -> np.ndarray:
        return bottom - np.repeat(values, 2) * (_PANEL - 24.0) / highest

    total = heights(course.spot + course.on_demand)
    for upper, colour in ((total, WAITING), (heights(course.spot), WORK)):
        outline = np.concatenate([[[_LEFT, bottom]], np.column_stack([xs, upper]), [[_RIGHT, bottom]]])
        canvas.polygon(outline, colour)
    canvas.line(np.column_stack([xs, heights(course.capacity)]), _CAPACITY, 2.0)
    for hour in np.arange(0.0, horizon_h + 1.0, PERIOD_H):
        x = _LEFT + (_RIGHT - _LEFT) * hour / horizon_h
        canvas.line([(x, bottom), (x, bottom + 5.0)], FAINT)
        canvas.text(x, bottom + 15.0, f"{hour:g} h", 12.0, FAINT, "mm")
    for tasks in range(0, int(highest) + 1, 5):
        y = float(bottom - tasks * (_PANEL - 24.0) / highest)
        canvas.line([(_LEFT - 4.0, y), (_LEFT, y)], GRID)
        canvas.text(_LEFT - 8.0, y, f"{tasks}", 12.0, FAINT, "rm")
    metrics = course.episode.metrics
    words = f"{label}: {metrics['objective_usd']:,.0f} $, {metrics['on_demand_h']:.0f} h of on-demand"
    canvas.text(_LEFT, top - 4.0, words, 16.0, INK, "ls")


def command_line() -> argparse.ArgumentParser:
    """What can be asked for."""
    made = parser(__doc__)
    made.add_argument("--worlds", type=int, default=WORLDS, metavar="N", help=f"how many, {WORLDS}")
    made.add_argument("--world", type=int, default=0, metavar="N", help="the one that is drawn")
    made.add_argument("--picture", type=expanded, metavar="FILE", help="draw it as a PNG")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Play, print, draw."""
    take_any_text()
    made = command_line()
    given = made.parse_args(arguments)
    try:
        check_outputs({"--picture": given.picture})
        check_least("--worlds", given.worlds, 1)
        check_least("--world", given.world, 0)
    except (ValueError, OSError) as error:
        made.exit(2, f"{error}\n")
    scenario = report_scenario(load_scenario("fleet", **({"task.count": 10} if given.quick else {})))
    worlds = range(2 if given.quick else given.worlds)
    played = {label: courses_of(scenario, label, worlds, SEED) for label in POLICIES}
    table(scenario, played, SEED).print()
    print(machine())
    if given.picture:
        drawn = {label: courses_of(scenario, label, [given.world], SEED)[0] for label in DRAWN}
        stream = io.BytesIO()
        Image.fromarray(picture(scenario, drawn)).save(stream, format="PNG", optimize=True)
        with telling():
            write_bytes(given.picture, stream.getvalue())


if __name__ == "__main__":
    main()
