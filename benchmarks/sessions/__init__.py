"""Whole commands: what a session costs, and what its processes do with their time."""
