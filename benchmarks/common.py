"""What every benchmark needs: the machine's name, a table, the processor time it may use."""

import argparse
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import numba
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


def machine() -> str:
    """Processor, cores and versions, in one line."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = names[0] if names else cpu
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, numba {numba.__version__}"
    return f"{cpu}, {cores} cores, {versions}"


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table, first column left, the others right, and the machine below it."""
    table = Table(title=title, caption=machine(), box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.title_justify = table.caption_justify = "left"
    for k, column in enumerate(columns):
        table.add_column(column, justify="right" if k else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    Console(width=max(len(title), len(machine()), 110)).print(table)


def is_quick(description: str) -> bool:
    """Read a script's command line: whether to run it at a toy size, to see that it works."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--quick", action="store_true", help="a toy size, to see that it works; its figures mean nothing"
    )
    return bool(parser.parse_args().quick)


def random_actions(masks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One valid action a row, (N,) int64, uniform over the mask (N, A)."""
    return (rng.random(masks.shape) * masks).argmax(axis=1)
