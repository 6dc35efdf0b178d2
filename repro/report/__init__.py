"""The report of a session: ``report.json``, ``report.md`` and a PNG for every figure its claims speak of."""

from .drawing.pictures import Ahead
from .write import write_report

__all__ = ["Ahead", "write_report"]
