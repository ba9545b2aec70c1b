"""The benchmarks run, at toy size, and print their tables."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("step", "CartPole-v1"),
        ("vector", "decisions/s"),
        ("scale", "peak MB"),
        ("training", "frames/s"),
        ("compiling", "cached"),
    ],
)
def test_a_benchmark_prints_its_table(name, expected):
    command = [sys.executable, "-m", f"benchmarks.{name}", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout
    assert " x " in done.stdout
