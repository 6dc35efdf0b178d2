"""The update of SGD against PyTorch's optimiser, and what it does without."""

import subprocess
import sys

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from repro.experiment.recipes import SGD
from repro.science.training.sgd import Descent

PROGRAM = """
import sys
import torch
from repro.science.data.splits import Data, Split
from repro.science.measuring.measures import measure
from repro.science.networks.models import build
from repro.experiment.readings import Reading
from repro.experiment.recipes import LR
from repro.science.training.settings import TrainingSettings
from repro.experiment.tasks import STDCNN_MNIST
from repro.science.training.training import train
split = Split(torch.randint(0, 256, (40, 1, 28, 28), dtype=torch.uint8), torch.arange(40) % 10)
model = build(STDCNN_MNIST, 0)
train(model, *split.part(), TrainingSettings(sgd=LR(0.9).sgd(64), batch_size=20, epochs=1, seed=0))
measure(model, STDCNN_MNIST.dataset, Data(split, split, split), None, Reading(20, 8, 2, 8))
assert "torch" in sys.modules
print("torch._dynamo" in sys.modules)
"""


def test_neither_training_nor_measuring_imports_pytorchs_compiler() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def networks() -> tuple[nn.Linear, nn.Linear]:
    """The same network twice."""
    pair = nn.Linear(5, 3), nn.Linear(5, 3)
    pair[1].load_state_dict(pair[0].state_dict())
    return pair


@settings(max_examples=25)
@given(
    momentum=st.sampled_from([0.0, 0.2, 0.9]),
    rates=st.lists(st.floats(1e-4, 1.0), min_size=1, max_size=6),
    without=st.integers(0, 6),
)
def test_weights_and_momenta_are_those_of_pytorchs_optimiser(momentum: float, rates: list[float], without: int) -> None:
    """At one step the bias may lack a gradient, if there is no momentum: with it the fused kernel refuses that."""
    ours, theirs = networks()
    descent = Descent(ours.parameters(), SGD(rates[0], momentum))
    peer = torch.optim.SGD(theirs.parameters(), lr=rates[0], momentum=momentum, fused=True)
    generator = torch.Generator().manual_seed(0)
    for i, rate in enumerate(rates):
        descent.set_rate(rate)
        peer.param_groups[0]["lr"] = rate
        descent.zero_grad()
        peer.zero_grad()
        x = torch.rand(7, 5, generator=generator)
        for network in (ours, theirs):
            network(x).square().sum().backward()
            if i == without and not momentum:
                network.bias.grad = None
        descent.step()
        peer.step()
    assert all(map(torch.equal, ours.parameters(), theirs.parameters()))
    buffers = [peer.state[p]["momentum_buffer"] for p in theirs.parameters() if momentum]
    assert all(torch.equal(b, buffer) for (_, b), buffer in zip(descent.momenta, buffers, strict=True))


def test_without_momentum_nothing_is_kept() -> None:
    network, _ = networks()
    descent = Descent(network.parameters(), SGD(0.1, 0.0))
    network(torch.rand(2, 5)).sum().backward()
    descent.step()
    assert descent.momenta == []
