"""Pictures and lines of an episode: what is read from the log, where it is drawn, and that looking changes nothing."""

import math
import re
import warnings
from itertools import combinations, pairwise

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from tessera_env import ENVIRONMENTS
from tessera_env.engine.kinds import AskReason, CheckpointPlan, LogKind
from tessera_env.engine.log import columns_of
from tessera_env.engine.state import LOG, TASK
from tessera_env.env import TesseraEnv
from tessera_env.policies import Random, make_policy
from tessera_env.rendering import style
from tessera_env.rendering.ansi import ansi_lines
from tessera_env.rendering.axis import Axis
from tessera_env.rendering.canvas import Canvas, mixed, shortened, text_width
from tessera_env.rendering.curves import (
    Curve,
    arrived_work_curve,
    spells_without_capacity,
    waiting_curve,
    work_done_curve,
)
from tessera_env.rendering.gantt import gantt_image
from tessera_env.rendering.lanes import Lane, make_lanes, most_rows
from tessera_env.rendering.lives import Life, Phase, Stay, packed, read_lives
from tessera_env.rendering.panels import panel_boxes
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario
from tessera_env.world.parameters import FOR_DISPLACED, NONE, UNLIMITED

COLUMNS = {"task": NONE, "launch": NONE, "pool": NONE, "on_demand": NONE, "value": 0.0, "other": 0.0}
SPOT_0 = {"launch": 0, "pool": 0, "on_demand": 0}
ON_DEMAND_1 = {"launch": 1, "pool": 1, "on_demand": 1}
POOL = {
    "zone": "z",
    "instance_type": "t",
    "gpu_memory_mb": 16_000,
    "on_demand_usd_per_h": 1.0,
    "price": {"source": "constant", "usd_per_h": 0.3},
}


def entry(time_s: float, kind: LogKind, **columns: float) -> tuple[float, ...]:
    """A LOG record as a tuple."""
    return time_s, int(kind), *(columns.get(name, default) for name, default in COLUMNS.items())


def log_of(*entries: tuple[float, ...]) -> np.ndarray:
    return np.array(list(entries), dtype=LOG)


def scenario_of(task_count: int = 2, horizon_h: float = 0.5) -> Scenario:
    task = {"count": task_count, "work_h": 0.1}
    pools = [POOL | {"name": "east"}, POOL | {"name": "west"}]
    return load_scenario(
        {"horizon_h": horizon_h, "decision_interval_s": 60, "notice_s": 120, "task": task, "pools": pools}
    )


def tasks_of(*works_s: float, deadline_s: float = math.inf) -> np.ndarray:
    tasks = np.zeros(len(works_s), dtype=TASK)
    tasks["work_s"] = works_s
    tasks["deadline_s"] = deadline_s
    return tasks


# Task 0 on spot: launched at 10, billed from 40, set up at 100, running from 110; done at 510. The instance is idle
# until task 1 comes at 600, loads for 5 s and is interrupted at 800: of its 195 s it keeps 150. Gone at 920.
# Task 1 goes on-demand, billed at once: set up at 860, running from 870 until it is done, late, at 1,200.
EPISODE = log_of(
    entry(10, LogKind.ARRIVAL, task=0),
    entry(10, LogKind.DECISION, task=0, value=1, other=AskReason.ARRIVAL),
    entry(10, LogKind.LAUNCH, **SPOT_0, value=40, other=100),
    entry(10, LogKind.PLACE, task=0, **SPOT_0, value=110),
    entry(500, LogKind.ARRIVAL, task=1),
    entry(510, LogKind.STOP, task=0, **SPOT_0, value=400, other=0),
    entry(510, LogKind.COMPLETION, task=0, **SPOT_0),
    entry(510, LogKind.IDLE, **SPOT_0),
    entry(600, LogKind.DECISION, task=1, value=1, other=AskReason.RETRY),
    entry(600, LogKind.PLACE, task=1, **SPOT_0, value=605),
    entry(800, LogKind.CAPACITY, pool=0, value=0),
    entry(800, LogKind.NOTICE, task=1, **SPOT_0, value=920),
    entry(800, LogKind.CHECKPOINT, task=1, **SPOT_0, value=CheckpointPlan.PARTIAL, other=150),
    entry(800, LogKind.STOP, task=1, **SPOT_0, value=150, other=45),
    entry(800, LogKind.LAUNCH, **ON_DEMAND_1, value=800, other=860),
    entry(800, LogKind.PLACE, task=1, **ON_DEMAND_1, value=870),
    entry(920, LogKind.END, **SPOT_0, value=1.25, other=920),
    entry(1_000, LogKind.CAPACITY, pool=0, value=2),
    entry(1_200, LogKind.STOP, task=1, **ON_DEMAND_1, value=480, other=0),
    entry(1_200, LogKind.COMPLETION, task=1, **ON_DEMAND_1),
    entry(1_200, LogKind.MISSED, task=1),
    entry(1_200, LogKind.END, **ON_DEMAND_1, value=2.0, other=1_200),
)
TASKS = tasks_of(400.0, 480.0)


def until(time_s: float) -> np.ndarray:
    """The episode's log as it was at a time."""
    return EPISODE[EPISODE["time_s"] <= time_s]


class TestLives:
    """Instances' lives, read from a log."""

    def test_a_life_in_segments(self) -> None:
        spot, on_demand = read_lives(EPISODE)
        assert spot.segments(1_200) == [
            (10, 40, Phase.LAUNCHING, 0),
            (40, 110, Phase.SETUP, 0),
            (110, 510, Phase.RUNNING, 0),
            (510, 600, Phase.IDLE, NONE),
            (600, 605, Phase.SETUP, 1),
            (605, 800, Phase.RUNNING, 1),
            (800, 920, Phase.NOTICED, NONE),
        ]
        assert on_demand.segments(1_200) == [(800, 870, Phase.SETUP, 1), (870, 1_200, Phase.RUNNING, 1)]

    @pytest.mark.parametrize("now_s", [10, 25, 40, 70, 110, 300, 510, 555, 602, 700, 800, 850, 920, 1_100])
    def test_the_past_does_not_depend_on_when_one_looks(self, now_s: float) -> None:
        """The log up to now, cut at now, says what the whole log says of that time."""
        then = [life.segments(now_s) for life in read_lives(until(now_s))]
        assert then == [life.segments(now_s) for life in read_lives(EPISODE)][: len(then)]
        assert all(segments == [] or segments[-1].end_s <= now_s for segments in then)

    def test_what_happened(self) -> None:
        spot, on_demand = read_lives(EPISODE)
        assert (spot.notice_s, spot.end_s, on_demand.notice_s, on_demand.end_s) == (800, 920, math.inf, 1_200)
        stays = [*spot.stays, *on_demand.stays]
        assert [stay.completed for stay in stays] == [True, False, True]
        assert [stay.late for stay in stays] == [False, False, True]

    def test_a_task_that_is_missed_unfinished_is_not_done_late(self) -> None:
        log = log_of(
            entry(0, LogKind.LAUNCH, **SPOT_0, value=0, other=0),
            entry(0, LogKind.PLACE, task=0, **SPOT_0, value=0),
            entry(90, LogKind.STOP, task=0, **SPOT_0, value=90),
            entry(90, LogKind.MISSED, task=0),
            entry(90, LogKind.MISSED, task=1),
        )
        (life,) = read_lives(log)
        assert not life.stays[0].completed
        assert not life.stays[0].late

    def test_a_task_that_is_paused_in_set_up_leaves_it_to_the_instance(self) -> None:
        life = Life(0, 0, 0.0, 20.0, 100.0, stays=[Stay(3, 0.0, 110.0, left_s=60.0)])
        assert life.segments(150.0) == [
            (0, 20, Phase.LAUNCHING, 3),
            (20, 60, Phase.SETUP, 3),
            (60, 100, Phase.SETUP, NONE),
            (100, 150, Phase.IDLE, NONE),
        ]

    def test_no_instance(self) -> None:
        assert read_lives(log_of()) == []
        assert packed([]) == []

    def test_rows_are_as_many_as_are_held_at_once(self) -> None:
        """The lowest free row is taken; who is released at an instant makes room for who is launched then."""
        spans = [(0, 50), (10, 30), (20, 40), (30, 60), (35, 35), (45, 70), (50, math.inf)]
        lives = [Life(0, 0, start, start, start, end_s=end) for start, end in spans]
        rows = [[(life.launch_s, life.end_s) for life in row] for row in packed(lives)]
        assert rows == [[(0, 50), (50, math.inf)], [(10, 30), (30, 60)], [(20, 40), (45, 70)]]

    def test_rows_of_random_lives(self) -> None:
        random = np.random.default_rng(1)
        for _ in range(20):
            starts = np.sort(random.integers(0, 50, 40))
            ends = starts + random.integers(0, 12, 40)
            lives = [
                Life(0, 0, float(a), float(a), float(a), end_s=float(b)) for a, b in zip(starts, ends, strict=True)
            ]
            rows = packed(lives)
            for row in rows:
                assert all(one.end_s <= other.launch_s for one, other in pairwise(row))
            assert sum(map(len, rows)) == np.count_nonzero(ends > starts)
            assert len(rows) == max(np.count_nonzero((starts <= time_s) & (time_s < ends)) for time_s in range(70))


def at(curve: Curve, time_s: float) -> float:
    """A curve's value just after a time."""
    return float(np.interp(time_s + 1e-6, curve.times_s, curve.values))


class TestCurves:
    """Counts over time, read from a log."""

    def test_waiting_tasks(self) -> None:
        """Task 1 waits from 500 to 600; at 10 and 800 a task is placed in the instant in which it waited."""
        curve = waiting_curve(EPISODE, 1_200.0)
        assert curve.times_s.tolist()[0] == 0.0
        assert curve.times_s.tolist()[-1] == 1_200.0
        assert (np.diff(curve.times_s) >= 0).all()
        assert [at(curve, time_s) for time_s in (5, 10, 499, 500, 599, 600, 800, 1_190)] == [0, 0, 0, 1, 1, 0, 0, 0]
        assert curve.values.max() == 1.0

    def test_waiting_now(self) -> None:
        assert waiting_curve(until(555.0), 555.0).values[-1] == 1.0

    def test_arrived_work(self) -> None:
        curve = arrived_work_curve(EPISODE, TASKS, 1_200.0)
        assert [at(curve, time_s) for time_s in (5, 10, 499, 500, 1_190)] == [0, 400, 400, 880, 880]

    def test_work_done_falls_where_work_is_lost(self) -> None:
        curve = work_done_curve(read_lives(EPISODE), 1_200.0)
        times_s = (105, 210, 510, 604, 700, 799, 800, 870, 900)
        done_s = (0, 100, 400, 400, 495, 594, 550, 550, 580)
        assert [at(curve, time_s) for time_s in times_s] == pytest.approx(done_s, abs=1e-3)
        assert curve.values[-1] == pytest.approx(880.0)

    def test_work_done_now(self) -> None:
        assert work_done_curve(read_lives(until(300.0)), 300.0).values[-1] == pytest.approx(190.0)
        assert work_done_curve(read_lives(until(50.0)), 50.0).values[-1] == 0.0

    def test_when_there_was_no_spot(self) -> None:
        assert spells_without_capacity(EPISODE, [2, 0], 1_200.0) == [[(800.0, 1_000.0)], [(0.0, 1_200.0)]]
        assert spells_without_capacity(until(900.0), [2, 2], 900.0) == [[(800.0, 900.0)], []]

    def test_a_change_between_capacities_is_no_spell(self) -> None:
        changes = [(10, 3), (20, 1), (30, 0), (40, 0), (50, 2), (60, 0), (65, 4)]
        log = log_of(*(entry(time_s, LogKind.CAPACITY, pool=0, value=count) for time_s, count in changes))
        assert spells_without_capacity(log, [2], 100.0) == [[(30.0, 50.0), (60.0, 65.0)]]


def lives_held(count: int, pool: int = 0, on_demand: int = 0) -> list[Life]:
    return [Life(pool, on_demand, 0.0, 0.0, 0.0) for _ in range(count)]


class TestLayout:
    """Where lanes, panels and hours stand."""

    @pytest.mark.parametrize(("pools", "held"), [(1, 0), (1, 1), (1, 900), (9, 0), (9, 12), (9, 200), (64, 1), (64, 5)])
    def test_all_lanes_have_room(self, pools: int, held: int) -> None:
        lives = [life for pool in range(pools) for on_demand in (0, 1) for life in lives_held(held, pool, on_demand)]
        lanes = make_lanes(pools, lives)
        assert [(lane.pool, lane.on_demand) for lane in lanes] == [(p, d) for p in range(pools) for d in (0, 1)]
        assert lanes[0].top == style.TOP
        assert all(above.bottom < below.top for above, below in pairwise(lanes))
        assert min(lane.row_height for lane in lanes) >= 2.0
        assert all(1 <= lane.shown <= max(1, held) for lane in lanes)
        upper, lower = panel_boxes(lanes)
        assert lanes[-1].bottom < upper[1] < upper[3] < lower[1] < lower[3] == style.BOTTOM
        assert upper[3] - upper[1] >= 30.0
        assert lower[3] - lower[1] >= 30.0

    def test_rows_are_cut_off_only_where_there_is_no_room(self) -> None:
        lanes = make_lanes(2, lives_held(300) + lives_held(5, pool=1, on_demand=1))
        assert [lane.shown < len(lane.rows) for lane in lanes] == [True, False, False, False]
        assert [lane.shown for lane in lanes[1:]] == [1, 1, 5]

    def test_most_rows(self) -> None:
        assert most_rows([0, 3, 10], 20.0) == 10  # a lane without instances takes a row too
        assert most_rows([0, 3, 10], 13.9) == 9
        assert most_rows([0, 3, 10], 7.0) == 3
        assert most_rows([8, 8, 8], 2.0) == 1
        assert most_rows([0, 0], 50.0) == 1

    @pytest.mark.parametrize(
        ("horizon_h", "step_h"), [(48, 3), (96, 6), (30, 2), (6, 0.5), (1, 1 / 12), (0.1, 1 / 60), (1e6, 1e5)]
    )
    def test_hours(self, horizon_h: float, step_h: float) -> None:
        ticks = Axis(horizon_h * 3600.0, 0.0).ticks_h()
        assert ticks[0] == 0.0
        assert np.diff(ticks) == pytest.approx(step_h)
        assert horizon_h - step_h < ticks[-1] <= horizon_h * (1 + 1e-9)
        assert len(ticks) <= 17

    def test_text_is_cut_off_where_it_is_too_long(self) -> None:
        assert shortened("us-east-1a", 13.0, 200.0) == "us-east-1a"
        cut = shortened("a-very-long-name-of-a-pool", 13.0, 80.0)
        assert cut.endswith("…")
        assert text_width(cut, 13.0) <= 80.0 < text_width("a-very-long-name-of-a-pool", 13.0)


class TestCanvas:
    """Shapes at their places, in their colours."""

    def test_shapes(self) -> None:
        canvas = Canvas(40, 20, style.WHITE)
        canvas.box((2, 3, 10, 8), style.INK)
        canvas.frame((20, 3, 30, 10), style.ALARM)
        pixels = canvas.pixels()
        assert pixels.shape == (20, 40, 3)
        assert (pixels[3:8, 2:10] == style.INK).all()
        assert (pixels[4:9, 21:29] == style.WHITE).all()
        assert (pixels[3, 20:30] == style.ALARM).all()
        assert (pixels[9, 20:30] == style.ALARM).all()
        pixels[3:8, 2:10] = pixels[3:10, 20:30] = style.WHITE
        assert (pixels == style.WHITE).all()

    def test_nothing_is_too_small_to_be_seen(self) -> None:
        canvas = Canvas(10, 10, style.WHITE)
        canvas.box((5.0, 5.0, 5.01, 5.01), style.INK)
        assert (canvas.pixels() != style.WHITE).any()

    def test_stripes_leave_room(self) -> None:
        canvas = Canvas(60, 60, style.WHITE)
        canvas.hatch((10, 10, 50, 50), style.INK)
        pixels = canvas.pixels()
        assert 0.25 < (pixels[10:50, 10:50] != style.WHITE).any(axis=2).mean() < 0.6
        pixels[10:50, 10:50] = style.WHITE
        assert (pixels == style.WHITE).all()

    def test_a_dashed_line_begins_and_ends(self) -> None:
        canvas = Canvas(60, 9, style.WHITE)
        canvas.dashes((5, 4), (55, 4), style.INK)
        dark = (canvas.pixels() != style.WHITE).any(axis=(0, 2))
        assert dark[6]
        assert dark[53]
        assert 0.4 < dark[5:55].mean() < 0.7
        assert not dark[:4].any()
        assert not dark[57:].any()


class Picture:
    """The hand-made episode as a picture, and its places."""

    def __init__(self, now_s: float, tasks: np.ndarray = TASKS, first_capacity: tuple[int, int] = (2, 0)) -> None:
        log, scenario = until(now_s), scenario_of(len(tasks))
        self.pixels = gantt_image(scenario, log, now_s, first_capacity, tasks, 3.25)
        self.axis = Axis(scenario.horizon_h * 3600.0, now_s)
        self.lanes = make_lanes(2, read_lives(log))

    def across(self, lane: Lane, start_s: float, end_s: float, where: float = 0.85) -> np.ndarray:
        """The colours on a line through a lane's first row, between two times."""
        left, right = math.ceil(self.axis.x(start_s)) + 1, math.floor(self.axis.x(end_s)) - 1
        return self.pixels[round(lane.top + where * lane.row_height), left:right]

    def colours(self, lane: int, start_s: float, end_s: float) -> set[tuple[int, ...]]:
        """The colours between two times, hours' lines and the blends at their edges left out."""
        line = self.across(self.lanes[lane], start_s, end_s)
        values, counts = np.unique(line, axis=0, return_counts=True)
        return {tuple(value) for value, count in zip(values.tolist(), counts, strict=True) if count > 0.1 * len(line)}


class TestPicture:
    """Colours at known places."""

    def test_size(self) -> None:
        image = Picture(1_200).pixels
        assert image.shape == (720, 1280, 3)
        assert image.dtype == np.uint8

    def test_bars(self) -> None:
        picture = Picture(1_200)
        first, second = style.task_colour(0), style.task_colour(1)
        assert picture.colours(0, 115, 490) == {first}
        assert picture.colours(0, 512, 598) == {style.WHITE}
        assert picture.colours(0, 607, 780) == {second}
        assert picture.colours(0, 815, 915) == {style.NOTICED}
        assert picture.colours(3, 872, 1_180) == {second}

    def test_set_up_is_hatched_in_the_task_s_colour(self) -> None:
        picture = Picture(1_200)
        first = style.task_colour(0)
        line = picture.across(picture.lanes[0], 42, 108)
        light = mixed(first, style.WHITE, 0.25)
        assert (line == first).all(axis=1).any()
        assert (line == light).all(axis=1).any()
        launching = picture.across(picture.lanes[0], 12, 38)
        assert (launching == style.WHITE).all(axis=1).any()
        assert not (launching == first).all(axis=1).any()

    def test_ground(self) -> None:
        """Spot of pool 0 is gone from 800 to 1,000, that of pool 1 was never there; nothing is known of the future."""
        picture = Picture(1_200)
        assert picture.colours(0, 925, 998) == {style.UNAVAILABLE}
        assert picture.colours(0, 1_003, 1_190) == {style.AVAILABLE}
        assert picture.colours(1, 3, 1_190) == {style.ON_DEMAND}
        assert picture.colours(2, 3, 1_190) == {style.UNAVAILABLE}
        assert all(picture.colours(lane, 1_210, 1_790) == {style.FUTURE} for lane in range(4))

    def test_marks(self) -> None:
        picture = Picture(1_200)
        spot, on_demand = picture.lanes[0], picture.lanes[3]
        x, middle = round(picture.axis.x(800)), round(spot.top + spot.row_height / 2)
        assert tuple(picture.pixels[middle - 2, x]) == style.ALARM
        done = picture.pixels[round(spot.top) : round(spot.bottom), round(picture.axis.x(510)) - 12 :][:, :12]
        late = picture.pixels[round(on_demand.top) : round(on_demand.bottom), round(picture.axis.x(1_200)) - 12 :][
            :, :11
        ]
        assert (done == style.INK).all(axis=2).any()
        assert not (done == style.ALARM).all(axis=2).any()
        assert (late == style.ALARM).all(axis=2).any()

    def test_before_and_after_a_notice(self) -> None:
        """What has not happened is not shown."""
        lanes = slice(style.TOP, style.BOTTOM)
        assert not (Picture(790).pixels[lanes] == style.ALARM).all(axis=2).any()
        assert (Picture(800).pixels[lanes] == style.ALARM).all(axis=2).any()

    def test_panels(self) -> None:
        picture = Picture(1_200)
        (_, top, _, bottom), (_, _, _, lowest) = panel_boxes(picture.lanes)
        waited = picture.pixels[round((top + bottom) / 2)]
        area = mixed(style.WAITING, style.WHITE, 0.5)
        assert tuple(waited[round(picture.axis.x(550))]) == area
        assert tuple(waited[round(picture.axis.x(650))]) == style.FUTURE
        work = picture.pixels[round(lowest) - 6]
        assert tuple(work[round(picture.axis.x(1_100))]) == mixed(style.WORK, style.WHITE, 0.5)
        assert tuple(work[round(picture.axis.x(60))]) == style.FUTURE

    def test_missed_deadlines_stand_out(self) -> None:
        header = slice(0, style.TOP - 10)
        assert (Picture(1_200).pixels[header] == style.ALARM).all(axis=2).any()
        assert not (Picture(1_199).pixels[header] == style.ALARM).all(axis=2).any()

    def test_the_deadline_of_a_lone_task(self) -> None:
        tasks = tasks_of(400.0, deadline_s=1_500.0)
        shown, hidden = Picture(300, tasks), Picture(300, tasks_of(400.0))
        x = round(shown.axis.x(1_500))
        changed = (shown.pixels != hidden.pixels).any(axis=2)
        assert changed[style.TOP : style.BOTTOM, x - 1 : x + 2].any(axis=1).mean() > 0.4
        assert not changed[:, x + 3 :].any()
        assert not (Picture(300, tasks_of(400.0, deadline_s=2_000.0)).pixels != hidden.pixels).any()  # beyond the end

    def test_more_instances_than_rows(self) -> None:
        log = log_of(
            *(entry(0, LogKind.LAUNCH, launch=k, pool=0, on_demand=0, value=0, other=0) for k in range(400)),
        )
        image = gantt_image(scenario_of(), log, 900.0, (UNLIMITED, 0), TASKS, 0.0)
        lane = make_lanes(2, read_lives(log))[0]
        note = image[round(lane.middle) - 6 : round(lane.middle) + 6, style.RIGHT - 70 : style.RIGHT]
        assert lane.shown < 400
        assert (np.abs(note.astype(int) - style.ALARM).sum(axis=2) < 60).any()

    def test_nothing_has_happened(self) -> None:
        image = gantt_image(scenario_of(), log_of(), 0.0, (0, 0), TASKS, 0.0)
        assert image.shape == (720, 1280, 3)


# How colours look to people who lack one kind of cone: Machado, Oliveira and Fernandes (2009), severity 1, linear RGB.
CONES = {
    "all": np.eye(3),
    "no long": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no middle": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "no short": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def cielab(colour: tuple[int, int, int], cones: str) -> np.ndarray:
    """An sRGB colour in CIELAB (D65), as somebody with these cones sees it."""
    share = np.array(colour) / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(CONES[cones] @ linear, 0.0, 1.0) / (TO_XYZ @ np.ones(3))
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    return np.array([116.0 * f[1] - 16.0, 500.0 * (f[0] - f[1]), 200.0 * (f[1] - f[2])])


@pytest.mark.parametrize("cones", CONES)
def test_tasks_are_told_apart_whatever_one_s_colour_vision(cones: str) -> None:
    others = (style.ALARM, style.AVAILABLE, style.UNAVAILABLE, style.ON_DEMAND, style.NOTICED)
    pairs = [*combinations(style.TASK_COLOURS, 2), *((task, other) for task in style.TASK_COLOURS for other in others)]
    assert min(np.linalg.norm(cielab(one, cones) - cielab(other, cones)) for one, other in pairs) >= 16.0


LINES = [
    (entry(0, LogKind.ARRIVAL, task=17), "    0.00 h  task 17    ARRIVAL"),
    (
        entry(45_000, LogKind.DECISION, task=17, value=1, other=AskReason.INTERRUPTION),
        "   12.50 h  task 17    DECISION       spot east (interruption)",
    ),
    (
        entry(36, LogKind.DECISION, task=0, value=4, other=AskReason.RECONSIDER),
        "    0.01 h  task 0     DECISION       on-demand west (reconsider)",
    ),
    (
        entry(36, LogKind.DECISION, task=0, value=0, other=AskReason.RETRY),
        "    0.01 h  task 0     DECISION       wait (retry)",
    ),
    (
        entry(3_600, LogKind.LAUNCH, **ON_DEMAND_1, value=3_960, other=4_320),
        "    1.00 h             LAUNCH         instance 1, on-demand west (billed from 1.10 h, set up at 1.20 h)",
    ),
    (
        entry(3_600, LogKind.LAUNCH_FAILED, task=2, pool=0, on_demand=0),
        "    1.00 h  task 2     LAUNCH_FAILED  spot east (no capacity)",
    ),
    (
        entry(3_600, LogKind.PLACE, task=2, **SPOT_0, value=4_320),
        "    1.00 h  task 2     PLACE          instance 0, spot east (works from 1.20 h)",
    ),
    (
        entry(3_600, LogKind.PREPARE, task=2, **SPOT_0, value=4_320),
        "    1.00 h  task 2     PREPARE        instance 0, spot east (takes over at 1.20 h)",
    ),
    (
        entry(7_200, LogKind.STOP, task=2, **SPOT_0, value=1_800, other=90),
        "    2.00 h  task 2     STOP           instance 0, spot east (0.50 h of work kept, 0.03 h lost)",
    ),
    (
        entry(7_200, LogKind.NOTICE, task=2, **SPOT_0, value=7_560),
        "    2.00 h  task 2     NOTICE         instance 0, spot east (ends at 2.10 h)",
    ),
    (
        entry(7_200, LogKind.NOTICE, task=FOR_DISPLACED, **SPOT_0, value=7_560),
        "    2.00 h             NOTICE         instance 0, spot east (ends at 2.10 h)",
    ),
    (
        entry(7_200, LogKind.CHECKPOINT, task=2, **SPOT_0, value=CheckpointPlan.PARTIAL, other=900),
        "    2.00 h  task 2     CHECKPOINT     instance 0, spot east (PARTIAL, 0.25 h of work saved)",
    ),
    (
        entry(7_200, LogKind.COMPLETION, task=2, **SPOT_0),
        "    2.00 h  task 2     COMPLETION     instance 0, spot east",
    ),
    (entry(7_200, LogKind.IDLE, **SPOT_0), "    2.00 h             IDLE           instance 0, spot east"),
    (
        entry(7_200, LogKind.END, **SPOT_0, value=1.234, other=7_560),
        "    2.00 h             END            instance 0, spot east ($1.23, billed to 2.10 h)",
    ),
    (entry(7_200, LogKind.CANCEL, **SPOT_0), "    2.00 h             CANCEL         instance 0, spot east"),
    (entry(7_200, LogKind.CAPACITY, pool=1, value=3), "    2.00 h             CAPACITY       west (3 to be had)"),
    (entry(7_200, LogKind.CAPACITY, pool=1, value=UNLIMITED), "    2.00 h             CAPACITY       west (no limit)"),
    (entry(7_200, LogKind.MISSED, task=2), "    2.00 h  task 2     MISSED"),
    (
        entry(7_200, LogKind.DEMAND, task=2, value=4, other=0.25),
        "    2.00 h  task 2     DEMAND         target 4, 0.25 requests/s",
    ),
    (entry(7_200, LogKind.READY, task=2, **SPOT_0), "    2.00 h  task 2     READY          instance 0, spot east"),
    (entry(7_200, LogKind.UNREADY, task=2, **SPOT_0), "    2.00 h  task 2     UNREADY        instance 0, spot east"),
]


class TestLines:
    """Events as text."""

    @pytest.mark.parametrize(("event", "line"), LINES, ids=[LogKind(event[1]).name for event, _line in LINES])
    def test_every_kind(self, event: tuple[float, ...], line: str) -> None:
        assert list(ansi_lines(scenario_of(), log_of(event))) == [line]

    def test_no_kind_is_left_out(self) -> None:
        assert {event[1] for event, _line in LINES} == set(LogKind)


def play(env: TesseraEnv, seed: int, steps: int, policy: str = "greedy", render: bool = False) -> list[np.ndarray]:
    """Observations of the episode's first steps."""
    observation, _ = env.reset(seed=seed)
    chooser = make_policy(policy, env.layout)
    seen, done = [observation], False
    while not done and len(seen) <= steps:
        actions, _ = chooser.predict(seen[-1][None], action_masks=env.action_masks()[None])
        observation, _, done, _, _ = env.step(int(actions[0]))
        seen.append(observation)
        if render:
            env.render()
    return seen


SHORT = {"fleet": {"horizon_h": 16, "task.count": 30}, "classic": {"horizon_h": 16, "task.count": 30}}


class TestEnvironment:
    """`render()` of the environment."""

    @pytest.mark.parametrize("env_id", ENVIRONMENTS)
    @pytest.mark.parametrize("mode", ["ansi", "rgb_array"])
    def test_gymnasium_s_checker(self, env_id: str, mode: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            env = gym.make(env_id, render_mode=mode, disable_env_checker=True).unwrapped
            check_env(env)

    @pytest.mark.parametrize("preset", ENVIRONMENTS.values())
    def test_whole_episodes(self, preset: str) -> None:
        env = TesseraEnv(preset, render_mode="rgb_array", overrides=SHORT.get(preset))
        play(env, 3, 0, "random")
        first = env.render()
        play(env, 3, 10**6, "random")
        last = env.render()
        for image in (first, last):
            assert isinstance(image, np.ndarray)
            assert image.shape == (720, 1280, 3)
            assert image.dtype == np.uint8
        assert len(np.unique(last.astype(np.int64) @ [65_536, 256, 1])) > 50  # colours
        assert (first != last).any(axis=2).mean() > 0.1

    @pytest.mark.parametrize("mode", ["ansi", "rgb_array"])
    @pytest.mark.parametrize("preset", ["deadline", "fleet"])
    def test_looking_changes_nothing(self, preset: str, mode: str) -> None:
        env = TesseraEnv(preset, render_mode=mode, overrides=SHORT.get(preset))
        play(env, 5, 60)
        tables = [table.tobytes() for table in env.simulation.state]
        views = [np.asarray(view).tobytes() for view in env.simulation.views]
        randomness = str(env.np_random.bit_generator.state), str(np.random.get_state())
        once, again = env.render(), env.render()
        assert np.array_equal(once, again)
        assert [table.tobytes() for table in env.simulation.state] == tables
        assert [np.asarray(view).tobytes() for view in env.simulation.views] == views
        assert (str(env.np_random.bit_generator.state), str(np.random.get_state())) == randomness

    def test_an_episode_is_the_same_whether_one_looks_or_not(self) -> None:
        seen, unseen = (
            play(TesseraEnv("deadline", render_mode=mode), 7, 40, render=mode is not None) for mode in ("ansi", None)
        )
        assert np.array_equal(seen, unseen)

    def test_a_picture_is_a_copy(self) -> None:
        env = TesseraEnv("deadline", render_mode="rgb_array")
        play(env, 5, 20)
        one = env.render()
        kept = one.copy()
        one[:] = 0
        assert np.array_equal(env.render(), kept)

    def test_lines_of_a_step(self) -> None:
        """After a step come its decision and what followed; together the steps give the whole log."""
        env = TesseraEnv("fleet", render_mode="ansi", overrides=SHORT["fleet"])
        observation, _ = env.reset(seed=2)
        lines = env.render().splitlines()
        assert re.fullmatch(r" +\d+\.\d\d h  task 0     ARRIVAL", lines[-1])
        policy, done = Random(env.layout, seed=1), False
        while not done:
            actions, _ = policy.predict(observation[None], action_masks=env.action_masks()[None])
            observation, _, done, _, _ = env.step(int(actions[0]))
            shown = env.render().splitlines()
            assert " DECISION " in shown[0]
            assert sum(" DECISION " in line for line in shown) == 1
            lines += shown
        assert lines == list(ansi_lines(env.scenario, env.event_log()))
        assert {line.split(" h  ")[1][11:].split()[0] for line in lines} <= {kind.name for kind in LogKind}

    def test_dollars_shown_are_those_of_the_log_at_the_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        shown = []
        monkeypatch.setattr("tessera_env.env.gantt_image", lambda *arguments: shown.append(arguments))
        env = TesseraEnv("deadline", render_mode="rgb_array")
        play(env, 3, 10**6)
        env.render()
        _scenario, log, now_s, first_capacity, tasks, usd = shown[0]
        assert usd == pytest.approx(columns_of(log, LogKind.END)["usd"].sum(), abs=1e-9)
        assert now_s == log["time_s"][-1]
        assert len(first_capacity) == 1
        assert len(tasks) == 1

    def test_without_a_mode(self) -> None:
        env = TesseraEnv("deadline")
        env.reset(seed=0)
        with pytest.warns(UserWarning, match="render_mode"):
            assert env.render() is None

    def test_before_the_first_reset(self) -> None:
        assert TesseraEnv("deadline", render_mode="rgb_array").render().shape == (720, 1280, 3)
        assert TesseraEnv("deadline", render_mode="ansi").render() == ""
