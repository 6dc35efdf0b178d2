"""What a training is told beside its network and its images. Free of torch."""

from dataclasses import dataclass

from ...experiment.precisions import FLOAT32, SAYS
from ...experiment.recipes import SGD


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """What decides the weights that a training ends with, beside the initial ones, the images and the device.

    ``batch_size``: images a step; the last batch of an epoch is as small as what is left. ``epochs``: times that every
    image is shown. ``seed``: what the order of the images, augmentation and dropout are drawn from (see ``streams``).
    ``augmented``: whether images are cropped and flipped (see ``augmentation``). ``steps``: the training ends after so
    many, or after its epochs if that comes first; None: after its epochs. ``precision``: of the training's products
    (see ``precisions``); the caller sets what ``numerics`` sets.

    ValueError: no images a step, no epochs, no steps, or a precision that there is not.
    """

    sgd: SGD
    batch_size: int
    epochs: int
    seed: int
    augmented: bool = False
    steps: int | None = None
    precision: str = FLOAT32

    def __post_init__(self) -> None:
        for name in ("batch_size", "epochs", "steps"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise ValueError(f"{name}={count}: must be at least 1")
        if self.precision not in SAYS:
            raise ValueError(f"precision={self.precision!r}: must be one of {', '.join(SAYS)}")
