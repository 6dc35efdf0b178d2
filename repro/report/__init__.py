"""The report of a session: ``report.json``, ``report.md`` and a PNG for every figure its claims speak of."""

from .write import write_report

__all__ = ["write_report"]
