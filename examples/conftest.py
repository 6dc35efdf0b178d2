"""Enters the task of these claims, and its data set, before a session's options are read."""

import two_layers  # noqa: F401
