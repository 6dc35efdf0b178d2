import copy
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.science.attacks import accuracy as module
from repro.science.attacks import attacks
from repro.science.attacks.accuracy import accuracy_throughout, right_after, right_throughout, share
from repro.science.attacks.attacks import LOSSES, Attack, fgsm, pgd
from repro.science.computing.streams import stream

Learnt = tuple[nn.Module, Tensor, Tensor]
EPSILON = 0.05
LOSS = pytest.mark.parametrize("loss", LOSSES)


def right(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    with torch.no_grad():
        return model(images).argmax(1) == labels


def double(learnt: Learnt) -> Learnt:
    """In double precision, where an image's gradient has the same signs whatever batch it is in."""
    model, images, labels = learnt
    return copy.deepcopy(model).double(), images.double(), labels


@pytest.fixture(params=[25, 512])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """64 images in chunks of 25, 25 and 14, and at once."""
    monkeypatch.setitem(module.CHUNK, "cpu", request.param)
    return request.param


@LOSS
@pytest.mark.usefixtures("chunk")
def test_accuracy_after_fgsm_counts_images_that_stay_right(learnt: Learnt, loss: str) -> None:
    model, images, labels = double(learnt)
    survivors = [
        right(model, fgsm(model, x[None], y[None], EPSILON, loss=loss), y[None]).item()
        for x, y in zip(images, labels, strict=True)
    ]
    assert 0 < sum(survivors) < 64
    assert share(right_after(model, images, labels, Attack.fgsm(EPSILON, loss))) == pytest.approx(sum(survivors) / 64)


def starts(images: Tensor, epsilon: float, chunk: int, restarts: int) -> list[Tensor]:
    """The random starts, drawn chunk by chunk and for each of them restart by restart from a stream of their own."""
    generator = torch.Generator().manual_seed(stream(0, "pgd start"))
    drawn = [
        [torch.empty_like(x).uniform_(-epsilon, epsilon, generator=generator) for _ in range(restarts)]
        for x in images.split(chunk)
    ]
    return [(images + torch.cat(noise)).clamp(0, 1) for noise in zip(*drawn, strict=True)]


def gradient_of(model: nn.Module, x: Tensor, labels: Tensor, loss: str) -> Tensor:
    x = x.detach().requires_grad_()
    logits = model(x)
    if loss == "margin":
        others = logits.masked_fill(F.one_hot(labels, 10).bool(), -math.inf)
        value = others.logsumexp(1) - logits[torch.arange(len(labels)), labels]
    else:
        value = F.cross_entropy(logits, labels, reduction="none")
    (gradient,) = torch.autograd.grad(value.sum(), x)
    return gradient


def ever_broken(
    model: nn.Module, images: Tensor, labels: Tensor, steps: int, chunk: int, restarts: int, loss: str
) -> Tensor:
    """Every image through every step: broken if misclassified as it is, at a start or at any iterate."""
    broken = ~right(model, images, labels)
    for x in starts(images, EPSILON, chunk, restarts):
        for _ in range(steps):
            broken |= ~right(model, x, labels)
            moved = x + 4 / 3 * EPSILON / steps * gradient_of(model, x, labels, loss).sign()
            x = torch.maximum(torch.minimum(moved, images + EPSILON), images - EPSILON).clamp(0, 1)
        broken |= ~right(model, x, labels)
    return broken


@LOSS
@pytest.mark.parametrize(("steps", "restarts"), [(1, 1), (6, 1), (3, 3)])
def test_accuracy_under_pgd_counts_images_right_at_every_iterate(
    learnt: Learnt, chunk: int, steps: int, restarts: int, loss: str
) -> None:
    model, images, labels = double(learnt)
    broken = ever_broken(model, images, labels, steps, chunk, restarts, loss)
    assert 0 < broken.sum() < 64
    attack = Attack(EPSILON, steps, 4 / 3 * EPSILON / steps, restarts=restarts, loss=loss)
    found = accuracy_throughout(model, images, labels, attack)
    assert found == pytest.approx(1 - broken.double().mean().item())


@LOSS
@pytest.mark.parametrize("every", [2, 4, 8])
@pytest.mark.parametrize(("steps", "restarts"), [(6, 1), (8, 1), (3, 3)])
def test_however_seldom_broken_images_are_dropped_the_accuracy_is_the_same(
    learnt: Learnt, monkeypatch: pytest.MonkeyPatch, every: int, steps: int, restarts: int, loss: str
) -> None:
    """Steps that swing from side to side, so that images are broken on the way and right again at the end."""
    model, images, labels = double(learnt)
    attack = Attack(EPSILON, steps, 3 * EPSILON, restarts=restarts, loss=loss)
    expected = accuracy_throughout(model, images, labels, attack)
    monkeypatch.setitem(module.DROP_EVERY, "cpu", every)
    assert accuracy_throughout(model, images, labels, attack) == expected
    assert 0 < expected < 1


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize("kept", ["a third", "none"])
def test_of_some_images_alone_the_same_are_left_right_and_of_the_others_none(learnt: Learnt, kept: str) -> None:
    model, images, labels = double(learnt)
    among = torch.arange(64) % 3 == 0 if kept == "a third" else torch.zeros(64, dtype=torch.bool)
    attack = Attack(EPSILON, 3, EPSILON / 2, restarts=2)
    for survivors, how in ((right_after, Attack.fgsm(EPSILON)), (right_throughout, attack)):
        whole = survivors(model, images, labels, how)
        assert torch.equal(survivors(model, images, labels, how, among), whole & among)
        assert 0 < whole.sum() < 64


def sizes_of_steps(blobs: Learnt, monkeypatch: pytest.MonkeyPatch, every: int, epsilon: float) -> list[int]:
    """How many images each step of PGD is taken on."""
    monkeypatch.setitem(module.DROP_EVERY, "cpu", every)
    gradient, seen = attacks.input_gradient, []

    def watched(model: nn.Module, x: Tensor, labels: Tensor, loss: str) -> tuple[Tensor, Tensor]:
        seen.append(len(x))
        return gradient(model, x, labels, loss)

    with monkeypatch.context() as patch:
        patch.setattr(attacks, "input_gradient", watched)
        accuracy_throughout(*double(blobs), Attack(epsilon, 20, epsilon / 8, loss="margin"))
    return seen


def test_broken_images_are_carried_along_until_the_next_look(blobs: Learnt, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, seldom = (sizes_of_steps(blobs, monkeypatch, every, EPSILON) for every in (1, 4))
    assert len(set(at_once)) > 2
    assert seldom == [at_once[step - step % 4] for step in range(20)]


def test_no_step_is_taken_once_all_images_are_seen_to_be_broken(blobs: Learnt, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, seldom = (len(sizes_of_steps(blobs, monkeypatch, every, 1.0)) for every in (1, 8))
    assert at_once <= seldom <= 16
    assert seldom % 8 == 0


def test_an_image_broken_on_the_way_stays_broken(blobs: Learnt) -> None:
    """Steps twice the ball's size swing from side to side: many iterates, the last not the worst."""
    model, images, labels = double(blobs)
    settings = {"steps": 9, "step_size": 3 * EPSILON}
    generator = torch.Generator().manual_seed(stream(0, "pgd start"))
    last = right(model, pgd(model, images, labels, EPSILON, **settings, generator=generator), labels)
    found = accuracy_throughout(model, images, labels, Attack(EPSILON, **settings))
    assert found < last.double().mean().item()


@LOSS
def test_accuracy_under_pgd_is_no_more_than_the_last_iterates_and_falls_with_epsilon(learnt: Learnt, loss: str) -> None:
    model, images, labels = double(learnt)
    accuracies = [right(model, images, labels).double().mean().item()]
    for epsilon in (0.0, 0.03, 0.1, 1.0):
        generator = torch.Generator().manual_seed(stream(0, "pgd start"))
        reach = {"steps": 5, "step_size": 0.3 * epsilon}
        last = right(model, pgd(model, images, labels, epsilon, **reach, generator=generator, loss=loss), labels)
        accuracies.append(accuracy_throughout(model, images, labels, Attack(epsilon, **reach, loss=loss)))
        assert accuracies[-1] <= last.double().mean().item()
    assert accuracies[0] == accuracies[1]  # an epsilon of 0 is no attack
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[-1] < 0.1


def test_the_same_accuracy_twice_whatever_the_global_random_state(digits: Learnt) -> None:
    model, images, labels = digits
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        found.append(accuracy_throughout(model, images, labels, Attack(0.08, 3, 0.03)))
    assert found[0] == found[1]


class Pinhole(nn.Module):
    """Wrong about label 0 within a thousandth of one half, and right about it everywhere else."""

    def forward(self, x: Tensor) -> Tensor:
        s = (x.flatten(1) - 0.5).abs() - 1e-3
        return torch.cat([s, torch.zeros_like(s)], 1)


def test_a_restart_breaks_what_the_first_start_did_not(blobs: Learnt) -> None:
    """One step no longer than the start's own noise: where it begins decides."""
    model, images, labels = double(blobs)
    found = [
        accuracy_throughout(model, images, labels, Attack(EPSILON, 1, EPSILON / 4, restarts=restarts, loss="margin"))
        for restarts in (1, 2, 20)
    ]
    assert found == sorted(found, reverse=True)
    assert found[2] < found[0]


@LOSS
def test_an_image_that_is_wrong_as_it_is_counts_as_broken(loss: str) -> None:
    images, labels = torch.full((1, 1, 1, 1), 0.5), torch.zeros(1, dtype=torch.long)
    (start,) = starts(images, 0.1, 1, 1)
    assert right(Pinhole(), start, labels).all()  # the random start is
    attack = Attack(0.1, 2, 0.05, loss=loss)
    assert accuracy_throughout(Pinhole(), images, labels, attack) == 0.0
    assert accuracy_throughout(Pinhole(), images + 0.01, labels, attack) == 1.0  # and so is a neighbour throughout
