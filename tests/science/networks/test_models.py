import copy
from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from repro.experiment.tasks import C1_CIFAR10, M1_MNIST, RESNET18_CIFAR10, STDCNN_FASHION, TASKS, Task
from repro.science.networks.models import C1, M1, ResNet18, Standardise, StdCNN, build


def conv(inputs: int, outputs: int, kernel: int) -> int:
    return outputs * (inputs * kernel * kernel + 1)


def full(inputs: int, outputs: int) -> int:
    return outputs * (inputs + 1)


# By hand from Table 1. Valid convolutions: 28 - 4 - 4 = 20 a side in M1; 28 - 2 - 2 = 24, halved 12, 12 - 2 - 2 = 8,
# halved 4 in StdCNN. C1's convolutions are padded and keep the sides: 32, pooled 16, pooled 8.
PARAMETERS = {
    "M1": conv(1, 20, 5) + conv(20, 20, 5) + full(8000, 500) + full(500, 10),
    "StdCNN": conv(1, 10, 3) + conv(10, 10, 3) + conv(10, 20, 3) + conv(20, 20, 3) + full(320, 50) + full(50, 10),
    "C1": conv(3, 64, 5) + conv(64, 64, 5) + 2 * (64 + 64) + full(4096, 384) + full(384, 192) + full(192, 10),
    "ResNet18": 11_173_962,
}
FLATTENED = {"M1": 8000, "StdCNN": 320, "C1": 4096, "ResNet18": 512}


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def pixels(task: Task, n: int = 4, dtype: torch.dtype = torch.float32) -> Tensor:
    shape = (n, task.dataset.channels, task.dataset.side, task.dataset.side)
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


@pytest.mark.parametrize("name", TASKS)
def test_a_network_has_the_parameters_of_table_1_and_gives_ten_logits(name: str) -> None:
    task = TASKS[name]
    model = build(task, seed=0).eval()
    assert count(model) == PARAMETERS[task.architecture]
    seen: list[torch.Size] = []
    flatten = next(part for part in model.children() if isinstance(part, nn.Flatten))
    flatten.register_forward_hook(lambda _module, _inputs, output: seen.append(output.shape))
    with torch.no_grad():
        logits = model(pixels(task))
    assert logits.shape == (4, 10)
    assert logits.min() < 0  # not yet a softmax
    assert seen == [(4, FLATTENED[task.architecture])]


def test_the_hand_counts_themselves() -> None:
    assert PARAMETERS == {"M1": 4_016_050, "StdCNN": 23_010, "C1": 1_756_682, "ResNet18": 11_173_962}


# --- layer by layer ---


def weights(model: nn.Module) -> list[tuple[Tensor, Tensor]]:
    parts = [part for part in model.children() if isinstance(part, nn.Conv2d | nn.Linear)]
    return [(part.weight, part.bias) for part in parts]


def m1(model: M1, x: Tensor) -> Tensor:
    a, b, c, d = weights(model)
    x = F.relu(F.conv2d(F.relu(F.conv2d(x, *a)), *b))
    return F.linear(F.relu(F.linear(x.flatten(1), *c)), *d)


def stdcnn(model: StdCNN, x: Tensor) -> Tensor:
    a, b, c, d, e, f = weights(model)
    x = F.max_pool2d(F.relu(F.conv2d(F.relu(F.conv2d(x, *a)), *b)), 2)
    x = F.max_pool2d(F.relu(F.conv2d(F.relu(F.conv2d(x, *c)), *d)), 2)
    return F.linear(F.relu(F.linear(x.flatten(1), *e)), *f)


def c1(model: C1, x: Tensor) -> Tensor:
    a, b, c, d, e = weights(model)
    norms = [part for part in model.children() if isinstance(part, nn.BatchNorm2d)]
    for kernel, norm in zip((a, b), norms, strict=True):
        x = F.max_pool2d(F.relu(F.conv2d(x, *kernel, padding=2)), 3, stride=2, padding=1)
        x = F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias)
    return F.linear(F.relu(F.linear(F.relu(F.linear(x.flatten(1), *c)), *d)), *e)


@pytest.mark.parametrize(
    ("task", "by_hand"), [(M1_MNIST, m1), (STDCNN_FASHION, stdcnn), (C1_CIFAR10, c1)], ids=["M1", "StdCNN", "C1"]
)
def test_a_network_is_table_1_written_out(task: Task, by_hand: Callable[[nn.Module, Tensor], Tensor]) -> None:
    model = build(task, seed=0).double()
    x = pixels(task, 8, torch.float64)
    model(x)  # running statistics that are not those of a fresh batch norm
    for norm in (part for part in model.children() if isinstance(part, nn.BatchNorm2d)):
        norm.weight.data = torch.linspace(-1, 1, 64, dtype=torch.float64)  # pooling after it would pick the lowest
    standardised = (x - 0.1307) / 0.3081 if task.dataset.channels == 1 else x
    torch.testing.assert_close(model.eval()(x), by_hand(model, standardised), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("task", [STDCNN_FASHION, C1_CIFAR10])
def test_pooling_before_the_relu_changes_no_bit_of_output_and_gradient(task: Task) -> None:
    ours = build(task, 0).train()
    written = copy.deepcopy(ours)
    layers = [*written.children()]
    for i, layer in enumerate(written.children()):
        if isinstance(layer, nn.MaxPool2d):
            layers[i : i + 2] = [layers[i + 1], layer]
    found = []
    for model in (ours, nn.Sequential(*layers)):
        torch.manual_seed(0)  # of dropout
        logits = model(pixels(task, 16).round(decimals=1))  # few levels, so that windows have equal largest pixels
        F.cross_entropy(logits, torch.arange(16) % 10).backward()
        found.append([logits, *(p.grad for p in model.parameters())])
    assert not torch.equal(found[0][0], torch.zeros_like(found[0][0]))
    assert all(map(torch.equal, *found))


def test_stdcnn_drops_half_of_its_hidden_units_in_training_and_none_in_evaluation() -> None:
    (dropout,) = (part for part in StdCNN() if isinstance(part, nn.Dropout))
    assert dropout.p == 0.5
    torch.manual_seed(0)
    kept = (dropout.train()(torch.ones(100, 50)) != 0).float().mean()
    assert 0.4 < kept < 0.6
    assert not [part for model in (M1(), C1(), ResNet18(2)) for part in model.modules() if isinstance(part, nn.Dropout)]


# --- standardisation ---


@pytest.mark.parametrize("network", [M1, StdCNN])
def test_pixels_are_standardised_inside_the_network(network: type[nn.Sequential]) -> None:
    model = network(mean=0.25, std=0.5).eval()
    x = pixels(M1_MNIST)
    first, *rest = model
    assert isinstance(first, Standardise)
    assert torch.equal(model(x), nn.Sequential(*rest)((x - 0.25) / 0.5))
    assert not any(name.startswith("0.") for name in model.state_dict())
    assert "mean=0.25, std=0.5" in repr(model)


def test_the_network_of_a_task_uses_its_data_set_s_constants() -> None:
    first = next(build(STDCNN_FASHION, 0).children())
    assert isinstance(first, Standardise)
    assert (first.mean, first.std) == (0.1307, 0.3081)
    for task in (C1_CIFAR10, RESNET18_CIFAR10):
        assert not [part for part in build(task, 0, width=2).modules() if isinstance(part, Standardise)]


# --- ResNet18 ---


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    """torchvision's ResNet18 with a 3x3 stem and no pooling after it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = torchvision.models.resnet18(num_classes=10)
        model.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        model.maxpool = nn.Identity()
        model(torch.rand(8, 3, 32, 32))  # running statistics of its own
    return model


def test_resnet18_is_torchvision_s_with_a_small_stem(theirs: nn.Module) -> None:
    ours = ResNet18()
    assert count(ours) == count(theirs)
    copied = theirs.state_dict()
    assert [v.shape for v in ours.state_dict().values()] == [v.shape for v in copied.values()]
    ours.load_state_dict(dict(zip(ours.state_dict(), copied.values(), strict=True)))
    x = pixels(RESNET18_CIFAR10)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(x), theirs.eval()(x), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(ours.train()(x), theirs.train()(x), rtol=1e-4, atol=1e-5)


def test_a_narrower_resnet18_is_another_network_of_the_same_depth() -> None:
    narrow = ResNet18(width=4)
    assert len(narrow.state_dict()) == len(ResNet18().state_dict())
    assert narrow(torch.rand(2, 3, 32, 32)).shape == (2, 10)
    # but for the head's ten biases, no parameter of the first block is left of width 64
    assert count(narrow) < PARAMETERS["ResNet18"] / 200


# --- initial weights ---


def flat(model: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize("name", TASKS)
def test_the_seed_alone_decides_the_initial_weights(name: str) -> None:
    torch.manual_seed(1)
    first = flat(build(TASKS[name], 5, width=4))
    torch.manual_seed(2)
    state = torch.get_rng_state()
    again = flat(build(TASKS[name], 5, width=4))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, again)
    assert not torch.equal(first, flat(build(TASKS[name], 6, width=4)))


def test_the_initial_weights_are_pytorch_s_defaults() -> None:
    torch.manual_seed(5)
    assert torch.equal(flat(C1()), flat(build(C1_CIFAR10, 5)))
    (conv2d, *_) = (layer for layer in build(M1_MNIST, 0).children() if isinstance(layer, nn.Conv2d))
    assert conv2d.weight.abs().max() <= 1 / 25**0.5  # uniform up to 1 / sqrt(fan in)


def test_width_is_resnet18_s_alone() -> None:
    assert count(build(C1_CIFAR10, 0, width=4)) == PARAMETERS["C1"]
    assert count(build(RESNET18_CIFAR10, 0, width=4)) == count(ResNet18(4))
