"""Every reader of files: mutated good files are read, the same twice, or refused in lines for people."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz.judging import Reader, judged
from benchmarks.fuzz.mutating import mutated
from benchmarks.fuzz.readers import readers
from benchmarks.fuzz.rewording import reworded

READERS = readers()
REWORDED = [reader for reader in READERS if reader.form in ("toml", "json", "csv") and "shown" not in reader.name]
STAMPS = iter(range(1, 10**9))  # of files' times: some readers parse a version of a file once


def outcome(reader: Reader, folder: Path, data: bytes):
    found = judged(reader, folder, data, next(STAMPS))
    return found.value, found.refusal


def named(reader: Reader) -> str:
    return reader.name


@pytest.mark.parametrize("reader", READERS, ids=named)
def test_good_files_are_read(reader, tmp_path):
    for sample in reader.samples:
        value, refusal = outcome(reader, tmp_path, sample)
        assert refusal is None or "recording_format" in refusal, refusal
        assert value == outcome(reader, tmp_path, sample)[0]


@pytest.mark.parametrize("reader", READERS, ids=named)
@settings(max_examples=40, suppress_health_check=[*HealthCheck])
@given(random=st.randoms(use_true_random=False), place=st.integers(0, 99))
def test_mutated_files_are_read_or_refused_in_lines_for_people(reader, tmp_path, random, place):
    data = mutated(reader.samples[place % len(reader.samples)], reader.form, random)
    assert outcome(reader, tmp_path, data) == outcome(reader, tmp_path, data)


@pytest.mark.parametrize("reader", REWORDED, ids=named)
def test_other_spaces_orders_comments_and_line_ends_say_the_same(reader, tmp_path):
    for number in range(10):
        sample = reader.samples[number % len(reader.samples)]
        changed = reworded(sample, reader.form, Random(number))
        assert outcome(reader, tmp_path, changed) == outcome(reader, tmp_path, sample), changed
