"""How a trained run is measured: the choices that need no training. Free of torch.

The paper leaves most of this open; the defaults are our first reading and stand here, each with its reason. Another
reading of the same trained run is measured and stored beside it.
"""

from dataclasses import dataclass
from typing import Final

# 40 steps of 0.01 at epsilon 0.3 are Madry et al.'s for MNIST: together 4/3 of epsilon. Other epsilons and numbers of
# steps keep that proportion, so a start anywhere in the ball can reach any side of it.
REACH: Final = 4 / 3


@dataclass(frozen=True)
class Reading:
    """How many images each measure is taken on, and how hard PGD tries.

    ``test_images``: clean accuracy. ``attacked_images``: FGSM and PGD accuracy, the first of the test images.
    ``hessian_images``: the first of the training images, without augmentation; lambda1 is that of their mean loss in
    evaluation mode. None is all of the split.
    """

    test_images: int | None
    attacked_images: int | None
    pgd_steps: int
    hessian_images: int | None

    def pgd_step_size(self, epsilon: float) -> float:
        """The size of a PGD step, in epsilon's unit."""
        return REACH * epsilon / self.pgd_steps
