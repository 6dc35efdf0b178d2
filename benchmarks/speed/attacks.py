"""Accuracy under PGD with 40 steps, against torchattacks and foolbox at the same steps, step size and epsilon.

The random starts are the same: both peers draw theirs from PyTorch's global generator in the order in which ours are
drawn. Ours leaves out images that are broken, so it may find fewer unbroken ones, never more.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from repro.experiment.readings import REACH
from repro.experiment.tasks import TASKS
from repro.science.computing.streams import stream
from repro.science.measuring.measures import pgd_accuracy

from ..results import Result
from ..sides import Pair, Timed
from .networks import accuracy, as_written, data, network, told

STEPS = 40
IMAGES = {"M1-MNIST": 96, "StdCNN-MNIST": 256, "C1-CIFAR10": 32}  # as many as the quick regime attacks
Attack = Callable[[nn.Module, Tensor, Tensor, float, float], Tensor]


def torchattacks(model: nn.Module, x: Tensor, y: Tensor, epsilon: float, step_size: float) -> Tensor:
    """Adversarial images as a user of torchattacks makes them."""
    from torchattacks import PGD

    found: Tensor = PGD(model, eps=epsilon, alpha=step_size, steps=STEPS, random_start=True)(x, y)
    return found


def foolbox(model: nn.Module, x: Tensor, y: Tensor, epsilon: float, step_size: float) -> Tensor:
    """The same with foolbox."""
    from foolbox import PyTorchModel
    from foolbox.attacks import LinfProjectedGradientDescentAttack

    attack = LinfProjectedGradientDescentAttack(abs_stepsize=step_size, steps=STEPS, random_start=True)
    _, clipped, _ = attack(PyTorchModel(model, bounds=(0, 1), device="cpu"), x, y, epsilons=epsilon)
    return clipped


def pgd(name: str, attack: Attack) -> Pair:
    task = TASKS[name]
    x, y = data(task).test.part(IMAGES[name])
    epsilon = task.dataset.epsilon_pixels
    step_size = REACH * epsilon / STEPS

    def ours() -> float:
        model = network(name).to(memory_format=torch.channels_last)  # as the harness measures
        return pgd_accuracy(model, x, y, epsilon, STEPS, step_size, "cross-entropy")

    def peer() -> float:
        torch.manual_seed(stream(0, "pgd start"))
        model = as_written(network(name))
        return accuracy(model, attack(model, x, y, epsilon, step_size), y)

    return Pair(ours, peer, partial(check, name, ours, peer, accuracy(network(name), x, y)))


def check(name: str, ours: Callable[[], float], peer: Callable[[], float], clean: float) -> Result:
    """Both accuracies, and how many images each side put through the network."""
    (theirs, all_images), (own, images) = (_counted(name, side) for side in (peer, ours))
    facts = {
        **told(name),
        "images": IMAGES[name],
        "clean_accuracy": clean,
        "our_accuracy": own,
        "peer_accuracy": theirs,
        "unbroken_at_the_end": own,
        "images_through_the_network": {"ours": images, "peer": all_images},
    }
    weaker = own > theirs + 0.5 / IMAGES[name]  # by an image at least: the peer's share is of single precision
    faults = (f"our accuracy {own:.4f} is above the peer's, {theirs:.4f}: our attack is weaker",) if weaker else ()
    return Result({}, facts, faults)


def _counted(name: str, side: Callable[[], float]) -> tuple[float, int]:
    """What a side finds, and how many images it puts through the network."""
    counts: list[int] = []
    first = next(network(name).children())  # which both sides have
    hook = first.register_forward_pre_hook(lambda _, inputs: counts.append(len(inputs[0])))
    try:
        return side(), sum(counts)
    finally:
        hook.remove()


CASES = {
    f"pgd40-{task}-{peer}": Timed(partial(pgd, task, attack), asked=3.0, peers=(peer,))
    for task in IMAGES
    for peer, attack in (("torchattacks", torchattacks), ("foolbox", foolbox))
}
