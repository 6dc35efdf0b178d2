"""Ratios against what a user would otherwise write, in one run; and the calibration of the decisions."""
