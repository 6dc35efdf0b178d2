"""The paper's three recipes of plain SGD. Free of torch.

Source: Appendix A. LR and LR/BS have no weight decay and keep their learning rate for all of training; Benchmark halves
it every 5 epochs. The paper leaves Benchmark's weight decay to Yao et al.; that there is none is our reading: in
their code the script that trains C1 has none, another, which trains ResNets alone, 5e-4.

At batch size 64 LR and LR/BS set the same learning rate, so with equal momentum they are the same training; ``SGD``
compares equal there, which is how the harness knows to train it once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from ..errors import SettingError
from ..words import did_you_mean

LEARNING_RATE: Final = 0.01
# The paper says 0.00015625. Dividing by 64 is exact in binary, so LR/BS at batch size 64 is LR to the last bit.
PAPERS_ANCHOR: Final = 64  # the batch size at which LR and LR/BS set the same learning rate
RATIO: Final = LEARNING_RATE / PAPERS_ANCHOR
BENCHMARK_MOMENTUM: Final = 0.9
BENCHMARK_HALF_LIFE: Final = 5  # epochs
MOMENTA: Final = (0.0, 0.2, 0.5, 0.9)


@dataclass(frozen=True)
class SGD:
    """What the optimiser is told: the part of a recipe that decides the weights.

    ``half_life`` is the number of epochs after which the learning rate is halved, again and again; None keeps it.
    """

    learning_rate: float
    momentum: float
    half_life: int | None = None

    def __post_init__(self) -> None:
        # a momentum of 0 equals one of 0.0, but JSON writes them differently: equal runs would have different keys
        object.__setattr__(self, "learning_rate", float(self.learning_rate))
        object.__setattr__(self, "momentum", float(self.momentum))

    def learning_rate_at(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        return self.learning_rate if self.half_life is None else self.learning_rate * 0.5 ** (epoch // self.half_life)


Rule = Callable[[float, float], SGD]  # of the batch size, in the paper's terms, and the momentum


@dataclass(frozen=True)
class Recipe:
    """How SGD is set as the batch size varies, with a momentum: the paper's are ``LR``, ``LR/BS`` and ``Benchmark``.

    ``rule`` gives the optimiser's settings at a batch size. ``varied``: it is studied with more than one momentum, so
    that its name has to say which. SettingError: it has no rule, or a momentum that is none.
    """

    name: str
    momentum: float
    rule: Rule = field(default=None, repr=False)  # type: ignore[assignment]  # so that a line says what is missing
    varied: bool = True

    def __post_init__(self) -> None:
        named = f"Recipe({self.name!r}, {self.momentum!r})"
        rule: object = self.rule  # whoever leaves it out, or gives a text for a number, is told in one line
        momentum: object = self.momentum
        if not callable(rule):
            right = "needs a rule, a function of the batch size and the momentum that gives an SGD"
            meant = did_you_mean(self.name, ("LR", "LR/BS", "Benchmark"))
            raise SettingError(f"{named}: {right}; LR(), LR_BS() and BENCHMARK have theirs{meant}")
        if not isinstance(momentum, int | float) or not 0 <= momentum < 1:
            raise SettingError(f"{named}: the momentum must be a number from 0 to below 1")

    def sgd(self, batch_size: int, anchor: int = PAPERS_ANCHOR, schedule_factor: int = 1) -> SGD:
        """The optimiser's settings at a batch size.

        ``anchor``: the batch size that stands for the paper's 64. The rule is asked for the batch size of the paper
        that the actual one stands for: anchored at 16, the settings at 32 are those of 128. ``schedule_factor``: the
        epochs of the schedule that one epoch stands for, to the nearest whole half-life of one epoch or more.

        >>> LR_BS().sgd(32, anchor=16) == LR_BS().sgd(128)
        True
        >>> BENCHMARK.sgd(64, schedule_factor=5)
        SGD(learning_rate=0.01, momentum=0.9, half_life=1)
        """
        sgd = self.rule(batch_size * PAPERS_ANCHOR / anchor, self.momentum)
        return replace(sgd, half_life=sgd.half_life and max(1, round(sgd.half_life / schedule_factor)))

    def __str__(self) -> str:
        return f"{self.name} m={self.momentum:g}" if self.varied else self.name


def _fixed(_: float, momentum: float) -> SGD:
    return SGD(LEARNING_RATE, momentum)


def _ratio(batch_size: float, momentum: float) -> SGD:
    return SGD(RATIO * batch_size, momentum)


def _halved(_: float, momentum: float) -> SGD:
    return SGD(LEARNING_RATE, momentum, BENCHMARK_HALF_LIFE)


def LR(momentum: float = 0.0) -> Recipe:
    """The recipe LR: a fixed learning rate of 0.01."""
    return Recipe("LR", momentum, _fixed)


def LR_BS(momentum: float = 0.0) -> Recipe:
    """The recipe LR/BS: a constant ratio of learning rate to batch size, 0.00015625.

    >>> LR_BS().sgd(256)
    SGD(learning_rate=0.04, momentum=0.0, half_life=None)
    >>> LR_BS().sgd(64) == LR().sgd(64)
    True
    """
    return Recipe("LR/BS", momentum, _ratio)


BENCHMARK: Final = Recipe("Benchmark", BENCHMARK_MOMENTUM, _halved, varied=False)


def compressed_rate(sgd: SGD, epochs: int, steps: int, step: int) -> float:
    """The learning rate of a step, counted from 0, where the schedule of so many epochs is compressed to ``steps``.

    >>> [compressed_rate(SGD(learning_rate=1, momentum=0, half_life=5), 10, 4, step) for step in range(4)]
    [1.0, 1.0, 0.5, 0.5]
    """
    return sgd.learning_rate_at(epochs * step // steps)


@lru_cache(maxsize=1 << 12)
def compressed_amount(sgd: SGD, epochs: int, steps: int, done: int) -> float:
    """T after the first steps that are ``done`` of a schedule that is compressed to ``steps``."""
    return sum(compressed_rate(sgd, epochs, steps, step) for step in range(done)) / (1 - sgd.momentum)


@lru_cache(maxsize=1 << 12)
def training_amount(sgd: SGD, steps_per_epoch: int, steps: int) -> float:
    """T, the sum of learning rate / (1 - momentum) over the first steps: training in units of gradient-flow time.

    >>> training_amount(SGD(learning_rate=0.5, momentum=0.75), steps_per_epoch=100, steps=250)
    500.0
    """
    epochs, rest = divmod(steps, steps_per_epoch)
    whole = sum(sgd.learning_rate_at(epoch) for epoch in range(epochs)) * steps_per_epoch
    return (whole + rest * sgd.learning_rate_at(epochs)) / (1 - sgd.momentum)


def steps_to(sgd: SGD, steps_per_epoch: int, amount: float) -> int:
    """The number of steps, one at least, after which T is nearest to an amount that training does reach."""
    epoch, left = 0, amount * (1 - sgd.momentum)
    while left > (reached := steps_per_epoch * sgd.learning_rate_at(epoch)):
        epoch, left = epoch + 1, left - reached
    return max(1, epoch * steps_per_epoch + round(left / sgd.learning_rate_at(epoch)))
