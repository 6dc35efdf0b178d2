import itertools

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.experiment.tasks import C1_CIFAR10, M1_MNIST, RESNET18_CIFAR10, STDCNN_FASHION, STDCNN_MNIST, TASKS, Task
from repro.experiment.trained_as import HE, POOL_LAST, SAYS, UNSTANDARDISED, concerning
from repro.science.networks.models import Standardise, build

GREY = {"M1-MNIST", "StdCNN-MNIST", "M1-FashionMNIST", "StdCNN-FashionMNIST"}
CONCERNED = {POOL_LAST: {"C1-CIFAR10"}, HE: set(TASKS), UNSTANDARDISED: GREY}
LEARNT = nn.Conv2d | nn.Linear


def images(model: nn.Module, count: int = 4) -> Tensor:
    channels = next(part for part in model.modules() if isinstance(part, nn.Conv2d)).in_channels
    side = 28 if channels == 1 else 32
    return torch.rand((count, channels, side, side), generator=torch.Generator().manual_seed(0))


def layers(model: nn.Module) -> list[str]:
    return [type(part).__name__ for part in model.modules() if not list(part.children())]


def weights(model: nn.Module) -> list[Tensor]:
    parts = [part for part in model.modules() if isinstance(part, LEARNT)]
    return [value.detach() for part in parts for value in (part.weight, part.bias) if value is not None]


def logits(model: nn.Module) -> Tensor:
    """In training mode: a fresh batch norm does nothing in evaluation mode, wherever it stands."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # dropout's masks
        return model.train()(images(model))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", SAYS)
def test_a_departure_concerns_its_tasks_and_leaves_the_others_as_they_are(name: str, task: str) -> None:
    first, other = build(TASKS[task], 3, 4), build(TASKS[task], 3, 4, (name,))
    concerned = task in CONCERNED[name]
    assert concerning(TASKS[task], [name]) == ((name,) if concerned else ())
    assert torch.equal(logits(first), logits(other)) is not concerned
    if not concerned:
        assert layers(first) == layers(other)
        assert first.state_dict().keys() == other.state_dict().keys()


@pytest.mark.parametrize("task", TASKS.values(), ids=str)
def test_the_names_of_a_run_are_in_one_order_however_they_were_given(task: Task) -> None:
    everything = tuple(name for name in SAYS if str(task) in CONCERNED[name])
    for names in itertools.permutations(SAYS):
        assert concerning(task, [*names, *names]) == everything
    assert concerning(task, []) == ()


@pytest.mark.parametrize(("name", "task"), [(POOL_LAST, C1_CIFAR10), (UNSTANDARDISED, STDCNN_MNIST)])
def test_a_departure_in_layers_starts_from_the_same_weights(name: str, task: Task) -> None:
    """One thing is varied at a time."""
    first, other = weights(build(task, 3)), weights(build(task, 3, trained_as=(name,)))
    assert all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_departures_add_up() -> None:
    both = build(C1_CIFAR10, 3, trained_as=(POOL_LAST, HE))
    assert layers(both) == layers(build(C1_CIFAR10, 3, trained_as=(POOL_LAST,)))
    one = weights(build(C1_CIFAR10, 3, trained_as=(HE,)))
    assert all(torch.equal(a, b) for a, b in zip(weights(both), one, strict=True))


# --- He's initial weights ---


@pytest.mark.parametrize("task", [M1_MNIST, STDCNN_FASHION, C1_CIFAR10, RESNET18_CIFAR10], ids=str)
def test_he_s_weights_are_normal_with_a_variance_of_two_over_fan_in(task: Task) -> None:
    model = build(task, 3, 16, (HE,))
    parts = [part for part in model.modules() if isinstance(part, LEARNT)]
    assert len(parts) >= 4
    scaled = []
    for part in parts:
        inputs = part.weight[0].numel()  # channels times kernel, or inputs of a linear layer
        ours = part.weight.detach().flatten() * (inputs / 2) ** 0.5  # of variance 1
        spread = 4 * (2 / len(ours)) ** 0.5  # four standard errors of a sample variance
        assert ours.var().item() == pytest.approx(1, abs=spread)
        scaled.append(ours)
        if part.bias is not None:
            assert not part.bias.any()
    together = torch.cat(scaled)
    assert together.mean().abs() < 4 / len(together) ** 0.5
    # a normal's fourth moment is 3, a uniform's 9/5
    assert (together**4).mean().item() == pytest.approx(3, abs=4 * (96 / len(together)) ** 0.5)


def test_he_s_weights_leave_batch_norm_at_one_and_zero() -> None:
    norms = [part for part in build(RESNET18_CIFAR10, 3, 4, (HE,)).modules() if isinstance(part, nn.BatchNorm2d)]
    assert norms
    assert all((norm.weight == 1).all() and not norm.bias.any() for norm in norms)


def test_the_seed_alone_decides_he_s_weights() -> None:
    torch.manual_seed(1)
    first = weights(build(M1_MNIST, 5, trained_as=(HE,)))
    torch.manual_seed(2)
    state = torch.get_rng_state()
    again = weights(build(M1_MNIST, 5, trained_as=(HE,)))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], weights(build(M1_MNIST, 6, trained_as=(HE,)))[0])


# --- C1's order ---


def test_c1_that_pools_last_has_the_order_of_yao_et_al() -> None:
    model = build(C1_CIFAR10, 3, trained_as=(POOL_LAST,)).double()
    assert layers(model)[:8] == ["Conv2d", "ReLU", "BatchNorm", "MaxPool2d"] * 2
    x = images(model, 8).double()
    model(x)  # running statistics that are not those of a fresh batch norm
    norms = [part for part in model.children() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.weight.data = torch.linspace(-1, 1, 64, dtype=torch.float64)  # where its place is felt
    first, second, *rest = [part for part in model.children() if isinstance(part, LEARNT)]
    by_hand = x
    for conv, norm in zip((first, second), norms, strict=True):
        by_hand = F.relu(F.conv2d(by_hand, conv.weight, conv.bias, padding=2))
        by_hand = F.batch_norm(by_hand, norm.running_mean, norm.running_var, norm.weight, norm.bias)
        by_hand = F.max_pool2d(by_hand, 3, stride=2, padding=1)
    by_hand = by_hand.flatten(1)
    for i, part in enumerate(rest):
        by_hand = F.linear(F.relu(by_hand) if i else by_hand, part.weight, part.bias)
    torch.testing.assert_close(model.eval()(x), by_hand, rtol=1e-10, atol=1e-12)


# --- pixels as they are ---


@pytest.mark.parametrize("task", sorted(GREY))
def test_unstandardised_input_is_fed_as_pixels(task: str) -> None:
    first, other = build(TASKS[task], 3).eval(), build(TASKS[task], 3, trained_as=(UNSTANDARDISED,)).eval()
    x = images(first)
    torch.testing.assert_close(first(x * 0.3081 + 0.1307), other(x), rtol=1e-4, atol=1e-5)
    rest = [part for part in other.children() if not isinstance(part, Standardise)]
    assert torch.equal(other(x), nn.Sequential(*rest)(x))
