"""What a caller gives to the public functions: a network, images and labels, in whatever mode the caller is.

Each is looked at once, before anything is computed. What would give a wrong number without a word is refused in one
sentence that says what was given and what would be right.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch
from torch import Tensor, nn

from ...errors import named_line

FEW: Final = 2  # images of the pass that shows what a network returns


class NotFiniteError(ValueError):
    """A network's output or derivative is not a finite number, so nothing can be read off it."""


@contextmanager
def own_modes() -> Iterator[None]:
    """Gradients are recorded and nothing is cast, whatever the caller's modes are; afterwards they are as before."""
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast("cpu", enabled=False):
        if not torch.is_autocast_enabled("cuda"):
            yield
            return
        with torch.autocast("cuda", enabled=False):
            yield


@contextmanager
def evaluated(model: nn.Module) -> Iterator[None]:
    """The network in evaluation mode; afterwards each of its modules is in the mode it was in."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


def given(model: nn.Module, images: Tensor, labels: Tensor, *, pixels: bool = False) -> tuple[Tensor, Tensor]:
    """The images, and the labels (N,) as integers of 64 bits, once all three fit together.

    ``pixels``: the images must be in [0, 1]. Runs the network on the first images, in evaluation mode. ValueError: one
    of the three is not what it must be. NotFiniteError: the network's output is not finite.
    """
    images, labels = together(model, images, labels, pixels)
    with torch.no_grad():
        check_finite(first_logits(model, images, labels))
    return images, labels


def together(model: nn.Module, images: Tensor, labels: Tensor, pixels: bool = False) -> tuple[Tensor, Tensor]:
    """What ``given`` gives, without a look at what the network returns."""
    if not isinstance(model, nn.Module):
        raise ValueError(f"model is {_kind(model)}: must be a torch.nn.Module that takes images and returns logits")
    images, labels = _images(images, pixels), _labels(labels)
    if len(labels) != len(images):
        raise ValueError(f"{len(labels)} labels for {len(images)} images: must be one label an image")
    if labels.device != images.device:
        raise ValueError(f"labels are on {labels.device} and images on {images.device}: must be on one device")
    return images, labels


def check_finite(logits: Tensor) -> None:
    """NotFiniteError: a network's output is not finite."""
    if not logits.isfinite().all():
        raise NotFiniteError("the network's output is not finite: look for NaN or infinity in its weights")


def first_logits(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """What a network returns for the first images, in evaluation mode: logits (2, K) or (1, K).

    ValueError: it fails on them, what it returns are no logits, or the labels (N,) are not among their classes.
    """
    few = images[:FEW]
    with evaluated(model):
        try:
            logits = model(few)
        except Exception as error:
            raise ValueError(f"the network fails on images {(*few.shape,)}: {named_line(error)}") from error
    if not isinstance(logits, Tensor):
        raise ValueError(f"the network returns {_kind(logits)}: must be a tensor of logits (images, classes)")
    if logits.dim() != 2 or len(logits) != len(few) or logits.shape[1] < 2:
        raise ValueError(
            f"the network returns {(*logits.shape,)} for images {(*few.shape,)}: must be logits (images, classes) of "
            "two classes at least; an output with further places is not supported"
        )
    _check_classes(labels, logits)
    return logits


def learns(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """What ``first_logits`` gives. ValueError: as there, or no parameter of the network can change its output."""
    if not any(p.requires_grad for p in model.parameters()):
        raise ValueError("no parameter of the model requires gradients, so its loss has no derivative in them")
    if any(p.is_inference() for p in model.parameters()):
        raise ValueError("the model was made in inference mode, where parameters have no derivative: make it outside")
    logits = first_logits(model, images, labels)
    if not logits.requires_grad:
        raise ValueError("the network's output is detached from its parameters, so the loss has no derivative in them")
    return logits


def channels_last(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Lay out a network's weights and images (N, C, H, W) channels_last, if it takes them so; returns the images.

    A network that asks for a view of a convolution's output as rows takes PyTorch's default layout alone.
    """
    if images.dim() != 4:
        return images
    layout = preferred_layout(model)
    model.to(memory_format=layout)
    if layout != torch.channels_last:
        return images.contiguous()
    laid_out = images.contiguous(memory_format=torch.channels_last)
    try:
        first_logits(model, laid_out, labels)
    except ValueError:
        model.to(memory_format=torch.contiguous_format)
        return images.contiguous()
    return laid_out


def preferred_layout(model: nn.Module) -> torch.memory_format:
    """The memory layout that a network is fastest in, where it has it.

    On a CPU channels_last, but for networks that it breaks. On a GPU PyTorch's default: on an H200, in float32 with
    deterministic algorithms, StdCNN took 1.01, 1.18 and 1.08 times as many training steps a second as in channels_last,
    and M1 1.31, 1.19 and 1.49 times as many (batch sizes 64, 256 and 1024).
    """
    if any(part.is_cuda for part in model.parameters()):
        return torch.contiguous_format
    broken = any(_breaks(part) or _loses_digits(part) for part in model.modules())
    return torch.contiguous_format if broken else torch.channels_last


def _breaks(layer: nn.Module) -> bool:
    """Whether it may abort the process where images are channels_last.

    On processors without AVX-512, oneDNN's gradient in the input of a convolution of 1x1 with steps writes beyond its
    memory where there are fewer than eight input channels (PyTorch 2.14; ResNet18 of width 4 has two of them).
    """
    if not isinstance(layer, nn.Conv2d):
        return False
    return layer.kernel_size == (1, 1) and layer.in_channels < 8 and max(layer.stride) > 1


def _loses_digits(layer: nn.Module) -> bool:
    """Whether it is PyTorch's own batch norm in training on a CPU, which sums channels_last images badly.

    The networks of the paper have one that does not (see ``networks.norm``).
    """
    held = (*layer.parameters(), *layer.buffers())
    return type(layer) is nn.BatchNorm2d and layer.training and all(part.device.type == "cpu" for part in held)


def _check_classes(labels: Tensor, logits: Tensor) -> None:
    """ValueError: a label (N,) is not one of the classes of the logits (., K)."""
    least, largest, classes = int(labels.min()), int(labels.max()), logits.shape[1]
    if least < 0 or largest >= classes:
        raise ValueError(
            f"labels reach from {least} to {largest}: must be from 0 to {classes - 1}, since the network has "
            f"{classes} logits; no label is left out of the mean"
        )


def _images(images: Tensor, pixels: bool) -> Tensor:
    if not isinstance(images, Tensor):
        raise ValueError(f"images is {_kind(images)}: must be a tensor (images, ...)")
    if images.dim() == 0 or len(images) == 0:
        raise ValueError("images is empty: must be a tensor (images, ...) with at least one image")
    if images.is_floating_point() and not images.isfinite().all():
        raise ValueError("images: some pixels are NaN or infinite")
    if pixels:
        _check_pixels(images)
    return own(images)


def _check_pixels(images: Tensor) -> None:
    if not images.is_floating_point():
        raise ValueError(f"images are {images.dtype}: must be floating-point pixels in [0, 1] (divide bytes by 255)")
    least, largest = images.min().item(), images.max().item()
    if least < 0 or largest > 1:
        raise ValueError(
            f"images reach from {least:g} to {largest:g}: must be pixels in [0, 1], the unit of epsilon; let "
            "standardisation be the network's first layer"
        )


def _labels(labels: Tensor) -> Tensor:
    if not isinstance(labels, Tensor):
        raise ValueError(f"labels is {_kind(labels)}: must be a tensor (images,) of integers")
    whole = not (labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool)
    if labels.dim() != 1 or not whole:
        raise ValueError(
            f"labels have the shape {(*labels.shape,)} and are {labels.dtype}: must be one integer an image, (images,)"
        )
    return own(labels.long())


def own(x: Tensor) -> Tensor:
    """A tensor that gradients can be taken of: a copy, if it was made in inference mode; else itself, detached."""
    return x.clone() if x.is_inference() else x.detach()


def copied(model: nn.Module) -> nn.Module:
    """A copy of a network, that of a pruned or weight-normed one too.

    Those hold weights that are computed from their parameters before each pass, which ``deepcopy`` refuses; the copy
    computes its own. ValueError: something else in it cannot be copied.
    """
    held = (value for module in model.modules() for value in vars(module).values() if isinstance(value, Tensor))
    memo = {id(value): value.detach().clone() for value in held if value.grad_fn is not None}
    try:
        return copy.deepcopy(model, memo)
    except Exception as error:
        raise ValueError(f"the network cannot be copied: {named_line(error)}") from error


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"
