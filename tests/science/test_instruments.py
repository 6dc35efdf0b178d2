import copy
import json
import math
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from repro.science import instruments as module
from repro.science.attacks import fgsm, pgd
from repro.science.data import load
from repro.science.hessian import (
    MAX_PRODUCTS,
    Eigenvalue,
    hessian_operator,
    lanczos_pair,
    random_vector,
    top_eigenvalue,
)
from repro.science.instruments import (
    check_attacks,
    check_curvature,
    curvature_of_each,
    elsewhere,
    second_start,
    transfer_accuracy,
)
from repro.science.measures import fgsm_accuracy, pgd_accuracy
from repro.science.models import build
from repro.science.recipes import SGD
from repro.science.sources import Source
from repro.science.streams import stream
from repro.science.tasks import TASKS
from repro.science.training import train
from repro.statistics.instruments import FGSM, LAMBDA1, PGD, failed, unchecked

Case = tuple[nn.Module, Tensor, Tensor]


def names(numbers: dict[str, float], of: str | None = None) -> set[str]:
    return {failure.name for failure in failed(numbers, of)}


# --- sound networks: the real ones where there is data for them, on the surrogate otherwise ---

# Epochs, and on how many images. None leaves a network at chance, one is too few.
TRAINED = {"M1-MNIST": (0, 6), "StdCNN-MNIST": (0, 1, 12), "C1-CIFAR10": (0, 2), "ResNet18-CIFAR10": (0, 4)}
COUNTS = {"M1-MNIST": 512, "StdCNN-MNIST": 2048, "C1-CIFAR10": 256, "ResNet18-CIFAR10": 256}
WELL = 12  # epochs of StdCNN


@pytest.fixture(scope="session")
def studied(surrogate_folder: Path) -> SimpleNamespace:
    """Networks of the paper after so many epochs, with test images, training images and epsilon."""
    root = os.environ.get("REPRO_DATA")
    made: dict[tuple[str, int, int], nn.Module] = {}

    def get(name: str, epochs: int, seed: int = 0) -> SimpleNamespace:
        task = TASKS[name]
        source = Source(task.dataset.name, "published" if root else "surrogate", Path(root or surrogate_folder))
        data = load(source)
        images, labels = data.train.part(COUNTS[name])
        if (name, epochs, seed) not in made:
            model = build(task, seed, width=4)
            if epochs:
                train(model, images, labels, sgd=SGD(0.02, 0.9), batch_size=32, epochs=epochs, seed=seed)
            made[name, epochs, seed] = model.eval()
        attacked = data.test.part(64)
        epsilon = task.dataset.epsilon_pixels
        return SimpleNamespace(
            model=made[name, epochs, seed], attacked=attacked, trained=(images[:64], labels[:64]), epsilon=epsilon
        )

    return SimpleNamespace(get=get)


@pytest.mark.parametrize(("name", "epochs"), [(name, epochs) for name in TRAINED for epochs in TRAINED[name]])
def test_sound_networks_pass_every_check_however_well_they_are_trained(
    studied: SimpleNamespace, name: str, epochs: int
) -> None:
    one = studied.get(name, epochs)
    other = studied.get(name, min(epochs, 1), seed=1)  # one that has begun to learn is a source
    numbers = check_attacks(one.model, *one.attacked, one.epsilon) | check_curvature(one.model, *one.trained)
    numbers["transfer_accuracy"] = transfer_accuracy(other.model, one.model, *one.attacked, one.epsilon)
    assert unchecked(numbers) == []
    assert failed(numbers) == []
    assert json.loads(json.dumps(numbers, allow_nan=False)) == numbers
    if epochs == max(TRAINED[name]) and name.endswith("MNIST"):
        assert numbers["clean_accuracy"] > 0.5  # so there is something for an attack to break
    if epochs == 0:
        assert numbers["clean_accuracy"] < 0.4


@pytest.fixture
def sound(studied: SimpleNamespace) -> SimpleNamespace:
    """StdCNN, well trained."""
    return studied.get("StdCNN-MNIST", WELL)


class Constant(nn.Module):
    """Gives every image the same class: at chance, without a gradient, and truly not to be attacked."""

    def forward(self, x: Tensor) -> Tensor:
        return F.one_hot(torch.tensor(3), 10).float() + 0 * x.flatten(1).sum(1, keepdim=True)


def test_a_dead_network_is_sound(sound: SimpleNamespace) -> None:
    numbers = check_attacks(Constant(), *sound.attacked, sound.epsilon)
    assert numbers["clean_accuracy"] == numbers["pgd_large_accuracy"] == numbers["right_without_gradient"]
    assert failed(numbers) == []


# --- masked networks: each is as accurate as the sound one it hides ---


class Masked(nn.Module):
    """A network with something done to its input or output that leaves its accuracy and takes its gradient."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(self.hide(x))

    def hide(self, x: Tensor) -> Tensor:
        return x


class Saturated(Masked):
    """Logits a thousand times as large: the cross-entropy of what is right rounds to zero."""

    def forward(self, x: Tensor) -> Tensor:
        return 1000 * self.model(x)


class Quantised(Masked):
    """Sixteen greys: no gradient passes through rounding."""

    def hide(self, x: Tensor) -> Tensor:
        return (16 * x).round() / 16


class Noisy(Masked):
    """Noise on the input, drawn anew at each pass."""

    def hide(self, x: Tensor) -> Tensor:
        return x + 0.05 * torch.randn_like(x)


class Shattered(Masked):
    """A staircase with a ripple too small to see, so steep that the gradient's sign is that of the ripple."""

    def hide(self, x: Tensor) -> Tensor:
        phase = 40 * torch.arange(x[0].numel()).view_as(x[0]) ** 1.5
        return (16 * x).round() / 16 + 1e-4 * torch.sin(1e5 * x + phase)


def masked(make: type[Masked], sound: SimpleNamespace, epsilon: float | None = None) -> dict[str, float]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        numbers = check_attacks(make(copy.deepcopy(sound.model)).eval(), *sound.attacked, epsilon or sound.epsilon)
    assert numbers["clean_accuracy"] > 0.8
    return numbers


def test_saturated_logits_are_caught_by_both_attacks_gap_to_the_margin_form(sound: SimpleNamespace) -> None:
    numbers = masked(Saturated, sound, epsilon=0.3)  # where FGSM breaks a fair share of the sound network's images
    assert numbers["saturated"] > 0.8
    assert names(numbers, FGSM) >= {"fgsm-not-saturated", "gradient-not-zero", "large-epsilon-leaves-nothing"}
    assert names(numbers, PGD) >= {"pgd-not-saturated", "gradient-not-zero", "large-epsilon-leaves-nothing"}


def test_saturation_that_misleads_no_attack_is_no_failure(sound: SimpleNamespace) -> None:
    """Margins grow with training; what counts is whether the attack on cross-entropy suffers from it."""

    class Sharper(Masked):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * self.model(x)

    numbers = masked(Sharper, sound)
    assert numbers["saturated"] > 0.1
    assert failed(numbers) == []


def test_a_rounded_input_is_caught_by_its_gradient_of_zero(sound: SimpleNamespace) -> None:
    numbers = masked(Quantised, sound)
    assert numbers["right_without_gradient"] == numbers["clean_accuracy"]
    for of in (FGSM, PGD):
        assert names(numbers, of) >= {"gradient-not-zero", "large-epsilon-leaves-nothing"}


def test_noise_on_the_input_is_caught_by_a_second_pass(sound: SimpleNamespace) -> None:
    numbers = masked(Noisy, sound)
    for of in (FGSM, PGD, LAMBDA1):
        assert "same-logits" in names(numbers, of)


@pytest.mark.parametrize("name", ["StdCNN-MNIST", "C1-CIFAR10"])
def test_dropout_and_batch_norm_left_in_training_mode_are_caught(studied: SimpleNamespace, name: str) -> None:
    one = studied.get(name, max(TRAINED[name]))
    numbers = check_attacks(copy.deepcopy(one.model).train(), *one.attacked, one.epsilon)
    assert "same-logits" in names(numbers)


def test_a_shattered_gradient_is_caught_by_an_epsilon_that_should_leave_nothing(sound: SimpleNamespace) -> None:
    """It is neither zero nor saturated nor random."""
    numbers = masked(Shattered, sound)
    assert numbers["right_without_gradient"] == numbers["disagreement"] == 0
    for of in (FGSM, PGD):
        assert "large-epsilon-leaves-nothing" in names(numbers, of)


def test_another_networks_images_break_what_its_own_shattered_gradient_does_not(
    sound: SimpleNamespace, studied: SimpleNamespace
) -> None:
    other = studied.get("StdCNN-MNIST", WELL, seed=1).model
    for target, expected in ((Shattered(sound.model).eval(), {"pgd-beats-transfer"}), (sound.model, set())):
        found = set()
        for epsilon in (0.2, 0.3, 0.4):  # the size at which another network's images break most is the data's
            numbers = check_attacks(target, *sound.attacked, epsilon)
            numbers["transfer_accuracy"] = transfer_accuracy(other, target, *sound.attacked, epsilon)
            found |= names(numbers, PGD) & {"pgd-beats-transfer"}
        assert found == expected


# --- the attacks' numbers ---


def test_each_number_is_of_the_attack_it_names(digits: Case) -> None:
    model, images, labels = digits
    found = check_attacks(model, images, labels, 0.06, count=50, steps=3)
    x, y = images[:50], labels[:50]

    def by_pgd(size: float, loss: str = "cross-entropy") -> float:
        return pgd_accuracy(model, x, y, size, 3, 4 / 3 * size / 3, loss)

    def right(adversarial: Tensor) -> float:
        with torch.no_grad():
            return (model(adversarial).argmax(1) == y).float().mean().item()

    assert found["images"] == 50
    assert found["clean_accuracy"] == right(x)
    assert found["fgsm_accuracy"] == pytest.approx(fgsm_accuracy(model, x, y, 0.06, "cross-entropy"))
    assert found["fgsm_margin_accuracy"] == pytest.approx(fgsm_accuracy(model, x, y, 0.06, "margin"))
    assert found["pgd_accuracy"] == by_pgd(0.06)
    assert found["pgd_margin_accuracy"] == by_pgd(0.06, "margin")
    assert found["pgd_half_accuracy"] == by_pgd(0.03)
    assert found["pgd_double_accuracy"] == by_pgd(0.12)
    assert found["pgd_large_accuracy"] == by_pgd(0.5)
    assert found["pgd_half_accuracy"] > found["pgd_accuracy"] > found["pgd_double_accuracy"]
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
    assert transfer_accuracy(model, model, images, labels, 0.05, count=64) == pytest.approx(
        fgsm_accuracy(model, images, labels, 0.05, "margin")
    )
    permuted = copy.deepcopy(model)
    with torch.no_grad():
        permuted[5].weight.copy_(permuted[5].weight.roll(1, 0))
        permuted[5].bias.copy_(permuted[5].bias.roll(1, 0))
    adversarial = fgsm(permuted, images[:20], labels[:20], 0.05, loss="margin")
    expected = (model(adversarial).argmax(1) == labels[:20]).float().mean().item()
    assert transfer_accuracy(permuted, model, images, labels, 0.05, count=20) == expected


# --- the eigenvalue's numbers ---


def spectrum_of(top: float, count: int = 400) -> Tensor:
    return torch.cat([torch.linspace(-1, 1, count - 2, dtype=torch.float64), torch.tensor([5.0, top])])


def start(count: int = 400, seed: int = 0) -> Tensor:
    return torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def curvature_numbers(found: float, smallest: float, second: float) -> dict[str, float]:
    return {"lambda1": found, "lambda1_smallest": smallest, "lambda1_elsewhere": second}


def test_an_eigenvalue_from_a_start_without_the_top_is_caught_by_the_second_start() -> None:
    spectrum = spectrum_of(20.0)
    blind = start()
    blind[-1] = 0
    found, vector = lanczos_pair(lambda v: spectrum * v, blind, 1e-2, 100)
    assert found.value == pytest.approx(5.0, rel=1e-3)
    assert found.residual <= 1e-2 * found.value  # which says nothing of it
    second = elsewhere(lambda v: spectrum * v, vector, start(seed=1), 4)
    assert names(curvature_numbers(found.value, found.smallest, second)) == {"lambda1-is-the-top"}
    right, vector = lanczos_pair(lambda v: spectrum * v, start(), 1e-2, 100)
    second = elsewhere(lambda v: spectrum * v, vector, start(seed=1), 4)
    assert names(curvature_numbers(right.value, right.smallest, second)) == set()


def test_a_networks_own_second_start_reveals_a_top_that_was_withheld(digits: Case) -> None:
    """In the two products that it has; a uniform start would not."""
    model, images, labels = digits
    hessian, size = hessian_operator(model, images, labels, 512)
    vectors: list[Tensor] = []

    def without(w: Tensor) -> Tensor:
        return w - sum((v * torch.dot(v, w) for v in vectors), torch.zeros_like(w))

    found = []
    for seed in range(6):
        begin = without(torch.randn(size, generator=torch.Generator().manual_seed(seed)))
        value, vector = lanczos_pair(lambda v: without(hessian(v)), begin, 1e-3, 100)
        found.append((value, vector))
        vectors.append(vector)
    top = found[0][0].value
    withheld, vector = next(pair for pair in found if pair[0].value < top / 2)
    second = elsewhere(hessian, vector, second_start(model, images))
    assert names(curvature_numbers(withheld.value, withheld.smallest, second)) == {"lambda1-is-the-top"}
    uniform = elsewhere(hessian, vector, torch.randn(size, generator=torch.Generator().manual_seed(9)))
    assert uniform < second <= top * (1 + 1e-4)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=12), st.integers(0, 2**32), st.integers(1, 5))
@settings(deadline=None, derandomize=True, database=None)
def test_a_second_start_never_claims_more_than_there_is(spectrum: list[float], seed: int, products: int) -> None:
    values = torch.tensor(spectrum, dtype=torch.float64)
    vector = F.normalize(start(len(spectrum), seed), dim=0)
    found = elsewhere(lambda v: values * v, vector, start(len(spectrum), seed + 1), products)
    assert min(spectrum) - 1e-8 <= found <= max(spectrum) + 1e-8


def test_a_start_along_the_vector_leaves_the_vectors_own_value() -> None:
    vector = torch.tensor([0.6, 0.8], dtype=torch.float64)
    spectrum = torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert elsewhere(lambda v: spectrum * v, vector, 3 * vector) == pytest.approx(0.36 + 1.28)


def small(dtype: torch.dtype = torch.float64) -> Case:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(
            *(nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3), nn.Tanh(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 4)),
        )
        return model.to(dtype), torch.rand(12, 1, 3, 3, dtype=dtype), torch.arange(12) % 4


def test_the_curvature_of_each_image_is_that_of_its_dense_hessian() -> None:
    model, images, labels = small()
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    vector = F.normalize(start(len(weights)), dim=0)
    found = curvature_of_each(model, images, labels, vector)
    frozen = copy.deepcopy(model).eval()
    named = {name: p.detach() for name, p in frozen.named_parameters()}

    def loss(v: Tensor, i: int) -> Tensor:
        parts = v.split([p.numel() for p in named.values()])
        shaped = {name: part.view(p.shape) for part, (name, p) in zip(parts, named.items(), strict=True)}
        return F.cross_entropy(functional_call(frozen, shaped, images[i : i + 1]), labels[i : i + 1])

    for i, value in enumerate(found):
        dense = torch.autograd.functional.hessian(lambda v, i=i: loss(v, i), weights)
        assert value.item() == pytest.approx((vector @ dense @ vector).item(), rel=1e-9, abs=1e-12)
    whole = hessian_operator(model, images, labels, 512)[0](vector)
    assert found.mean().item() == pytest.approx(torch.dot(vector, whole).item(), rel=1e-9)


def eigenpair(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Eigenvalue, Tensor]:
    hessian, size = hessian_operator(model, images, labels, 512)
    return lanczos_pair(hessian, random_vector(size, 0).to(images), 1e-2, MAX_PRODUCTS)


def test_curvature_is_checked_on_the_eigenvalue_that_is_measured(blobs: Case) -> None:
    top, vector = eigenpair(*blobs)
    found = check_curvature(*blobs)
    expected = (top.value, top.residual, top.smallest, top.products)
    assert tuple(found[f"lambda1{n}"] for n in ("", "_residual", "_smallest", "_products")) == expected
    assert top == top_eigenvalue(*blobs)
    each = curvature_of_each(*blobs, vector)
    assert each.mean().item() == pytest.approx(top.value, rel=1e-4)
    assert found["lambda1_error"] == pytest.approx(each.std().item() / 8)


def test_the_error_is_that_of_choosing_the_images(blobs: Case) -> None:
    """Over images drawn anew from these, v^T H v varies by it."""
    model, images, labels = blobs
    each = curvature_of_each(model, images, labels, eigenpair(*blobs)[1])
    generator = torch.Generator().manual_seed(0)
    means = torch.stack([each[torch.randint(64, (64,), generator=generator)].mean() for _ in range(2000)])
    assert check_curvature(*blobs)["lambda1_error"] == pytest.approx(means.std().item(), rel=0.1)


def test_few_of_many_images_tell_the_error_of_all(blobs: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = check_curvature(*blobs)["lambda1_error"]
    monkeypatch.setattr(module, "CURVED_IMAGES", 32)
    assert check_curvature(*blobs)["lambda1_error"] == pytest.approx(whole, rel=0.5)


def test_an_eigenvalue_that_was_not_waited_for_is_caught_by_its_residual(digits: Case) -> None:
    top = top_eigenvalue(*digits, max_products=2)
    numbers = {"lambda1": top.value, "lambda1_residual": top.residual, "lambda1_smallest": top.smallest}
    assert names(numbers) == {"lambda1-converged"}


class OneImages(nn.Module):
    """Only bright images reach the weights' curvature: a loss of w^2 for them, and none for the others."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        z = x.flatten(1).mean(1, keepdim=True) * self.w.square().sum()
        return torch.cat([torch.zeros_like(z), z], 1)


def test_an_eigenvalue_of_a_single_image_is_caught() -> None:
    images = torch.zeros(256, 1, 2, 2)
    labels = torch.zeros(256, dtype=torch.long)
    images[:1] = 1.0
    assert names(check_curvature(OneImages(), images, labels)) == {"lambda1-not-of-one-image"}
    images[:16] = 1.0
    assert names(check_curvature(OneImages(), images, labels)) == set()


def test_a_network_without_curvature_and_one_of_a_single_image_have_numbers_all_the_same() -> None:
    flat = nn.Sequential(nn.Flatten(), nn.Linear(9, 4, bias=False))
    found = check_curvature(flat, torch.zeros(5, 1, 3, 3), torch.arange(5) % 4)
    assert {value for name, value in found.items() if name != "lambda1_products"} == {0.0}
    assert failed(found) == []
    model, images, labels = small()
    alone = check_curvature(model, images[:1], labels[:1])
    assert all(math.isfinite(value) for value in alone.values())
    assert failed(alone) == []


def test_the_second_start_has_the_gauss_newton_matrix_as_covariance(monkeypatch: pytest.MonkeyPatch) -> None:
    model, images, labels = small()
    model = nn.Sequential(nn.Flatten(), nn.Linear(9, 4, bias=False)).double()  # its Hessian is its Gauss-Newton matrix
    hessian, size = hessian_operator(model, images, labels, 512)
    dense = torch.stack([hessian(row) for row in torch.eye(size, dtype=torch.float64)]) * len(images)
    draws = []
    for seed in range(4000):
        monkeypatch.setattr(module, "stream", lambda *_, seed=seed: seed)
        draws.append(second_start(model, images))
    covariance = torch.stack(draws).T.cov()
    assert (covariance - dense).norm() < 0.1 * dense.norm()


def test_pgd_of_the_checks_is_no_weaker_than_its_last_iterate(digits: Case) -> None:
    model, images, labels = digits
    found = check_attacks(model, images, labels, 0.06, count=64)["pgd_accuracy"]
    generator = torch.Generator().manual_seed(stream(0, "pgd start"))
    last = pgd(model, images, labels, 0.06, steps=4, step_size=0.02, generator=generator)
    assert found <= (model(last).argmax(1) == labels).float().mean().item()
