"""The numbers that the attacks are checked by are those of the attacks that they name."""

import copy

import pytest
import torch
from torch import Tensor, nn

from repro.science.attacks.accuracy import accuracy_throughout, right_after, share, transfer_accuracy
from repro.science.attacks.attacks import Attack, fgsm, pgd
from repro.science.computing.streams import stream
from repro.science.measuring.instruments import check_attacks, check_curvature

Case = tuple[nn.Module, Tensor, Tensor]


def test_each_number_is_of_the_attack_it_names(digits: Case) -> None:
    model, images, labels = digits
    found = check_attacks(model, images, labels, 0.06, count=50, steps=3)
    x, y = images[:50], labels[:50]

    def by_pgd(size: float) -> float:
        return accuracy_throughout(model, x, y, Attack(size, 3, 4 / 3 * size / 3, loss="margin"))

    def right(adversarial: Tensor) -> float:
        with torch.no_grad():
            return (model(adversarial).argmax(1) == y).float().mean().item()

    assert found["images"] == 50
    assert found["clean_accuracy"] == right(x)
    assert found["fgsm_margin_accuracy"] == pytest.approx(share(right_after(model, x, y, Attack.fgsm(0.06, "margin"))))
    assert found["pgd_margin_accuracy"] == by_pgd(0.06)
    assert found["pgd_half_accuracy"] == by_pgd(0.03)
    assert found["pgd_double_accuracy"] == by_pgd(0.12)
    assert found["pgd_large_accuracy"] == by_pgd(0.5)
    assert found["pgd_half_accuracy"] > found["pgd_margin_accuracy"] > found["pgd_double_accuracy"]
    signs = torch.empty_like(x).uniform_(-1, 1, generator=torch.Generator().manual_seed(stream(0, "sign noise"))).sign()
    assert found["noise_accuracy"] == right((x + 0.06 * signs).clamp(0, 1))
    assert found == check_attacks(model, images, labels, 0.06, count=50, steps=3)


def test_the_network_and_the_random_state_are_left_as_they_were(blobs: Case) -> None:
    model, images, labels = blobs
    model = copy.deepcopy(model)
    for p in model.parameters():
        p.grad = torch.full_like(p, 7.0)
    before, state = copy.deepcopy(model), torch.get_rng_state()
    check_attacks(model, images, labels, 0.05)
    check_curvature(model, images, labels)
    transfer_accuracy(model, model, images, labels, 0.05)
    torch.testing.assert_close(model.state_dict(), before.state_dict(), rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), state)
    assert all((p.grad == 7.0).all() for p in model.parameters())
    assert not model.training


def test_no_images_are_refused(blobs: Case) -> None:
    model, images, labels = blobs
    for check in (lambda x, y: check_attacks(model, x, y, 0.05), lambda x, y: check_curvature(model, x, y)):
        with pytest.raises(ValueError, match="images is empty"):
            check(images[:0], labels[:0])


def test_transfer_is_the_targets_accuracy_on_what_the_source_was_attacked_with(blobs: Case) -> None:
    model, images, labels = blobs
    assert transfer_accuracy(model, model, images, labels, 0.05) == pytest.approx(
        share(right_after(model, images, labels, Attack.fgsm(0.05, "margin")))
    )
    permuted = copy.deepcopy(model)
    with torch.no_grad():
        permuted[5].weight.copy_(permuted[5].weight.roll(1, 0))
        permuted[5].bias.copy_(permuted[5].bias.roll(1, 0))
    adversarial = fgsm(permuted, images[:20], labels[:20], 0.05, loss="margin")
    expected = (model(adversarial).argmax(1) == labels[:20]).float().mean().item()
    assert transfer_accuracy(permuted, model, images[:20], labels[:20], 0.05) == expected


def test_pgd_of_the_checks_is_no_weaker_than_its_last_iterate(digits: Case) -> None:
    model, images, labels = digits
    found = check_attacks(model, images, labels, 0.06, count=64)["pgd_margin_accuracy"]
    generator = torch.Generator().manual_seed(stream(0, "pgd start"))
    last = pgd(model, images, labels, 0.06, steps=4, step_size=0.02, generator=generator, loss="margin")
    assert found <= (model(last).argmax(1) == labels).float().mean().item()
