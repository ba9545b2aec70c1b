"""Results as one HTML file that works offline."""

from tessera_env.report.html.report import report_html, write_report

__all__ = ["report_html", "write_report"]
