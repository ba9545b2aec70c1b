"""What a simulation of services found: cost, availability, how long it was out."""

from tessera_env.evaluation.results import Results, Table
from tessera_env.report.columns import SERVICE_CAPTION

HEADINGS = ("Available", "Of on-demand", "Outages", "Longest", "Preemptions", "Failed launches")


def services_lines(results: Results, titles: dict[str, str]) -> list[str]:
    """The table of services, a line a policy, and what its columns are.

    Args:
        results: of a simulation.
        titles: what to call each policy.
    """
    rows = [("Services", *HEADINGS), *((titles[label], *_cells(table)) for label, table in results.tables.items())]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [*(_line(row, widths) for row in rows), f"{SERVICE_CAPTION} Means a world."]


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    numbers = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
    return "  ".join([row[0].ljust(widths[0]), *numbers])


def _cells(table: Table) -> tuple[str, ...]:
    means = {name: float(table[name].mean()) for name in _METRICS}
    return (
        f"{100 * means['availability']:.3f} %",
        f"{100 * means['relative_cost']:.1f} %",
        f"{means['outages']:.1f}",
        f"{60 * means['longest_outage_h']:.1f} min",
        f"{means['preemptions']:.1f}",
        f"{means['failed_launches']:.1f}",
    )


_METRICS = ("availability", "relative_cost", "outages", "longest_outage_h", "preemptions", "failed_launches")
