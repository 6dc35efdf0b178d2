import copy
from types import ModuleType

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from repro.science.attacks.attacks import LOSSES, Attack, fgsm, input_gradient, margin_loss, pgd

Learnt = tuple[nn.Module, Tensor, Tensor]
EPSILONS = (0.0, 0.02, 0.0924, 0.3)
ROUNDING = 1.2e-7  # of a sum of numbers in [0, 1], in float32


class Scaled(nn.Module):
    """A network whose logits are multiplied: the same decisions, ever more certain of them."""

    def __init__(self, model: nn.Module, factor: float) -> None:
        super().__init__()
        self.model, self.factor = model, factor

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * self.model(x)


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    with torch.no_grad():
        return float((model(images).argmax(1) == labels).float().mean())


def linear(seed: int = 0) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    for p in model.parameters():
        p.data = torch.randn(p.shape, generator=generator)
    return model


# --- foolbox, bit for bit ---


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_fgsm_is_foolbox_s_to_the_last_bit(learnt: Learnt, foolbox: ModuleType, epsilon: float) -> None:
    model, images, labels = learnt
    attack = foolbox.attacks.LinfFastGradientAttack(random_start=False)
    theirs = attack.run(foolbox.PyTorchModel(model, (0, 1)), images, labels, epsilon=epsilon)
    ours = fgsm(model, images, labels, epsilon)
    assert torch.equal(ours, theirs)
    assert epsilon == 0 or not torch.equal(ours, images)


@pytest.mark.parametrize("epsilon", EPSILONS)
@pytest.mark.parametrize("steps", [1, 10])
def test_pgd_is_foolbox_s_to_the_last_bit(learnt: Learnt, foolbox: ModuleType, epsilon: float, steps: int) -> None:
    model, images, labels = learnt
    step_size = 4 / 3 * epsilon / steps
    attack = foolbox.attacks.LinfProjectedGradientDescentAttack(abs_stepsize=step_size, steps=steps, random_start=False)
    theirs = attack.run(foolbox.PyTorchModel(model, (0, 1)), images, labels, epsilon=epsilon)
    ours = pgd(model, images, labels, epsilon, steps=steps, step_size=step_size, random_start=False)
    assert torch.equal(ours, theirs)


def test_the_networks_of_these_tests_know_their_images_and_both_attacks_hurt_them(learnt: Learnt) -> None:
    """Otherwise agreement with foolbox would say little."""
    model, images, labels = learnt
    clean = accuracy(model, images, labels)
    by_pgd = pgd(model, images, labels, 0.0924, steps=10, step_size=0.0123, random_start=False)
    assert clean > 0.6
    assert accuracy(model, fgsm(model, images, labels, 0.0924), labels) < clean - 0.2
    assert accuracy(model, by_pgd, labels) < clean - 0.2


# --- the ball and the box ---


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    epsilon=st.floats(0, 1),
    step_size=st.floats(0, 2),
    steps=st.integers(0, 4),
    random_start=st.booleans(),
    loss=st.sampled_from(list(LOSSES)),
)
def test_adversarial_pixels_stay_in_the_ball_and_in_the_box(
    seed: int, epsilon: float, step_size: float, steps: int, random_start: bool, loss: str
) -> None:
    generator = torch.Generator().manual_seed(seed)
    # one image in three is black or white, where the box is nearer than the ball
    images = torch.rand(6, 1, 3, 4, generator=generator).mul(3).sub(1).clamp(0, 1)
    labels = torch.randint(3, (6,), generator=generator)
    model = linear(seed)
    start_and_steps = {"steps": steps, "step_size": step_size, "generator": generator, "random_start": random_start}
    for adversarial in (
        fgsm(model, images, labels, epsilon, loss=loss),
        pgd(model, images, labels, epsilon, loss=loss, **start_and_steps),
    ):
        assert adversarial.shape == images.shape
        assert adversarial.dtype == images.dtype
        assert adversarial.min() >= 0
        assert adversarial.max() <= 1
        assert (adversarial - images).abs().max() <= epsilon + ROUNDING


@pytest.mark.parametrize("loss", LOSSES)
def test_an_attack_gives_what_the_functions_give_that_spell_it_out(learnt: Learnt, loss: str) -> None:
    model, images, labels = learnt
    spelt = pgd(model, images, labels, 0.1, steps=3, step_size=0.04, generator=seeded(), loss=loss)
    assert torch.equal(Attack(0.1, 3, 0.04, loss=loss)(model, images, labels, seeded()), spelt)
    assert torch.equal(Attack.fgsm(0.1, loss)(model, images, labels), fgsm(model, images, labels, 0.1, loss=loss))


def test_restarts_are_taken_for_the_images_that_are_still_right_and_change_no_other(blobs: Learnt) -> None:
    """One step no longer than the start's own noise: where it begins decides."""
    model, images, labels = blobs
    found = [Attack(0.05, 1, 0.0125, restarts=n)(model, images, labels, seeded()) for n in (1, 2, 20)]
    with torch.no_grad():
        right = [model(adversarial).argmax(1) == labels for adversarial in found]
    for fewer, more in ((0, 1), (1, 2)):
        assert torch.equal(found[fewer][~right[fewer]], found[more][~right[fewer]])
        assert (found[fewer][right[fewer]] != found[more][right[fewer]]).flatten(1).any(1).all()
    assert right[2].sum() < right[0].sum()
    assert (found[2] - images).abs().max() <= 0.05 + ROUNDING


@pytest.mark.parametrize("loss", LOSSES)
def test_one_step_of_pgd_from_the_image_is_fgsm(learnt: Learnt, loss: str) -> None:
    model, images, labels = learnt
    once = pgd(model, images, labels, 0.1, steps=1, step_size=0.1, random_start=False, loss=loss)
    assert torch.equal(once, fgsm(model, images, labels, 0.1, loss=loss))


def test_fgsm_moves_every_pixel_of_a_linear_classifier_against_its_weights() -> None:
    """Two classes with logits w.x and 0: cross-entropy for label 0 grows against the sign of w."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    model[1].weight.data = torch.tensor([[1.0, -2.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    images = torch.tensor([0.5, 0.5, 0.05, 0.5]).view(1, 1, 2, 2)
    found = fgsm(model, images, torch.tensor([0]), 0.1)
    assert found.flatten().tolist() == pytest.approx([0.4, 0.6, 0.0, 0.5])


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_of_an_image_does_not_hang_on_its_company(learnt: Learnt, loss: str) -> None:
    """In double precision, since a batch is summed in another order on some processors.

    In single precision that turns over a unit of ReLU or the largest of a pool now and then, and with it a gradient.
    """
    model, images, labels = learnt
    model, images = copy.deepcopy(model).double(), images.double()
    logits, together = input_gradient(model, images, labels, loss)
    alone = [input_gradient(model, x[None], y[None], loss)[1] for x, y in zip(images, labels, strict=True)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(logits, model(images).detach())
    assert not logits.requires_grad


# --- the margin form ---


def test_softplus_of_the_margin_is_cross_entropy() -> None:
    logits = 4 * torch.randn(200, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(200) % 10
    expected = F.cross_entropy(logits, labels, reduction="none")
    torch.testing.assert_close(F.softplus(margin_loss(logits, labels)), expected, rtol=1e-12, atol=1e-14)


def test_the_margin_of_known_logits() -> None:
    logits = torch.tensor([[5.0, 0.0, 0.0], [0.0, 2.0, 2.0]], dtype=torch.float64)
    assert margin_loss(logits, torch.tensor([0, 0])).tolist() == pytest.approx(
        [0.6931471805599453 - 5, 0.6931471805599453 + 2]
    )


def test_both_forms_have_gradients_of_one_sign_in_double_precision(learnt: Learnt) -> None:
    model, images, labels = learnt
    model = copy.deepcopy(model).double()
    _, ours = input_gradient(model, images.double(), labels, "margin")
    _, theirs = input_gradient(model, images.double(), labels, "cross-entropy")
    assert torch.equal(ours.sign(), theirs.sign())
    assert (ours != 0).float().mean() > 0.5


def test_saturated_logits_blind_cross_entropy_and_not_the_margin(learnt: Learnt) -> None:
    model, images, labels = learnt
    certain = Scaled(model, 1000)
    right = certain(images).argmax(1) == labels
    images, labels = images[right], labels[right]
    blind = input_gradient(certain, images, labels, "cross-entropy")[1].flatten(1).abs().amax(1) == 0
    seeing = input_gradient(certain, images, labels, "margin")[1].flatten(1).abs().amax(1) > 0
    assert blind.float().mean() > 0.5
    assert seeing.all()
    for attack in (fgsm, lambda *a, loss: pgd(*a, steps=5, step_size=0.03, random_start=False, loss=loss)):
        by_cross_entropy = accuracy(certain, attack(certain, images, labels, 0.1, loss="cross-entropy"), labels)
        by_margin = accuracy(certain, attack(certain, images, labels, 0.1, loss="margin"), labels)
        assert by_margin < by_cross_entropy - 0.2


# --- the random start ---


def seeded(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_random_start_is_drawn_from_the_generator_alone(digits: Learnt) -> None:
    model, images, labels = digits
    results = []
    for state in (1, 2):
        torch.manual_seed(state)
        before = torch.get_rng_state()
        results.append(pgd(model, images, labels, 0.1, steps=2, step_size=0.05, generator=seeded()))
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(*results)
    other = pgd(model, images, labels, 0.1, steps=2, step_size=0.05, generator=seeded(4))
    assert not torch.equal(results[0], other)


def test_no_step_leaves_the_start_or_the_image(digits: Learnt) -> None:
    model, images, labels = digits
    begun = pgd(model, images, labels, 0.1, steps=0, step_size=0.05, generator=seeded())
    assert torch.equal(begun, Attack(0.1, 0, 0.05).start(images, seeded()))
    assert torch.equal(pgd(model, images, labels, 0.1, steps=0, step_size=0.05, random_start=False), images)


def test_the_start_is_uniform_in_the_ball() -> None:
    images = torch.full((40, 1, 28, 28), 0.5)
    moved = (Attack(0.2, 0, 0.1).start(images, seeded()) - images) / 0.2
    assert moved.abs().max() <= 1 + 1e-6
    counts = torch.histc(moved, bins=10, min=-1, max=1)
    assert counts.sum() >= moved.numel() - 1
    assert (counts / moved.numel() - 0.1).abs().max() < 0.01  # about six standard deviations of a share of 0.1


# --- what is left alone, what is refused ---


def test_nothing_of_the_caller_s_is_touched(blobs: Learnt) -> None:
    model, images, labels = copy.deepcopy(blobs)
    planted = {name: torch.full_like(p, 7.0) for name, p in model.named_parameters()}
    for name, p in model.named_parameters():
        p.grad = None if name.endswith("bias") else planted[name].clone()
    before = copy.deepcopy(model.state_dict()), images.clone(), labels.clone()
    for adversarial in (fgsm(model, images, labels, 0.1), pgd(model, images, labels, 0.1, steps=2, step_size=0.1)):
        assert not adversarial.requires_grad
    after = model.state_dict(), images, labels
    torch.testing.assert_close(after, before, rtol=0, atol=0)
    assert not images.requires_grad
    assert not model.training
    for name, p in model.named_parameters():
        assert p.requires_grad
        assert p.grad is None if name.endswith("bias") else torch.equal(p.grad, planted[name])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epsilon": -0.1}, r"epsilon=-0\.1: must be from 0 to 1, a share of a pixel's range"),
        ({"epsilon": 8}, r"epsilon=8: must be from 0 to 1, a share of a pixel's range \(8/255, not 8\)"),
        ({"epsilon": float("nan")}, "epsilon=nan: must be from 0 to 1"),
        ({"loss": "hinge"}, "loss='hinge': must be one of 'cross-entropy', 'margin'"),
        ({"steps": -1}, "steps=-1, .*neither may be negative"),
        ({"step_size": -0.5}, r"step_size=-0\.5: neither may be negative"),
        ({"step_size": float("nan")}, "step_size=nan: neither may be negative"),
    ],
)
def test_values_without_a_meaning_are_refused(changes: dict[str, object], message: str) -> None:
    images, labels = torch.rand(2, 1, 3, 4), torch.tensor([0, 1])
    with pytest.raises(ValueError, match=message):
        pgd(linear(), images, labels, **{"epsilon": 0.1, "steps": 1, "step_size": 0.1, **changes})
    with pytest.raises(ValueError, match=message):
        Attack(**{"epsilon": 0.1, "steps": 1, "step_size": 0.1, **changes})
    if not {"steps", "step_size"} & set(changes):
        with pytest.raises(ValueError, match=message):
            fgsm(linear(), images, labels, **{"epsilon": 0.1, **changes})


def test_fewer_restarts_than_one_are_refused() -> None:
    with pytest.raises(ValueError, match="restarts=0: must be at least 1"):
        Attack(0.1, 1, 0.1, restarts=0)
