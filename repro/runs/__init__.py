"""What a run is, where it lives, who makes it when, and what it costs.

Imports the experiment, and the science where a run is made (``trainer``, ``networks``) or its images are counted. The
key of a run is made in ``run``, its folder in ``store``; ``workshop`` says which process trains it.
"""
