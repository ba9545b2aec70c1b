"""Results for people: tables, the event log, the HTML report, pictures of a market."""

from tessera_env.report.text import results_text

__all__ = ["results_text"]
