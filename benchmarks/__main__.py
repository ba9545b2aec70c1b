"""All benchmarks, one after the other; about ten minutes."""

from pathlib import Path

from benchmarks.common import Report, is_kept, keep, keeping_parser, machine
from benchmarks.speed import compiling, scale, step, training, vector
from benchmarks.studies import ablation
from tessera_env.files.streams import take_any_text

KEPT = Path("runs/benchmarks.json")


def main() -> None:
    """Print each table as soon as it is measured, and keep all of them as JSON."""
    take_any_text()
    arguments = keeping_parser(__doc__, KEPT)
    given = arguments.parse_args()
    try:
        to_keep = is_kept(given, KEPT)
    except OSError as error:
        arguments.exit(2, f"{error}\n")
    print(machine(), flush=True)
    reports: list[Report] = []
    for benchmark in (step, vector, scale, training, compiling, ablation):
        reports.append(benchmark.measure(given.quick))
        reports[-1].print()
    if to_keep:
        keep(reports, given)


if __name__ == "__main__":
    main()
