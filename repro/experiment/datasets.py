"""The paper's three data sets, and what a data set has to say of itself. Free of torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from .registry import Registry

# What the paper says: epsilon is 0.3 for MNIST (and Fashion-MNIST) and 0.02 for CIFAR-10; in Section 1, that each pixel
# value is perturbed by at most epsilon.
# What we chose, and where MNIST and Fashion-MNIST depart from that: the code of Yao et al. standardises MNIST and adds
# epsilon to what it feeds the network, so 0.3 is read in the network's input units; at 0.3 of a pixel's range PGD
# leaves about 0% of any of these networks, and every PGD figure would be a flat zero. CIFAR-10 is fed in [0, 1], where
# both units agree.
MNIST_MEAN: Final = 0.1307
MNIST_STD: Final = 0.3081

Arrays = tuple[Any, Any]  # images (N, H, W) or (N, H, W, C) as bytes, and labels (N,) from 0 to 9, as NumPy has them
Reader = Callable[[Path, bool], Arrays]  # of the root and whether the training images are wanted


@dataclass(frozen=True)
class Dataset:
    """A data set of ten classes, and the way it is split, fed and read.

    ``mean`` and ``std`` are the standardisation that the networks apply to pixels in [0, 1]; (0, 1) is none.
    ``epsilon`` is the attack size in the network's input units. ``files`` are those below its root, each with its MD5
    (empty: any content will do). ``read`` reads them; without it the class of torchvision that has the data set's name
    does, which can also download them. Source of the splits: Appendix A, Section 2. What is stored of runs on a data
    set is of what it said of itself then; who changes what ``read`` returns gives it another name.
    """

    name: str
    channels: int
    side: int
    train: int
    validation: int
    test: int
    epsilon: float
    mean: float = 0.0
    std: float = 1.0
    augmented: bool = False
    files: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    read: Reader | None = field(default=None, repr=False, compare=False)

    @property
    def spec(self) -> dict[str, Any]:
        """What it says of itself as plain JSON, but for how it is read."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "read"}
        return {**values, "files": dict(self.files)}

    @property
    def epsilon_pixels(self) -> float:
        """The attack size as a share of a pixel's range [0, 1]: the one place where the unit is converted.

        >>> round(MNIST.epsilon_pixels, 4), CIFAR10.epsilon_pixels
        (0.0924, 0.02)
        """
        return self.epsilon * self.std

    @property
    def epsilon_text(self) -> str:
        """The attack size in both units, for captions and reports."""
        if self.std == 1.0:
            return f"epsilon {self.epsilon:g} of a pixel's range"
        return f"epsilon {self.epsilon:g} in standardised units, {self.epsilon_pixels:.4f} of a pixel's range"


DATASETS: Final = Registry[Dataset]("data set")
PAPERS: Final = ("MNIST", "FashionMNIST", "CIFAR10")


def dataset(*args: Any, **fields: Any) -> Dataset:
    """Enter a data set; it is described by the fields of ``Dataset``. SettingError: its name stands for another."""
    entered = Dataset(*args, **fields)
    return DATASETS.enter(entered.name, entered)


# MD5 of the published files as torchvision lays them out below its root.
MNIST: Final = dataset(
    *("MNIST", 1, 28, 55_000, 5_000, 10_000, 0.3, MNIST_MEAN, MNIST_STD),
    files={
        "MNIST/raw/train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "MNIST/raw/train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "MNIST/raw/t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "MNIST/raw/t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
)
# HessianFlow standardises with MNIST's constants; the paper names no others for Fashion-MNIST, so it gets the same.
FASHION: Final = dataset(
    *("FashionMNIST", 1, 28, 55_000, 5_000, 10_000, 0.3, MNIST_MEAN, MNIST_STD),
    files={
        "FashionMNIST/raw/train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "FashionMNIST/raw/train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "FashionMNIST/raw/t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "FashionMNIST/raw/t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    },
)
CIFAR10: Final = dataset(
    *("CIFAR10", 3, 32, 40_000, 10_000, 10_000, 0.02),
    augmented=True,
    files={
        "cifar-10-batches-py/data_batch_1": "c99cafc152244af753f735de768cd75f",
        "cifar-10-batches-py/data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "cifar-10-batches-py/data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "cifar-10-batches-py/data_batch_4": "634d18415352ddfa80567beed471001a",
        "cifar-10-batches-py/data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "cifar-10-batches-py/test_batch": "40351d587109b95175f43aff81a1287e",
        "cifar-10-batches-py/batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
    },
)
