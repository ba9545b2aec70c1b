"""All benchmarks, one after the other; about ten minutes."""

from pathlib import Path

from benchmarks.common import Report, asked, keep, keeping_parser, machine
from benchmarks.speed import compiling, requests, scale, step, training, vector
from benchmarks.studies import ablation
from tessera_env.files.streams import take_any_text

KEPT = Path("runs/benchmarks.json")


def main() -> None:
    """Print each table as soon as it is measured, and keep all of them as JSON."""
    take_any_text()
    given, to_keep = asked(keeping_parser(__doc__, KEPT), KEPT)
    print(machine(), flush=True)
    reports: list[Report] = []
    for benchmark in (step, vector, scale, training, compiling, requests, ablation):
        reports.append(benchmark.measure(given.quick))
        reports[-1].print()
    if to_keep:
        keep(reports, given)


if __name__ == "__main__":
    main()
