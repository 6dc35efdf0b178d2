"""Registers the plugin that turns the paper's claims into a report (repro/plugin), and pytester, to test it with."""

import pytest

pytest_plugins = ["repro.plugin", "pytester"]


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors from here on; what plugins say of the options, or of python -O, ends no session before it."""
    config.getini("filterwarnings").insert(0, "error")
