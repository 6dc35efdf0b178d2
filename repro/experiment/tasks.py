"""The paper's six tasks: each is a network on a data set. Free of torch, so that a plan can be made from them."""

from dataclasses import dataclass
from typing import Final

from ..errors import SettingError
from .datasets import CIFAR10, DATASETS, FASHION, MNIST, Dataset
from .networks import NETWORKS, Network
from .registry import Registry


@dataclass(frozen=True)
class Task:
    """A network, by its name, on a data set; ``str(task)`` is the task's name.

    SettingError: no such network, or no such data set, was entered.

    >>> str(M1_MNIST)
    'M1-MNIST'
    """

    architecture: str
    dataset: Dataset

    def __post_init__(self) -> None:
        NETWORKS.known(self.architecture)
        dataset: object = self.dataset  # whoever gives its name is told in one line
        if not isinstance(dataset, Dataset):
            DATASETS.known(str(dataset))
            raise SettingError(f"data set {dataset!r}: must be the data set itself, not its name")
        DATASETS.known(self.dataset.name)

    @property
    def network(self) -> Network:
        """What is known of its network."""
        return NETWORKS.known(self.architecture)

    def __str__(self) -> str:
        return f"{self.architecture}-{self.dataset.name}"


TASKS: Final = Registry[Task]("task")
ALL_TASKS: Final = "all tasks"  # where a verdict speaks of all of them as one


def task(network: Network, dataset: Dataset) -> Task:
    """Enter a task."""
    entered = Task(network.name, dataset)
    return TASKS.enter(str(entered), entered)


M1_MNIST: Final = task(NETWORKS["M1"], MNIST)
STDCNN_MNIST: Final = task(NETWORKS["StdCNN"], MNIST)
M1_FASHION: Final = task(NETWORKS["M1"], FASHION)
STDCNN_FASHION: Final = task(NETWORKS["StdCNN"], FASHION)
C1_CIFAR10: Final = task(NETWORKS["C1"], CIFAR10)
RESNET18_CIFAR10: Final = task(NETWORKS["ResNet18"], CIFAR10)

# The paper varies momentum on four of the six: figures 22 to 39 leave Fashion-MNIST out.
SHOWN_WITH_MOMENTA: Final = (M1_MNIST, STDCNN_MNIST, C1_CIFAR10, RESNET18_CIFAR10)
