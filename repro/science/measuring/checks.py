"""How much the instruments are checked: the sizes that their costs follow from. Free of torch."""

from typing import Final

IMAGES: Final = 32  # attacked images
STEPS: Final = 4  # of PGD: the order of accuracies is asked for, not their size
CURVED_IMAGES: Final = 64  # images whose graph is held while the curvature of each is taken; those of a second start
# With the top eigenvalue withheld (16 networks of the quick regime, 64 trials), one product from this start found 0.3
# times the top in the middle, two 0.7, three 0.9; from a uniform start 0.0, 0.2 and 0.7. Two reveal a top of 1.6 times
# what was found; an instrument that is wrong (the other end of the spectrum, a damaged basis) is further off than that.
SECOND_PRODUCTS: Final = 2
