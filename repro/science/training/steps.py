"""One step of SGD as work on tensors that stay where they are, which is what a CUDA graph can record and replay.

Which images are next is told by a cursor on the device, the epoch's loss is summed there, and on a GPU the learning
rate lives there too: to repeat a step, nothing has to come from the host. On a CPU the same step simply runs.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..computing.numerics import autocast
from ..computing.streams import stream
from ..data.augmentation import crop_and_flip
from ..networks.dropout import draw_from, drops
from .settings import TrainingSettings
from .sgd import Descent

AUGMENTATION, DROPOUT = "augmentation", "dropout"  # what a step draws random numbers for


class Step:
    """Forward and backward pass and update of ``model`` on the next images of an epoch's order.

    ``images`` (N, C, H, W) and ``labels`` (N,) lie on the network's device. The network's dropout draws from the run's
    generator until ``close``.
    """

    def __init__(self, model: nn.Module, images: Tensor, labels: Tensor, settings: TrainingSettings) -> None:
        device = images.device
        self.descent = Descent(model.parameters(), settings.sgd)
        self._rate = settings.sgd.learning_rate
        self.model, self.device = model, device
        self.loss_sum = torch.zeros((), dtype=torch.float32, device=device)  # of the epoch's images so far
        self.generators: dict[str, torch.Generator] = {}
        self._images, self._labels, self._precision = images, labels, settings.precision
        self._augmented = settings.augmented
        self._order = torch.arange(len(images), device=device)
        self._cursor = torch.zeros((), dtype=torch.long, device=device)
        self._places = torch.arange(min(settings.batch_size, len(images)), device=device)
        for name, drawn in ((AUGMENTATION, settings.augmented), (DROPOUT, drops(model))):
            if drawn:
                self._hand(name, torch.Generator(device).manual_seed(stream(settings.seed, name)))

    def begin_epoch(self, order: Tensor) -> None:
        """Start on the images in another order (N,)."""
        self._order.copy_(order)
        self._cursor.zero_()
        self.loss_sum.zero_()

    def set_rate(self, learning_rate: float) -> None:
        """Take the next steps with this learning rate."""
        if learning_rate != self._rate:  # on a GPU to set it is a launch of its own
            self.descent.set_rate(learning_rate)
            self._rate = learning_rate

    def __call__(self, size: int) -> None:
        """Take a step on the next ``size`` images."""
        batch = self._order[self._places[:size] + self._cursor]
        self._cursor += size
        x = self._images[batch]
        if self._augmented:
            x = crop_and_flip(x, self.generators[AUGMENTATION])
        with autocast(self._precision, self.device):
            loss = F.cross_entropy(self.model(x), self._labels[batch])
        self.descent.zero_grad()
        loss.backward()
        self.descent.step()
        self.loss_sum += loss.detach() * size

    def rehearse(self, size: int) -> None:
        """Take a step on the epoch's first images; to be called within ``undisturbed``."""
        self._cursor.zero_()
        self(size)

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Put everything back that steps change: weights, statistics, momentum, counters, random streams.

        Momentum that was not there yet is zero afterwards, which is where SGD begins.
        """
        tensors = [*self.model.parameters(), *self.model.buffers(), self._cursor, self.loss_sum]
        kept = [tensor.detach().clone() for tensor in tensors]
        momenta = {p: buffer.clone() for p, buffer in self.descent.momenta}
        states = self.random_states()
        try:
            with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
                yield
        finally:
            with torch.no_grad():
                for tensor, value in zip(tensors, kept, strict=True):
                    tensor.copy_(value)
                for p, buffer in self.descent.momenta:
                    buffer.copy_(momenta[p]) if p in momenta else buffer.zero_()
            for name, state in states.items():
                self.generators[name].set_state(state)  # the same generators: earlier recordings draw from them
            self.descent.zero_grad()

    def random_states(self) -> dict[str, Tensor]:
        """Where its random streams are."""
        return {name: generator.get_state() for name, generator in self.generators.items()}

    def renew(self, states: Mapping[str, Tensor]) -> None:
        """Go on with new generators in these states and with no gradients, after a recording that failed."""
        for name, state in states.items():
            self._hand(name, torch.Generator(self.device))
            self.generators[name].set_state(state)
        self.descent.zero_grad()

    def close(self) -> None:
        """Leave the network as it was found: drawing from the global random state.

        Without gradients, too: they may lie in the memory of graphs, which would live as long as they do.
        """
        draw_from(None, self.model)
        self.descent.zero_grad()

    def _hand(self, name: str, generator: torch.Generator) -> None:
        self.generators[name] = generator
        if name == DROPOUT:
            draw_from(generator, self.model)
