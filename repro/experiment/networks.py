"""What the harness has to know of a network before it is built. Free of torch; the paper's four stand in ``science``.

The target of each is a function, or its place as in ``package.module:name``, which is imported when a network is first
built.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from .registry import Registry

PAPERS_WIDTH: Final = 64


@dataclass(frozen=True)
class Network:
    """A network that a task may name.

    ``build`` is called with the data set and by name with ``width`` and ``trained_as``, and gives a module from pixels
    (N, C, H, W) in [0, 1] to logits (N, 10). ``version`` is part of the key of its runs: raise it when a change of code
    changes the weights that they end with. ``scalable``: it can be had narrower, which regimes choose by ``width``.
    ``departures``: the readings of the paper in ``trained_as`` that concern this network alone.
    """

    name: str
    build: str | Callable[..., Any]
    version: int = 1
    scalable: bool = False
    departures: tuple[str, ...] = ()


NETWORKS: Final = Registry[Network]("network")


def network(name: str, build: str | Callable[..., Any], **fields: Any) -> Network:
    """Enter a network; it is described by the fields of ``Network``. SettingError: its name stands for another."""
    return NETWORKS.enter(name, Network(name, build, **fields))


_MODELS: Final = "repro.science.networks.models"
# StdCNN's stored runs took days: its number stays where new ones differ from them by rounding only.
M1: Final = network("M1", f"{_MODELS}:m1", version=4)
STDCNN: Final = network("StdCNN", f"{_MODELS}:stdcnn", version=3)
C1: Final = network("C1", f"{_MODELS}:c1", version=5, departures=("c1-pool-last",))
RESNET18: Final = network("ResNet18", f"{_MODELS}:resnet18", version=5, scalable=True)
