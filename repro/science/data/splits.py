"""The data sets as resident tensors, in the paper's splits.

Source of the splits: Appendix A. Which images are held out for validation the paper does not say; we shuffle the
published training images once, with a fixed seed that no run's seed touches, and hold out the last ones.
"""

from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import DataError
from ...experiment.datasets import DATASETS, Arrays, Dataset
from .sources import Source
from .surrogate import CLASSES, surrogate

SPLIT_SEED: Final = 1904


@dataclass(frozen=True)
class Split:
    """Images (N, C, H, W) as bytes, and labels (N,), in a fixed shuffled order: any leading part is a fair sample."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, count: int | None = None, device: str | torch.device = "cpu") -> tuple[Tensor, Tensor]:
        """The first ``count`` images (all by default) as float32 pixels in [0, 1], and their labels, on a device."""
        images, labels = self.images[:count].to(device), self.labels[:count].to(device)
        return images.float().div_(255), labels


@dataclass(frozen=True)
class Data:
    """A data set in the paper's three splits."""

    train: Split
    validation: Split
    test: Split


@lru_cache(maxsize=2)  # all of the paper's have 282 MiB; a session goes from one to the next, and seldom back
def load(source: Source) -> Data:
    """Read a data set from its source and split it; each process holds the last two in memory, as bytes.

    DataError: what its ``read`` returns is not what the data set says of itself.
    """
    train, test = _surrogate(source) if source.kind == "surrogate" else _published(source)
    train, test = _shuffled(train, SPLIT_SEED), _shuffled(test, SPLIT_SEED + 1)
    dataset = DATASETS[source.dataset]
    # the surrogate is smaller than the published sets; it is split in the same proportion
    cut = len(train) * dataset.train // (dataset.train + dataset.validation)
    return Data(Split(train.images[:cut], train.labels[:cut]), Split(train.images[cut:], train.labels[cut:]), test)


def _shuffled(split: Split, seed: int) -> Split:
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(seed))
    return Split(split.images[order], split.labels[order])


def _published(source: Source) -> tuple[Split, Split]:
    dataset = DATASETS[source.dataset]
    read = dataset.read or partial(_by_torchvision, source.dataset)
    splits = []
    for train, count in ((True, dataset.train + dataset.validation), (False, dataset.test)):
        pixels, labels = (np.asarray(values) for values in read(source.root, train))
        _require(dataset, pixels, labels, count)
        images = torch.as_tensor(pixels)
        images = images.unsqueeze(1) if images.dim() == 3 else images.permute(0, 3, 1, 2)
        splits.append(Split(images.contiguous(), torch.as_tensor(labels).long()))
    return splits[0], splits[1]


def _require(dataset: Dataset, pixels: NDArray[Any], labels: NDArray[Any], count: int) -> None:
    """DataError: what was read is not what the data set says of itself, in a line that says what would be."""
    shape = (
        count,
        dataset.side,
        dataset.side,
        *((dataset.channels,) if pixels.ndim == 4 or dataset.channels > 1 else ()),
    )
    if pixels.dtype != np.uint8 or pixels.shape != shape:
        raise DataError(
            f"{dataset.name}: its images were read as {pixels.dtype} {pixels.shape}: must be bytes (uint8) {shape}"
        )
    if labels.shape != (count,) or not np.isin(labels, range(CLASSES)).all():
        raise DataError(
            f"{dataset.name}: its labels were read as {labels.shape}: must be {count:,} from 0 to {CLASSES - 1}"
        )


def _by_torchvision(name: str, root: Path, train: bool) -> Arrays:
    import torchvision  # half a second that the surrogate does not need

    read = getattr(torchvision.datasets, name)(root, train=train, download=False)
    return read.data, read.targets


def _surrogate(source: Source) -> tuple[Split, Split]:
    arrays = surrogate(source.dataset, source.root)
    return (
        Split(torch.from_numpy(arrays.train_images), torch.from_numpy(arrays.train_labels)),
        Split(torch.from_numpy(arrays.test_images), torch.from_numpy(arrays.test_labels)),
    )
