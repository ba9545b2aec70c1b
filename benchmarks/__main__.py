"""All benchmarks, one after the other; about ten minutes."""

from pathlib import Path

from benchmarks.common import Report, Reports, machine, parser, ready
from benchmarks.speed import compiling, scale, step, training, vector
from benchmarks.studies import ablation
from tessera_env.files.paths import expanded
from tessera_env.files.streams import take_any_text

KEPT = Path("runs/benchmarks.json")


def main() -> None:
    """Print each table as soon as it is measured, and keep all of them as JSON."""
    take_any_text()
    arguments = parser(__doc__)
    arguments.add_argument(
        "--json",
        type=expanded,
        default=KEPT,
        metavar="FILE",
        help=f"keep the tables here, {KEPT} if not told otherwise",
    )
    given = arguments.parse_args()
    is_kept = not given.quick or given.json != KEPT  # a toy run must not replace a measured one
    try:
        if is_kept:
            with ready(given.json.parent, {"--json": given.json}):
                pass
    except OSError as error:
        arguments.exit(2, f"{error}\n")
    print(machine(), flush=True)
    reports: list[Report] = []
    for benchmark in (step, vector, scale, training, compiling, ablation):
        reports.append(benchmark.measure(given.quick))
        reports[-1].print()
    if not is_kept:
        return
    Reports(machine(), given.quick, tuple(reports)).write_json(given.json)
    print(f"kept in {given.json}; into the documentation with: python -m benchmarks.documentation")


if __name__ == "__main__":
    main()
