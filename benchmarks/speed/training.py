"""One epoch of training, against a tutorial's loop: Dataset, DataLoader, ToTensor, torch.optim.SGD."""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import Compose, RandomCrop, RandomHorizontalFlip, ToTensor

from repro.experiment.recipes import LR, SGD
from repro.experiment.tasks import TASKS, Task
from repro.science.computing.streams import stream
from repro.science.data.augmentation import PADDING
from repro.science.networks.models import build
from repro.science.training.settings import TrainingSettings
from repro.science.training.training import orders, train

from ..results import Result
from ..sides import Pair, Timed
from .networks import as_written

CHECKED = 544  # images of the check: whole batches and a smaller one
LOSSES_SAME = 1e-6  # how far apart the same work may end: our mean loss is summed in float32
WEIGHTS_SAME = 1e-9


class Images(Dataset[tuple[Tensor, Tensor]]):
    """What torchvision's data sets do for an item: an image object, made a tensor, perhaps after the paper's crops."""

    def __init__(
        self, pixels: Tensor, labels: Tensor, dtype: torch.dtype = torch.float32, *, augmented: bool = False
    ) -> None:
        self.pixels: np.ndarray = pixels.permute(0, 2, 3, 1).squeeze(-1).numpy()
        crops = [RandomCrop(pixels.shape[-1], padding=PADDING), RandomHorizontalFlip()] if augmented else []
        self.labels, self.transform, self.dtype = labels, Compose([*crops, ToTensor()]), dtype

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return self.transform(Image.fromarray(self.pixels[i])).to(self.dtype), self.labels[i]


Batches = Iterable[tuple[Tensor, Tensor]]


def tutorial_steps(model: nn.Module, batches: Batches, optimizer: torch.optim.Optimizer) -> Iterator[Tensor]:
    """Training as tutorials write it: the loss of each batch, whose step is then taken."""
    model.train()
    for x, y in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        yield loss.detach()


def tutorial_epoch(model: nn.Module, batches: Batches, optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """The losses of an epoch's batches."""
    return [*tutorial_steps(model, batches, optimizer)]


def pixels_of(task: Task, count: int) -> tuple[Tensor, Tensor]:
    """Random bytes and labels: what is in them makes no difference to the time."""
    generator = torch.Generator().manual_seed(0)
    shape = (count, task.dataset.channels, task.dataset.side, task.dataset.side)
    pixels = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    return pixels, torch.randint(0, 10, (count,), generator=generator)


def epoch(task: Task, batch_size: int, count: int) -> Pair:
    pixels, labels = pixels_of(task, count)
    images, sgd = pixels.float() / 255, LR().sgd(batch_size)
    settings = TrainingSettings(sgd=sgd, batch_size=batch_size, epochs=1, seed=0)
    ours, theirs = build(task, 0), as_written(build(task, 0))
    loader = DataLoader(Images(pixels, labels), batch_size, shuffle=True)
    optimizer = torch.optim.SGD(theirs.parameters(), lr=sgd.learning_rate)

    def harness() -> None:
        train(ours, images, labels, settings)

    def check() -> Result:
        return compare(task, batch_size, pixels[:CHECKED], labels[:CHECKED], sgd)

    return Pair(harness, lambda: tutorial_epoch(theirs, loader, optimizer), check)


def compare(task: Task, batch_size: int, pixels: Tensor, labels: Tensor, sgd: SGD) -> Result:
    """Whether both loops come to the same losses and weights, on the same batches from the same weights.

    In double precision they must; in float32 rounding sets them apart, most where there is batch norm: PyTorch's sums
    less accurately over a channels_last batch.
    """
    found = {}
    for dtype, name in ((torch.float64, "in_double_precision"), (torch.float32, "in_float32")):
        found[name] = _differences(task, batch_size, Images(pixels, labels, dtype), pixels, sgd)
    exact = found["in_double_precision"]
    fault = (
        f"on the same batches the losses differ by {exact['losses']:.1e} of the loss and the weights by "
        f"{exact['weights']:.1e} of what changed in them, in double precision: the two loops do not do the same work"
    )
    same = exact["losses"] <= LOSSES_SAME and exact["weights"] <= WEIGHTS_SAME
    return Result({}, {"differences": found}, () if same else (fault,))


def _differences(task: Task, batch_size: int, images: Images, pixels: Tensor, sgd: SGD) -> dict[str, float]:
    before, ours, theirs = (build(task, 0).to(images.dtype) for _ in range(3))
    x = (pixels.float() / 255).to(images.dtype)
    settings = TrainingSettings(sgd=sgd, batch_size=batch_size, epochs=1, seed=0)
    history = train(ours, x, images.labels, settings)
    (order,) = orders(len(images), 1, 0, torch.device("cpu"))
    loader = DataLoader(images, batch_size, sampler=order.tolist(), generator=torch.Generator())
    torch.manual_seed(stream(0, "dropout"))
    losses = tutorial_epoch(
        as_written(theirs), loader, torch.optim.SGD(theirs.parameters(), sgd.learning_rate, sgd.momentum)
    )
    sizes = torch.tensor([len(batch) for batch in order.split(batch_size)], dtype=images.dtype)
    loss = (torch.stack(losses) @ sizes / len(images)).item()
    return {"losses": abs(loss / history.losses[0] - 1), "weights": _difference(before, ours, theirs)}


@torch.no_grad()
def _difference(before: nn.Module, ours: nn.Module, theirs: nn.Module) -> float:
    """The distance of the weights, as a share of how far training took them."""
    start, own, other = (torch.cat([p.flatten() for p in m.parameters()]) for m in (before, ours, theirs))
    return float(((own - other).norm() / (other - start).norm()).item())


IMAGES = {"M1-MNIST": 1024, "StdCNN-MNIST": 4096, "C1-CIFAR10": 512}
ASKED = {("C1-CIFAR10", 64): 1.3, ("C1-CIFAR10", 512): 1.3}
CASES = {
    f"train-{task}-{size}": Timed(
        partial(epoch, TASKS[task], size, count), ASKED.get((task, size), {64: 1.5, 512: 1.7}[size])
    )
    for task, count in IMAGES.items()
    for size in (64, 512)
}
