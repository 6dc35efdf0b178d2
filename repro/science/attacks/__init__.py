"""Attacks on a network in the maximum norm, on pixels in [0, 1]."""
