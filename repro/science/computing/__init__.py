"""How a process computes: what it accepts, in which precision, memory and random streams, and by which algorithms.

Knows no network, no attack and no eigenvalue; the other rooms of the science rest on it.
"""
