"""Square-root scaling: the learning rate grows with the square root of the batch size (Hoffer et al. 2017)."""

from repro.claims import LEARNING_RATE, SGD, Recipe


def _square_root(batch_size, momentum):
    return SGD(LEARNING_RATE * (batch_size / 64) ** 0.5, momentum)


def LR_ROOT_BS(momentum=0.0):
    """The learning rate is 0.01 at batch size 64, as it is for the paper's recipes."""
    return Recipe("LR/root BS", momentum, _square_root)
