"""What a training is told beside its network and its images. Free of torch."""

from dataclasses import dataclass

from ...experiment.precisions import FLOAT32, SAYS
from ...experiment.recipes import SGD, compressed_amount, compressed_rate, training_amount


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """What decides the weights that a training ends with, beside the initial ones, the images and the device.

    ``batch_size``: images a step; the last batch of an epoch is as small as what is left. ``epochs``: times that every
    image is shown. ``seed``: what the order of the images, augmentation and dropout are drawn from (see ``streams``).
    ``augmented``: whether images are cropped and flipped (see ``augmentation``). ``steps``: the training ends after so
    many, or after its epochs if that comes first; None: after its epochs. ``compressed``: the learning rates of all its
    epochs are gone through in those steps. ``precision``: of the training's products (see ``precisions``); the caller
    sets what ``numerics`` sets.

    ValueError: no images a step, no epochs, no steps, nothing to compress to, or a precision that there is not.
    """

    sgd: SGD
    batch_size: int
    epochs: int
    seed: int
    augmented: bool = False
    steps: int | None = None
    precision: str = FLOAT32
    compressed: bool = False

    def __post_init__(self) -> None:
        for name in ("batch_size", "epochs", "steps"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise ValueError(f"{name}={count}: must be at least 1")
        if self.compressed and self.steps is None:
            raise ValueError("compressed=True: must come with steps, to which the learning rates are compressed")
        if self.precision not in SAYS:
            raise ValueError(f"precision={self.precision!r}: must be one of {', '.join(SAYS)}")

    def learning_rate_at(self, step: int, steps_per_epoch: int) -> float:
        """The learning rate of a step, counted from 0."""
        if self.compressed and self.steps is not None:
            return compressed_rate(self.sgd, self.epochs, self.steps, step)
        return self.sgd.learning_rate_at(step // steps_per_epoch)

    def amount(self, steps: int, steps_per_epoch: int) -> float:
        """T, the sum of learning rate / (1 - momentum) over the first steps."""
        if self.compressed and self.steps is not None:
            return compressed_amount(self.sgd, self.epochs, self.steps, steps)
        return training_amount(self.sgd, steps_per_epoch, steps)
