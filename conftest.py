"""Registers the plugin that turns the paper's claims into a report (repro/plugin), and pytester, to test it with."""

pytest_plugins = ["repro.plugin", "pytester"]
