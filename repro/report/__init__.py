"""The report of a session: ``report.html``, ``report.md``, ``report.json``, and every figure its claims speak of."""

from .drawing.pictures import Ahead
from .write import write_report

__all__ = ["Ahead", "write_report"]
