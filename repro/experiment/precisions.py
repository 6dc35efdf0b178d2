"""In what precision networks are trained: named, chosen for a session, and part of a run's key. Free of torch.

Weights, their momentum and everything that is measured are float32 whatever the name.
"""

from typing import Final

FLOAT32: Final = "float32"
TF32: Final = "tf32"
BFLOAT16: Final = "bfloat16"

SAYS: Final = {
    FLOAT32: "every product of the training in float32, with TensorFloat-32 switched off",
    TF32: "convolutions and matrix products of the training in TensorFloat-32 (10 bits of mantissa; GPU only), the "
    "rest in float32",
    BFLOAT16: "forward and backward passes of the training under bfloat16 autocast (7 bits of mantissa), weights and "
    "their updates in float32",
}


def departure(precision: str) -> str:
    """What every heading adds to the scale; empty for float32."""
    return "" if precision == FLOAT32 else f", trained in {precision}"
