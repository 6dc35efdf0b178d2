"""The update of SGD by PyTorch's own fused kernel, without PyTorch's optimiser class.

The first use of that class imports PyTorch's compiler: two seconds in every process, for nothing that is used here.
The weights are to the last bit those of ``torch.optim.SGD(fused=True)``.
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.optim.sgd import sgd as update

from ...experiment.recipes import SGD


class Descent:
    """Plain SGD with momentum on the parameters that have gradients when a step is taken."""

    def __init__(self, parameters: Iterable[nn.Parameter], sgd: SGD) -> None:
        self._parameters = list(parameters)
        device = self._parameters[0].device
        # a CPU takes the number itself, in double precision; a CUDA graph needs it on the device
        on_cpu = device.type == "cpu"
        self._rate: float | Tensor = sgd.learning_rate
        if not on_cpu:
            self._rate = torch.tensor(sgd.learning_rate, dtype=torch.float32, device=device)
        self._momentum = sgd.momentum
        self._buffers: dict[nn.Parameter, Tensor] = {}

    def set_rate(self, learning_rate: float) -> None:
        """Change the learning rate, where it lies."""
        if isinstance(self._rate, Tensor):
            self._rate.fill_(learning_rate)
        else:
            self._rate = learning_rate

    def zero_grad(self) -> None:
        """Leave the parameters without gradients."""
        for p in self._parameters:
            p.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """w <- w - rate * b with b <- momentum * b + gradient, which begins as the gradient."""
        moved = [(p, p.grad) for p in self._parameters if p.grad is not None]
        buffers = [self._buffers.get(p) for p, _ in moved]
        update(
            [p for p, _ in moved],
            [gradient for _, gradient in moved],
            buffers,
            fused=True,
            weight_decay=0.0,
            momentum=self._momentum,
            lr=self._rate,  # the fused kernel takes a tensor, too
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )
        self._buffers = {p: b for (p, _), b in zip(moved, buffers, strict=True) if b is not None}

    @property
    def momenta(self) -> list[tuple[nn.Parameter, Tensor]]:
        """Each parameter that has a momentum, and it."""
        return [*self._buffers.items()]

    def take_up(self, momenta: Mapping[nn.Parameter, Tensor]) -> None:
        """Go on with these momenta, each laid out in memory as its parameter is."""
        self._buffers = {p: torch.empty_like(p, requires_grad=False).copy_(value) for p, value in momenta.items()}
