"""Recorded demand: rates on a grid, single requests, and every way in which a file can be wrong."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_env.recordings.demand import MAX_STEPS, DemandError, DemandRecording, read_demand

HEADERS = {"counts": "time_s,requests", "requests": "time_s", "azure_llm": "TIMESTAMP,ContextTokens,GeneratedTokens"}
GOOD = {
    "counts": ("0,6", "60,0", "120,3"),
    "requests": ("0", "30", "30", "150.5"),
    "azure_llm": ("2023-11-16 18:17:03.9799600,4808,10", "2023-11-16 18:17:04.0319600,3180,8"),
}


def file_of(folder: Path, form: str, *lines: str, header: str | None = None) -> Path:
    """A file of these lines below the form's header."""
    path = folder / "demand.csv"
    path.write_text("\n".join((HEADERS[form] if header is None else header, *lines)) + "\n", encoding="utf-8")
    return path


def read(folder: Path, form: str, *lines: str, **rules: float) -> DemandRecording:
    return read_demand(file_of(folder, form, *lines), form, **rules)


def problem(folder: Path, form: str, *lines: str, header: str | None = None, **rules: float) -> str:
    """The text of the error that reading raises, with the file's name for its path."""
    path = file_of(folder, form, *lines, header=header)
    with pytest.raises(DemandError) as caught:
        read_demand(path, form, **rules)
    return str(caught.value).replace(str(path), path.name)


# ---- counts


def test_counts_on_their_own_grid(tmp_path):
    demand = read(tmp_path, "counts", *GOOD["counts"])
    assert demand.name == "demand.csv" and (demand.bin_s, demand.end_s) == (60.0, 180.0)
    assert demand.requests_per_s.tolist() == [0.1, 0.0, 0.05]
    assert demand.arrival_s is None and demand.context_tokens is None and demand.generated_tokens is None


def test_counts_spread_over_their_intervals(tmp_path):
    """60 in the first 100 s, 20 in 40 s, 30 in another 40 s; of the last step 20 s are recorded, and count as 50 s."""
    demand = read(tmp_path, "counts", "500,60", "600,20", "640,30", bin_s=50.0)
    assert demand.requests_per_s == pytest.approx([0.6, 0.6, (20 + 7.5) / 50, 22.5 / 50])
    assert demand.end_s == 200.0


def test_the_last_interval_is_as_long_as_the_one_before(tmp_path):
    assert read(tmp_path, "counts", "0,1", "10,1", "40,9", bin_s=10.0).requests_per_s.tolist() == pytest.approx(
        [0.1, 1 / 30, 1 / 30, 1 / 30, 0.3, 0.3, 0.3]
    )


def test_a_finer_grid_has_no_slivers(tmp_path):
    """3 x 0.1 is more than 0.3. Bug: a rate of 1e-16 instead of none, which would wake a service."""
    lines = [f"{k / 10},{k % 2}" for k in range(100)]
    rates = read(tmp_path, "counts", *lines, bin_s=0.1).requests_per_s
    assert len(rates) == 100
    assert (rates[::2] == 0.0).all() and np.allclose(rates[1::2], 10.0)
    assert len(read(tmp_path, "counts", *lines[:3], bin_s=0.1).requests_per_s) == 3, "0.2 + 0.1 is more than 0.3"


@given(
    st.lists(st.tuples(st.integers(1, 500), st.integers(0, 1_000)), min_size=2, max_size=30),
    st.sampled_from([0.7, 1.0, 13.0, 60.0, 1_000.0]),
)
def test_no_count_is_lost(tmp_path_factory, rows, bin_s):
    times_s = np.cumsum([gap for gap, _ in rows])
    lines = [f"{time_s},{count}" for time_s, (_, count) in zip(times_s, rows, strict=True)]
    demand = read(tmp_path_factory.mktemp("counts"), "counts", *lines, bin_s=bin_s)
    assert (demand.requests_per_s >= 0.0).all()
    assert demand.requests_per_s.sum() * bin_s == pytest.approx(sum(count for _, count in rows))
    length_s = 2 * times_s[-1] - times_s[-2] - times_s[0]
    assert length_s <= demand.end_s * (1 + 1e-12) and demand.end_s < length_s + bin_s


# ---- single requests


def test_requests_are_counted_by_step(tmp_path):
    demand = read(tmp_path, "requests", "1000", "1030", "1030", "1150.5")
    assert demand.arrival_s.tolist() == [0.0, 30.0, 30.0, 150.5]
    assert demand.requests_per_s.tolist() == [3 / 60, 0.0, 1 / 60]
    assert demand.end_s == 180.0, "the last step counts as whole"


@given(st.lists(st.floats(0.0, 50.0), min_size=1, max_size=50), st.sampled_from([0.3, 1.0, 60.0]))
def test_no_request_is_lost(tmp_path_factory, gaps, bin_s):
    times_s = np.cumsum(gaps)
    demand = read(tmp_path_factory.mktemp("requests"), "requests", *map(str, times_s.tolist()), bin_s=bin_s)
    assert demand.requests_per_s.sum() * bin_s == pytest.approx(len(gaps))
    assert demand.arrival_s.tolist() == (times_s - times_s[0]).tolist()


def test_the_azure_trace_s_form(tmp_path):
    lines = (
        "2023-11-16 18:17:03.9799600,4808,10",
        "2023-11-16 18:17:04.0319600,3180,8",
        "2023-11-16 18:17:04.0319601,0,0",
        "2023-11-16 18:18:04,374,44",
    )
    demand = read(tmp_path, "azure_llm", *lines, bin_s=1.0)
    assert demand.arrival_s.tolist() == [0.0, 0.052, 0.0520001, 60.02004]
    assert demand.context_tokens.tolist() == [4808, 3180, 0, 374]
    assert demand.generated_tokens.tolist() == [10, 8, 0, 44]
    assert demand.requests_per_s.nonzero()[0].tolist() == [0, 60] and demand.requests_per_s.sum() == 4.0


def test_zones_and_a_midnight(tmp_path):
    lines = ("2024-02-28 23:59:59.5Z,1,1", "2024-02-29T00:00:00+00:00,1,1")
    assert read(tmp_path, "azure_llm", *lines).arrival_s.tolist() == [0.0, 0.5]


@pytest.mark.parametrize("form", HEADERS)
def test_what_is_read_cannot_be_changed(tmp_path, form):
    demand = read(tmp_path, form, *GOOD[form])
    for array in (demand.requests_per_s, demand.arrival_s, demand.context_tokens):
        if array is not None:
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1.0


def test_a_file_is_parsed_once_and_again_when_it_changes(tmp_path):
    path = file_of(tmp_path, "requests", "0", "10")
    first = read_demand(path, "requests")
    assert read_demand(path, "requests") is first
    assert read_demand(path, "requests", bin_s=5.0).requests_per_s.tolist() == [0.2, 0.0, 0.2]
    file_of(tmp_path, "requests", "0", "10", "20")
    os.utime(path, ns=(1, 1))
    assert len(read_demand(path, "requests").arrival_s) == 3


def test_columns_in_another_order(tmp_path):
    path = file_of(tmp_path, "azure_llm", "10,2023-11-16 18:17:03,7", header="GeneratedTokens,TIMESTAMP,ContextTokens")
    demand = read_demand(path, "azure_llm")
    assert (demand.generated_tokens.tolist(), demand.context_tokens.tolist()) == ([10], [7])


# ---- faults: (form, lines, the error's text)

FAULTS = [
    ("counts", ["0,1", "60,2", "30,3"], "line 4: time_s: must be later than the row before's 60 (got '30')"),
    ("counts", ["0,1", "0,2"], "line 3: time_s: must be later than the row before's 0 (got '0')"),
    ("counts", ["0,1", "60,-2"], "line 3: requests: must be a number from 0 to 1e+12 (got '-2')"),
    ("counts", ["0,1", "60,nan"], "line 3: requests: must be a number from 0 to 1e+12 (got 'nan')"),
    ("counts", ["0,1", "60,"], "line 3: requests: must be a number from 0 to 1e+12 (got '')"),
    ("counts", ["0,1", "inf,2"], "line 3: time_s: must be a number from 0 to 1e+10 (got 'inf')"),
    ("counts", ["-60,1", "0,1"], "line 2: time_s: must be a number from 0 to 1e+10 (got '-60')"),
    ("counts", ["0,1", "60"], "line 3: row: must be 2 fields (got 1)"),
    (
        "counts",
        ["0,1", "60,1", "3661,1"],
        "line 4: time_s: must be at most longest_gap_s = 3600 s after the row before's 60 (got '3661')",
    ),
    ("counts", ["0,1"], "has one row (allowed: two or more, whose times say how long a count's interval is)"),
    ("counts", [], "has no rows (allowed: at least one below the header)"),
    ("requests", ["10", "9.5"], "line 3: time_s: must be no earlier than the row before's 10 (got '9.5')"),
    (
        "requests",
        ["10", "2023-11-16 18:17:03"],
        "line 3: time_s: must be a number from 0 to 1e+10 (got '2023-11-16 18:17:03')",
    ),
    (
        "requests",
        ["0", "3600.5"],
        "line 3: time_s: must be at most longest_gap_s = 3600 s after the row before's 0 (got '3600.5')",
    ),
    ("requests", ["0", "10,5"], "line 3: row: must be 1 fields (got 2)"),
    (
        "azure_llm",
        ["2023-11-16 18:17:03,1,1", "2023-11-16 18:17:02.9999999,1,1"],
        "line 3: TIMESTAMP: must be no earlier than the row before's 2023-11-16 18:17:03 "
        "(got '2023-11-16 18:17:02.9999999')",
    ),
    (
        "azure_llm",
        ["2023-11-16 18:17:03,1,1", "2023-11-16 19:17:04,1,1"],
        "line 3: TIMESTAMP: must be at most longest_gap_s = 3600 s after the row before's 2023-11-16 18:17:03 "
        "(got '2023-11-16 19:17:04')",
    ),
    (
        "azure_llm",
        ["2023-11-16 18:17:03,1,1", "2023-11-16 18:17:04Z,1,1"],
        "line 3: TIMESTAMP: must be without a zone, as in line 2 (got '2023-11-16 18:17:04Z')",
    ),
    (
        "azure_llm",
        ["2023-11-16 18:17:03,1,1", "12.5,1,1"],
        "line 3: TIMESTAMP: must be a time such as 2023-11-16 18:17:03.9799600, without a zone or in UTC (got '12.5')",
    ),
    (
        "azure_llm",
        ["2023-11-16 18:17:03,-1,1"],
        "line 2: ContextTokens: must be a whole number from 0 to 100000000 (got '-1')",
    ),
    (
        "azure_llm",
        ["2023-11-16 18:17:03,1,1.5"],
        "line 2: GeneratedTokens: must be a whole number from 0 to 100000000 (got '1.5')",
    ),
]


@pytest.mark.parametrize(("form", "lines", "text"), FAULTS)
def test_faults(tmp_path, form, lines, text):
    assert problem(tmp_path, form, *lines) == f"demand.csv: {text}"


def test_every_fault_is_a_line(tmp_path):
    found = problem(tmp_path, "counts", "0,1", "60,-2", "x,3", "120,nan")
    assert [line.split(":")[1].strip() for line in found.split("\n")] == ["line 3", "line 4", "line 5"]


@pytest.mark.parametrize("form", HEADERS)
def test_another_form_is_told_by_its_header(tmp_path, form):
    for other in HEADERS.keys() - {form}:
        found = problem(tmp_path, form, *GOOD[other], header=HEADERS[other])
        assert found.startswith("demand.csv: line 1: header: ") and HEADERS[form] in found


@pytest.mark.parametrize("form", HEADERS)
def test_an_empty_file(tmp_path, form):
    found = problem(tmp_path, form, header="")
    assert found == f"demand.csv: is empty (allowed: {HEADERS[form]} and rows below)"


def test_a_wider_gap_may_be_allowed(tmp_path):
    lines = ("0", "5000")
    assert len(read(tmp_path, "requests", *lines, longest_gap_s=5_000.0).arrival_s) == 2
    assert "longest_gap_s = 4999" in problem(tmp_path, "requests", *lines, longest_gap_s=4_999.0)


@pytest.mark.parametrize("form", ["counts", "requests"])
def test_a_grid_too_fine_names_one_that_is_allowed(tmp_path, form):
    lines = ("0,1", "3000,1") if form == "counts" else ("0", "3000")
    found = problem(tmp_path, form, *lines, bin_s=1e-3)
    least = float(found.split("at least ")[1].split()[0])
    assert found.startswith("demand.csv: bin_s: must be at least ") and found.endswith("(got 0.001)")
    assert len(read(tmp_path, form, *lines, bin_s=least).requests_per_s) <= MAX_STEPS


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["bin_s", "longest_gap_s"])
def test_rules_are_checked(tmp_path, name, value):
    path = file_of(tmp_path, "requests", "0", "1")
    with pytest.raises(DemandError, match=rf"^{name}: must be above 0 and at most 1e\+10 \(got {value}\)$"):
        read_demand(path, "requests", **{name: value})


def test_an_unknown_form(tmp_path):
    with pytest.raises(DemandError, match=r"^format: must be one of counts, requests, azure_llm \(got 'json'\)$"):
        read_demand(tmp_path / "demand.csv", "json")


def test_a_missing_file(tmp_path):
    with pytest.raises(DemandError, match=r"demand\.csv: no such file$"):
        read_demand(tmp_path / "demand.csv", "requests")


def test_a_packed_file(tmp_path):
    (tmp_path / "demand.csv").write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(DemandError, match=r"demand\.csv: is gzip: unpack it first$"):
        read_demand(tmp_path / "demand.csv", "requests")
