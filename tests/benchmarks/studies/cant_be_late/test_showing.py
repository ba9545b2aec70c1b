"""Tables, picture and page show what the figures are."""

import re

import numpy as np
import pytest
from PIL import Image, ImageColor

from benchmarks.studies.cant_be_late import tables
from benchmarks.studies.cant_be_late.figures import Figures
from benchmarks.studies.cant_be_late.marks import marks, zone_labels
from benchmarks.studies.cant_be_late.page import page_html, write_page
from benchmarks.studies.cant_be_late.picture import picture, write_picture
from benchmarks.studies.cant_be_late.study import OPTIMUM, Studies, Study
from tests.benchmarks.studies.cant_be_late.samples import DEADLINES_H, SHAPE, TRAINED, noisy, study, table
from tests.browser import open_page


def figures_of(found: Study) -> Figures:
    return Figures(found, 0, draws=200)


def by_zone(east: float, west: float) -> np.ndarray:
    return np.broadcast_to(np.array([east, west])[:, None, None, None], SHAPE)


# ---- tables


def test_every_policy_has_a_row_over_all_and_for_each_job():
    figures = figures_of(study())
    overall, differences, averages, jobs = tables.reports(figures)
    labels = [OPTIMUM, "on_demand_only", "greedy", "uniform_progress", *TRAINED, "learned, mean of 3"]
    assert [row[0] for row in overall.rows] == labels
    assert [row[:2] for row in jobs.rows] == [
        (label, job) for job in ("52 / 0.1", "52 / 0.2", "60 / 0.1", "60 / 0.2") for label in labels
    ]
    assert len(differences.rows) == 4 * 3  # the trained ones and their mean, against three rules
    assert "uniform_progress" not in {row[0] for row in averages.rows}
    assert all(len(row) == len(report.columns) for report in tables.reports(figures) for row in report.rows)


def test_cells_and_notes_say_what_was_found():
    figures = figures_of(study(**{"greedy": table(noisy(130.0), deadlines_missed=np.eye(12)[0])}))
    overall = tables.overall(figures)
    rows = {row[0]: dict(zip(overall.columns, row, strict=True)) for row in overall.rows}
    assert rows["runs/b"]["cost $"] == "90.00 [90.0, 90.0]"
    assert rows["runs/b"]["gap\nclosed %"] == "50.0 [50.0, 50.0]"
    assert rows[OPTIMUM]["gap\nclosed %"] == "100"
    assert rows["uniform_progress"]["gap\nclosed %"] == "0.0"
    assert rows["greedy"]["late"] == "8"
    assert rows["runs/b"]["spot\nuse %"] == "75"
    assert "4 jobs (deadline x changeover), 2 zones and 12 windows" in overall.note
    note = overall.note.replace("\n", " ")
    assert "the 8 (zone, week) blocks" in note
    assert "Fewer than 15 blocks" in note
    assert "close 40.0, 50.0, 60.0 % of the gap: mean 50.0, standard deviation 10.0, from 40.0 to 60.0" in note
    assert max(map(len, overall.note.splitlines())) <= 120


def test_differences_are_marked_where_they_are_clear():
    noise = noisy(0.0, deviation=6.0)
    figures = figures_of(study(trained=("runs/a",), **{"runs/a": table(99.5 + noise)}))
    report = tables.differences(figures)
    assert report is not None
    rows = {row[1]: row for row in report.rows}
    assert rows["greedy"][3].endswith("*")
    assert not rows["uniform_progress"][3].endswith("*")
    assert tables.differences(figures_of(study(trained=()))) is None


def test_long_labels_keep_their_end():
    assert tables.display_name("uniform_progress_plain") == "uniform_progress_plain"
    assert tables.display_name("/home/somebody/runs/long-name/seed-2") == "…y/runs/long-name/seed-2"
    assert len(tables.display_name("x" * 90)) == 24


def test_the_headline_is_of_the_trained_ones_together():
    assert tables.headline(figures_of(study())).startswith("learned, mean of 3 closes 50.0 [50.0, 50.0] % of the gap")
    assert tables.headline(figures_of(study(trained=()))).startswith("uniform_progress closes 0.0")
    late = study(trained=("runs/a",), **{"runs/a": table(90.0, deadlines_missed=1.0)})
    assert tables.headline(figures_of(late)).endswith("Late: 96 of 96.")


# ---- the figure


def test_zones_stand_by_how_much_spot_they_have():
    hours = by_zone(15.0, 45.0)
    figures = figures_of(study(**{OPTIMUM: table(80.0, spot_available_h=hours)}))
    assert zone_labels(figures) == [f"west, {4500 / 60:.0f} %", f"east, {1500 / 60:.0f} %"]
    assert DEADLINES_H[1] == 60.0


def test_marks_are_the_mean_of_the_trained_ones_and_what_they_span():
    found = marks(figures_of(study()))
    assert [one.label for one in found] == ["learned, mean of 3", "greedy", "uniform_progress"]
    assert [one.is_trained for one in found] == [True, False, False]
    trained = found[0]
    assert trained.zones == pytest.approx(10 / 120)
    assert trained.low == pytest.approx(8 / 120)
    assert trained.high == pytest.approx(12 / 120)
    alone = marks(figures_of(study(trained=())))
    assert [(one.label, one.colour) for one in alone] == [(one.label, one.colour) for one in found[1:]]


def middle_of(pixels: np.ndarray, colour: str, top: int, bottom: int) -> float:
    """Where that colour lies between two heights, as a mean x."""
    wanted = np.array(ImageColor.getrgb(colour))
    columns = np.flatnonzero((np.abs(pixels[top:bottom].astype(int) - wanted) < 3).all(axis=2).any(axis=0))
    assert len(columns), colour
    return float(columns.mean())


def test_a_mark_lies_where_its_cost_is():
    """0 is at pixel 172, 1 at 1240; the first zone's lane is from 178 on, 58 high."""
    found = study(
        **{"greedy": table(by_zone(140.0, 110.0)), OPTIMUM: table(80.0, spot_available_h=by_zone(50.0, 40.0))}
    )
    figures = figures_of(found)
    pixels = picture([figures])
    _, greedy, uniform = marks(figures)
    for lane, (first, second) in enumerate(((0.5, 20 / 120), (0.25, 20 / 120)), start=1):
        top = round(60 + 26 + 34 + 58 * lane)
        assert middle_of(pixels, greedy.colour, top, top + 58) == pytest.approx(172 + 1068 * first, abs=3)
        assert middle_of(pixels, uniform.colour, top, top + 58) == pytest.approx(172 + 1068 * second, abs=3)


def test_the_scale_goes_on_where_a_policy_is_dearer_than_on_demand():
    pixels = picture([figures_of(study(**{"greedy": table(by_zone(230.0, 100.0))}))])
    greedy = marks(figures_of(study()))[1]
    assert middle_of(pixels, greedy.colour, 178, 236) == pytest.approx(172 + 1068 * 1.25 / 1.3, abs=3)


def test_parts_stand_below_one_another(tmp_path):
    one = figures_of(study())
    write_picture([one, one], tmp_path / "both.png")
    both, single = np.asarray(Image.open(tmp_path / "both.png")), picture([one])
    assert both.shape[0] - single.shape[0] == 34 + 58 * 3 + 44
    assert (picture([one, one]) == both).all()


# ---- the page


def test_the_page_draws_every_chart(tmp_path):
    figures = [figures_of(study()), figures_of(study(trained=()))]
    studies = Studies(1, False, "a machine", {"greedy": "greedy", "runs/a": "trained on x"}, (study(), study()))
    write_page(studies, figures, tmp_path / "page.html")
    opened = open_page(tmp_path / "page.html")
    assert (opened.data("charts"), opened.data("drawn"), opened.data("errors")) == ("4", "4", "")


def test_the_page_says_what_was_found_and_how():
    studies = Studies(7, True, "a machine", {"greedy": "greedy", "runs/a<b>": "sha256 12"}, (study(),))
    text = re.sub(r"<script>.*?</script>", "", page_html(studies, [figures_of(study())]), flags=re.DOTALL)
    for words in ("these figures mean nothing", "learned, mean of 3 closes 50.0", "a machine", "sha256 12", "seed 7",
                  "8 (zone, week) blocks", "hours 700 to 1250", "paired differences"):  # fmt: skip
        assert words in text, words
    assert "runs/a&lt;b&gt;" in text
    assert "<b>" not in text


def test_the_same_figures_give_the_same_page_and_picture():
    studies = Studies(1, False, "a machine", {}, (study(),))
    assert page_html(studies, [figures_of(study())]) == page_html(studies, [figures_of(study())])
    assert (picture([figures_of(study())]) == picture([figures_of(study())])).all()
