"""What becomes of a workload file's rows, as lines."""

from tessera_env.recordings.played_rows import PlayedRows
from tessera_env.report.workload_text import workload_lines

COUNTS = ("raised", "lowered", "still_running")


def lines_of(**changes: object) -> list[str]:
    plain = {"played": 4_000, "left_out": {}, "raised": 0, "lowered": 0, "still_running": 0}
    return workload_lines(
        PlayedRows("pods.csv", **{**plain, "work_h": (0.1, 24.0), "median_work_s": 7_200.0, **changes})
    )


def test_where_nothing_is_lost_nothing_is_said():
    assert workload_lines(None) == []
    assert lines_of() == []


def test_what_is_left_out_and_changed_is_one_line():
    assert lines_of(
        left_out={"needs no GPU": 1_088, "never scheduled": 3}, raised=1_500, lowered=38, still_running=2
    ) == [
        "pods.csv: 4,000 of 5,091 rows played; left out: 1,088 (needs no GPU), 3 (never scheduled); work of 1,500 "
        "raised to 0.1 h, of 38 cut to 24 h, of 2 known up to the recording's end only"
    ]
    assert lines_of(left_out={"needs no GPU": 1}) == [
        "pods.csv: 4,000 of 4,001 rows played; left out: 1 (needs no GPU)"
    ]
    assert lines_of(lowered=1) == ["pods.csv: 4,000 of 4,000 rows played; work of 1 cut to 24 h"]


def test_most_of_it_changed_is_a_second_line():
    _, doubt = lines_of(raised=3_000, median_work_s=2.0)
    assert doubt == (
        "pods.csv: most of its work is changed, since task.recording_work_h = [0.1, 24] h; its median is 2 s: is the "
        "file's time in hours? It is read as seconds"
    )
    assert lines_of(raised=1_500, lowered=1_500)[1].endswith("its median is 7200 s")


def test_a_files_name_is_told_on_one_line():
    rows = PlayedRows("a\nb.csv", 1, {}, (0.1, 24.0), 0, 1, 0, 7_200.0)
    assert [line.isprintable() for line in workload_lines(rows)] == [True, True]
