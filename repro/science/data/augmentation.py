"""CIFAR-10's augmentation, on whole batches where the batch lives.

What the paper says: random crops and random horizontal flips of CIFAR-10's training images; and of all three data sets
that they were augmented suitably, for testing too, without saying how. What we chose: the usual 4 pixels of padding
(zeros), in training alone, and nothing for MNIST and Fashion-MNIST.
"""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

PADDING: Final = 4


def crop_and_flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image of a batch (N, C, H, W) shifted by up to 4 pixels each way and mirrored with probability one half.

    Draws from ``generator``, which lives on the images' device; one gather does both. The layout in memory stays.
    """
    n, _, height, width = images.shape
    device = images.device
    shift = torch.randint(0, 2 * PADDING + 1, (2, n, 1), generator=generator, device=device)
    mirrored = torch.rand((n, 1), generator=generator, dtype=torch.float32, device=device) < 0.5
    across = torch.arange(width, device=device).expand(n, width)
    rows = torch.arange(height, device=device) + shift[0]
    columns = torch.where(mirrored, width - 1 - across, across) + shift[1]
    padded = F.pad(images, (PADDING,) * 4).permute(0, 2, 3, 1)
    picked = padded[torch.arange(n, device=device)[:, None, None], rows[:, :, None], columns[:, None, :]]
    plain = images.is_contiguous()  # as the network was laid out for, which some layers need (see ``inputs``)
    return picked.permute(0, 3, 1, 2).contiguous(
        memory_format=torch.contiguous_format if plain else torch.channels_last
    )
