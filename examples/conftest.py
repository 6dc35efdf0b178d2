"""Enters the task of these claims, its data set, its figures and the paper, before a session's options are read."""

import figures  # noqa: F401
import two_layers  # noqa: F401

from repro.claims import paper

paper(
    "Three Factors Influencing Minima in SGD",
    central="larger-ratio-wider-minima",
    says="that a larger ratio of learning rate to batch size leads to wider minima",
)
