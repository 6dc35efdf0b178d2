"""One epoch of training, against a tutorial's loop: Dataset, DataLoader, ToTensor, torch.optim.SGD."""

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor

from repro.science.models import build
from repro.science.recipes import LR
from repro.science.tasks import TASKS, Task
from repro.science.training import train

Pair = tuple[Callable[[], None], Callable[[], None]]


class Images(Dataset):
    """What torchvision's data sets do for an item: an image object, made a tensor."""

    def __init__(self, pixels: np.ndarray, labels: torch.Tensor) -> None:
        self.pixels, self.labels, self.transform = pixels, labels, ToTensor()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.transform(Image.fromarray(self.pixels[i])), self.labels[i]


def epoch(task: Task, batch_size: int, count: int) -> Pair:
    generator = torch.Generator().manual_seed(0)
    shape = (count, task.dataset.channels, task.dataset.side, task.dataset.side)
    pixels = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 10, (count,), generator=generator)
    images = pixels.float() / 255
    ours, theirs = build(task, 0), build(task, 0)
    arrays = pixels.permute(0, 2, 3, 1).squeeze(-1).numpy()
    loader = DataLoader(Images(arrays, labels), batch_size, shuffle=True)
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.01)

    def tutorial() -> None:
        theirs.train()
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(theirs(x), y).backward()
            optimizer.step()

    def harness() -> None:
        train(ours, images, labels, sgd=LR().sgd(batch_size), batch_size=batch_size, epochs=1, seed=0)

    return harness, tutorial


CASES = {
    f"train-{task}-{size}": (lambda task=task, size=size, count=count: epoch(TASKS[task], size, count))
    for task, count in (("M1-MNIST", 1024), ("StdCNN-MNIST", 4096), ("C1-CIFAR10", 512))
    for size in (64, 512)
}
