"""Independent random streams of one seed.

A run draws its data order, dropout masks and augmentation from streams of its own, so two runs of equal seed see the
same order whatever their recipe, and nothing a run draws is shifted by what another one drew. Free of torch.
"""

import hashlib


def stream(seed: int, purpose: str) -> int:
    """A 63-bit seed for one purpose of a run's seed."""
    return int.from_bytes(hashlib.sha256(f"{purpose}:{seed}".encode()).digest()[:8]) >> 1
