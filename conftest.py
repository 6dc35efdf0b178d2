"""Registers the plugin that turns the paper's claims into a report; it stands in repro/plugin."""

pytest_plugins = ["repro.plugin"]
