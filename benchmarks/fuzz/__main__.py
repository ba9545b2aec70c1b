"""Mutated files for every reader: each is read, or refused in lines for people; how many of each, how long, how large.

A file is told by the seed, its reader and its number, so that what went wrong can be looked at again:
`--readers NAME --seed S --first NUMBER --files 1`. Faulty files are kept in a folder.
"""

import argparse
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from benchmarks.common import Report, check_least
from benchmarks.fuzz.judging import Fault, Reader, judged
from benchmarks.fuzz.mutating import mutated
from benchmarks.fuzz.readers import readers
from tessera_env.files.paths import expanded
from tessera_env.files.streams import take_any_text

_MEASURED = 25  # memory of every so many files, which takes long
_SHOWN = 15  # kinds of faults of a reader
_KIND = 100  # characters that tell them apart, whatever figures are in them
_ANY_FIGURE = re.compile(r"\d+|/tmp/\w+")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read all, print the table and the faults; returns the exit code."""
    take_any_text()
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    made.add_argument("--files", type=int, default=1_000, metavar="N", help="for each reader")
    made.add_argument("--readers", nargs="+", default=[], metavar="TEXT", help="those whose names begin so; else all")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--first", type=int, default=0, metavar="NUMBER", help="of the first file")
    made.add_argument("--keep", type=expanded, metavar="FOLDER", help="faulty files are kept here")
    given = made.parse_args(arguments)
    try:
        check_least("files", given.files, 1)
    except ValueError as error:
        made.exit(2, f"{error}\n")
    chosen = [one for one in readers() if not given.readers or one.name.startswith(tuple(given.readers))]
    rows, faults = [], 0
    for reader in chosen:
        tally = Tally(reader)
        for number in range(given.first, given.first + given.files):
            tally.add(number, given.seed, given.keep)
        rows.append(tally.row)
        faults += len(tally.faults)
        print("\n".join(tally.lines), flush=True)
    columns = ("reader", "files", "read", "refused", "faults", "files/s", "slowest s", "most MB")
    Report("Mutated files", f"seed {given.seed}; memory of every {_MEASURED}th file", columns, tuple(rows)).print()
    return 1 if faults else 0


class Tally:
    """What became of a reader's files."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.counts = reader, Counter[str]()
        self.faults: dict[int, str] = {}
        self.seconds = self.slowest_s = 0.0
        self.most_bytes = 0
        self._folder = tempfile.TemporaryDirectory()

    def add(self, number: int, seed: int, keep: Path | None) -> None:
        """Give it a file."""
        data = file_of(self.reader, seed, number)
        try:
            found = judged(self.reader, Path(self._folder.name), data, 2 * number + 1, number % _MEASURED == 0)
        except Fault as fault:
            self.faults[number] = str(fault)
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{self.reader.name}-{seed}-{number}").write_bytes(data)
            return
        self.counts["read" if found.refusal is None else "refused"] += 1
        if found.peak_bytes:
            self.most_bytes = max(self.most_bytes, found.peak_bytes)
        else:
            self.seconds += found.seconds
            self.slowest_s = max(self.slowest_s, found.seconds)

    @property
    def row(self) -> tuple[str, ...]:
        """Of the table."""
        total = self.counts.total() + len(self.faults)
        counts = (total, self.counts["read"], self.counts["refused"], len(self.faults))
        speed = total / self.seconds if self.seconds else 0.0
        figures = (f"{speed:,.0f}", f"{self.slowest_s:.3f}", f"{self.most_bytes / 1e6:.1f}")
        return (self.reader.name, *(f"{count:,}" for count in counts), *figures)

    @property
    def lines(self) -> Iterator[str]:
        """The first faults of each kind."""
        kinds: dict[str, list[int]] = {}
        for number, fault in self.faults.items():
            kinds.setdefault(_ANY_FIGURE.sub("0", fault)[:_KIND], []).append(number)
        yield f"{self.reader.name}: {self.counts.total() + len(self.faults):,} files, {len(self.faults)} faults"
        for numbers in list(kinds.values())[:_SHOWN]:
            yield f"  {numbers[0]}, {len(numbers)} times: {self.faults[numbers[0]]}"


def file_of(reader: Reader, seed: int, number: int) -> bytes:
    """The reader's mutated file of this number."""
    random = Random(f"{seed} {reader.name} {number}")
    return mutated(random.choice(reader.samples), reader.form, random)


if __name__ == "__main__":
    sys.exit(main())
