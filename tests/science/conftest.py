"""What the tests of the science share: data that is rendered once, and networks that have begun to learn it."""

import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from small_networks import CASES, Case, made
from torch import Tensor, nn
from torch.nn import functional as F

from repro.science.data.sources import Source
from repro.science.data.splits import Data, load
from repro.science.networks.models import StdCNN


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """As in a session of claims: the order of a sum, and so its last bits, do not hang on the machine's load."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def surrogate_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("surrogate")


@pytest.fixture(scope="session")
def glyphs(surrogate_folder: Path) -> Data:
    """The surrogate of MNIST."""
    return load(Source("MNIST", "surrogate", surrogate_folder))


def learn(model: nn.Module, images: Tensor, labels: Tensor, epochs: int, learning_rate: float = 0.05) -> nn.Module:
    """A few epochs of SGD with momentum, in the tests' own words."""
    optimizer = torch.optim.SGD(model.parameters(), learning_rate, momentum=0.9)
    for _ in range(epochs):
        for x, y in zip(images.split(64), labels.split(64), strict=True):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    return model.eval()


def _seeded(make: type[nn.Module]) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make()


class Blobs(nn.Sequential):
    """A coloured convolutional network with batch norm, for 8x8 images of three channels."""

    def __init__(self) -> None:
        super().__init__(
            *(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(8 * 3 * 3, 10)),
        )


@pytest.fixture(scope="session")
def digits(glyphs: Data) -> tuple[nn.Module, Tensor, Tensor]:
    """StdCNN (standardised input, dropout) after three epochs, in evaluation mode, with 64 test images and labels."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # dropout's masks
        model = learn(_seeded(StdCNN), *glyphs.train.part(2048), epochs=3)
    return (model, *glyphs.test.part(64))


@pytest.fixture(scope="session")
def blobs() -> tuple[nn.Module, Tensor, Tensor]:
    """A network with batch norm that has learnt noisy colours, in evaluation mode, with 64 images and labels."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.rand(10, 3, 8, 8, generator=generator)
    labels = torch.arange(512) % 10
    images = (centres[labels] + 0.5 * torch.randn(512, 3, 8, 8, generator=generator)).clamp(0, 1)
    model = learn(_seeded(Blobs), images, labels, epochs=3, learning_rate=0.02)
    return model, images[:64], labels[:64]


@pytest.fixture(params=["digits", "blobs"])
def learnt(request: pytest.FixtureRequest) -> tuple[nn.Module, Tensor, Tensor]:
    """Each of the networks above in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture(params=CASES, ids=lambda network: network.__name__)
def case(request: pytest.FixtureRequest) -> Case:
    """Each of the small networks in turn, with its images and labels."""
    return made(request.param)


@pytest.fixture(scope="session")
def foolbox() -> ModuleType:
    """The oracle of the attacks."""
    with warnings.catch_warnings():
        # foolbox 3.3.4 imports gaussian_filter from where scipy no longer keeps it
        warnings.filterwarnings("ignore", r"(?s)Please import `gaussian_filter`", DeprecationWarning)
        return importlib.import_module("foolbox")


@pytest.fixture(scope="session")
def curvlinops() -> ModuleType:
    """The oracle of Hessian-vector products."""
    with warnings.catch_warnings():
        # linear_operator, which it imports, decorates with torch.jit.script
        warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated")  # of which kind depends on the version
        return importlib.import_module("curvlinops")
