"""``report.html``: the report as one page that needs nothing beside itself."""

from .render import render

__all__ = ["render"]
