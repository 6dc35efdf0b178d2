"""Enters the task of these claims, its data set and its figures, before a session's options are read."""

import figures  # noqa: F401
import two_layers  # noqa: F401
