"""The colours of lines. Free of matplotlib."""

import zlib
from typing import Final

# The paper's colours where it names them: LR light blue, LR/BS purple, Benchmark red (Sections 2.1 and 3).
COLOURS: Final = {
    "LR m=0": "#56a5d8",
    "LR m=0.2": "#1f4e9c",
    "LR m=0.5": "#2a8c6a",
    "LR m=0.9": "#e08e2b",
    "LR/BS m=0": "#7b3fa0",
    "LR/BS m=0.9": "#d957a8",
    "Benchmark": "#cc2f2f",
}
SPARE: Final = ("#6b6b6b", "#8c564b", "#17a2a8", "#9aa21f", "#3b3b8f")


def colour_of(recipe: str) -> str:
    """A line's colour; a recipe that the paper does not have gets one of the spare ones, always the same."""
    return COLOURS.get(recipe) or SPARE[zlib.crc32(recipe.encode()) % len(SPARE)]
