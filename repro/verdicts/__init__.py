"""From a claim to its verdict: the curves it speaks of, what it declared, and what the stored runs decide.

Imports the runs and the statistics. A claim is declared in ``claim``, decided in ``deciding``, and told in ``verdict``.
"""
