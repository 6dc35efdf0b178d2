"""Images, labels and epsilons that do not fit are refused in one sentence, by every public function alike."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from public_functions import FUNCTIONS, Given, same
from small_networks import made, with_batch_norm_and_dropout, with_relu_and_pooling
from torch import Tensor, nn

from repro import fgsm, pgd, top_eigenvalue


@pytest.fixture(params=[with_relu_and_pooling, with_batch_norm_and_dropout], ids=["relu", "tanh"])
def given(request: pytest.FixtureRequest) -> Given:
    return made(request.param, 20, torch.float32)


@pytest.fixture(params=FUNCTIONS)
def function(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return FUNCTIONS[request.param]


# --- labels ---


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda y: y[:, None], r"labels have the shape \(20, 1\) and are torch.int64: must be one integer an image"),
        (lambda y: torch.eye(4, dtype=torch.long)[y], r"the shape \(20, 4\)"),
        (lambda y: torch.eye(4)[y], r"\(20, 4\) and are torch.float32"),
        (lambda y: y.float(), r"\(20,\) and are torch.float32: must be one integer an image"),
        (lambda y: y > 1, r"\(20,\) and are torch.bool"),
        (lambda y: y[:15], "15 labels for 20 images: must be one label an image"),
        (lambda y: y.repeat(2), "40 labels for 20 images"),
        (lambda y: y - 1, "labels reach from -1 to 2: must be from 0 to 3, since the network has 4 logits"),
        (lambda y: y + 1, "labels reach from 1 to 4: must be from 0 to 3"),
        (lambda y: torch.where(y == 0, -100, y), "labels reach from -100 to 3: .* no label is left out of the mean"),
        (lambda y: y.tolist(), "labels is a list: must be a tensor"),
    ],
)
def test_labels_are_one_class_an_image(
    given: Given, function: Callable[..., Any], wrong: Callable[[Tensor], Any], message: str
) -> None:
    model, images, labels = given
    with pytest.raises(ValueError, match=message) as caught:
        function(model, images, wrong(labels))
    assert "\n" not in str(caught.value)


def test_as_many_one_hot_rows_as_classes_are_no_labels(given: Given, function: Callable[..., Any]) -> None:
    model, images, _ = given
    with pytest.raises(ValueError, match=r"the shape \(4, 4\)"):
        function(model, images[:4], torch.eye(4, dtype=torch.long))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32])
def test_labels_may_be_integers_of_any_size(given: Given, function: Callable[..., Any], dtype: torch.dtype) -> None:
    model, images, labels = given
    network = with_relu_and_pooling if isinstance(model[1], nn.ReLU) else with_batch_norm_and_dropout
    other = made(network, 20, torch.float32)
    assert same(function(model, images, labels.to(dtype)), function(*other))


# --- images and logits ---


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda x: x[:0], "images is empty"),
        (lambda x: x.index_fill(0, torch.tensor(3), torch.nan), "images: some pixels are NaN or infinite"),
        (lambda x: x.numpy(), "images is a ndarray: must be a tensor"),
        (lambda x: {"pixels": x}, "images is a dict"),
        (lambda x: x[:, :, :2], r"the network fails on images \(2, 1, 2, 3\): RuntimeError: "),
    ],
)
def test_images_are_a_tensor_that_the_network_takes(
    given: Given, function: Callable[..., Any], wrong: Callable[[Tensor], Any], message: str
) -> None:
    model, images, labels = given
    with pytest.raises(ValueError, match=message) as caught:
        function(model, wrong(images), labels[:0] if message == "images is empty" else labels)
    assert "\n" not in str(caught.value)


class Otherwise(nn.Module):
    """A network whose output is not logits."""

    def __init__(self, logits: nn.Module, returned: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.logits, self.returned = logits, returned

    def forward(self, x: Tensor) -> Any:
        return self.returned(self.logits(x))


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda z: {"logits": z}, "the network returns a dict: must be a tensor of logits"),
        (lambda z: (z, z), "the network returns a tuple"),
        (lambda z: z[:, :, None].expand(-1, -1, 5), r"returns \(2, 4, 5\) for images \(2, 1, 3, 3\): must be logits"),
        (lambda z: z[:, 0], r"the network returns \(2,\)"),
        (lambda z: z[:, :1], r"the network returns \(2, 1\) .*of two classes at least"),
        (lambda z: z[:1], r"the network returns \(1, 4\) for images \(2, 1, 3, 3\)"),
    ],
)
def test_what_a_network_returns_is_logits(
    given: Given, function: Callable[..., Any], returned: Callable[[Tensor], Any], message: str
) -> None:
    model, images, labels = given
    with pytest.raises(ValueError, match=message):
        function(Otherwise(model, returned), images, labels)


def test_a_function_is_no_network(given: Given, function: Callable[..., Any]) -> None:
    model, images, labels = given
    with pytest.raises(ValueError, match=r"model is a function: must be a torch\.nn\.Module"):
        function(lambda x: model(x), images, labels)


# --- pixels ---


def attacks(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> list[Tensor]:
    steps = {"steps": 2, "step_size": epsilon, "random_start": False}
    return [fgsm(model, images, labels, epsilon), pgd(model, images, labels, epsilon, **steps)]


@pytest.mark.parametrize("attack", [fgsm, lambda *given: pgd(*given, steps=1, step_size=0.1)], ids=["fgsm", "pgd"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: (x - 0.13) / 0.31, r"images reach from -0\.\d+ to \d\.\d+: must be pixels in \[0, 1\], the unit of"),
        (lambda x: 255 * x, "images reach from .*: must be pixels in"),
        (lambda x: (255 * x).byte(), r"images are torch.uint8: must be floating-point pixels .*divide bytes by 255"),
    ],
)
def test_only_pixels_are_attacked(
    given: Given, attack: Callable[..., Any], change: Callable[[Tensor], Tensor], message: str
) -> None:
    model, images, labels = given
    with pytest.raises(ValueError, match=message):
        attack(model, change(images), labels, 0.1)


def test_at_epsilon_zero_images_come_back_equal_and_never_themselves(given: Given) -> None:
    model, images, labels = given
    images[0] = 0.0
    images[1] = 1.0
    for adversarial in attacks(model, images, labels, 0.0):
        assert torch.equal(adversarial, images)
        assert adversarial.data_ptr() != images.data_ptr()


@pytest.mark.parametrize("random_start", [False, True])
def test_no_steps_give_a_tensor_of_their_own_without_a_graph(given: Given, random_start: bool) -> None:
    model, images, labels = given
    images.requires_grad_()
    found = pgd(model, images, labels, 0.1, steps=0, step_size=0.1, random_start=random_start)
    assert found.data_ptr() != images.data_ptr()
    assert not found.requires_grad
    assert images.grad is None


# --- what is not a number ---


@pytest.mark.parametrize("name", ["fgsm", "pgd", "top_eigenvalue"])
def test_weights_that_are_no_numbers_are_said(given: Given, name: str) -> None:
    model, images, labels = given
    next(iter(model.parameters())).data[0] = torch.nan
    with pytest.raises(ValueError, match="the network's output is not finite: look for NaN or infinity"):
        FUNCTIONS[name](model, images, labels)


class Cliff(nn.Module):
    """Its output is finite, and its slope at 0 infinite: the root of what the first layer gives, which is 0."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(9, 4)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.flatten(1)).sqrt() + x.flatten(1).mul(0).sqrt()[:, :4]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fgsm", "gradient in some image is not finite"),
        ("pgd", "gradient in some image is not finite"),
        ("top_eigenvalue", "a product with the Hessian is not finite"),
    ],
)
def test_derivatives_that_are_no_numbers_are_said(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FUNCTIONS[name](Cliff(), torch.rand(6, 1, 3, 3), torch.arange(6) % 4)


# --- how lambda1 is searched ---


def test_a_search_that_ended_too_soon_says_so(given: Given) -> None:
    with pytest.warns(RuntimeWarning, match=r"the residual is still .* after 1 products, where 0\.01 of the value"):
        found = top_eigenvalue(*given, max_products=1)
    assert found.residual > 0.01 * found.value


@pytest.mark.parametrize("wrong", [{"tolerance": -1.0}, {"tolerance": float("nan")}, {"chunk": 0}, {"max_products": 0}])
def test_a_search_is_told_numbers_that_mean_something(given: Given, wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}={next(iter(wrong.values()))}.*: must be at least 0, 1"):
        top_eigenvalue(*given, **wrong)
