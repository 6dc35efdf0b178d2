"""Other plugins of pytest that would cost a session of claims time for nothing."""

import sys
from typing import Final

import pytest

HYPOTHESIS: Final = "hypothesispytest"  # the name that its plugin is registered under


def leave_out_idle(config: pytest.Config) -> None:
    """Take hypothesis's plugin out of a session that ends without having used it.

    Its summary imports all of hypothesis, in every process, to find that it has nothing to say: 0.2 seconds, and 1.1
    where Python may not keep compiled modules and pytest rewrites the assertions of all of them anew.
    """
    if "hypothesis" not in sys.modules and config.pluginmanager.has_plugin(HYPOTHESIS) and not _has_said(config):
        config.pluginmanager.unregister(name=HYPOTHESIS)


def _has_said(config: pytest.Config) -> bool:
    """Whether a worker's report brings something that is to be shown here, where hypothesis was not imported."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reports = [report for reports in getattr(reporter, "stats", {}).values() for report in reports]
    return any(name.startswith("_hypothesis") for report in reports for name in getattr(report, "__dict__", ()))
