"""A training whose schedule is compressed: fewer steps, which go through the learning rates of all its epochs."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.experiment.recipes import SGD
from repro.science.training.settings import TrainingSettings
from repro.science.training.training import History, orders, train

COUNT, BATCH_SIZE, EPOCHS, PER_EPOCH = 70, 16, 7, 5  # the last batch of an epoch has six images
HALVED = SGD(0.1, 0.9, 2)
Weights = list[Tensor]


def data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(COUNT, 1, 4, 4, generator=generator), torch.arange(COUNT) % 10


def network() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(16, 10))


def settings(steps: int | None, *, compressed: bool = True) -> TrainingSettings:
    return TrainingSettings(
        sgd=HALVED, batch_size=BATCH_SIZE, epochs=EPOCHS, seed=1, steps=steps, compressed=compressed
    )


def trained(how: TrainingSettings) -> tuple[Weights, History]:
    model = network()
    history = train(model, *data(), how)
    return [p.detach() for p in model.parameters()], history


def by_hand(rates: list[float]) -> Weights:
    """A step at each of these rates, written out."""
    model, (images, labels) = network(), data()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
    batches = [batch for order in orders(COUNT, EPOCHS, 1, torch.device("cpu")) for batch in order.split(BATCH_SIZE)]
    for rate, batch in zip(rates, batches, strict=False):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        F.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()
    return [p.detach() for p in model.parameters()]


def test_each_step_has_the_rate_that_stands_at_the_same_share_of_the_whole_schedule() -> None:
    """Seven epochs at 0.1, 0.1, 0.05, 0.05, 0.025, 0.025, 0.0125, in 14 steps or in 7, of which 5 are an epoch's."""
    rates = [0.1, 0.1, 0.05, 0.05, 0.025, 0.025, 0.0125]
    for each in (1, 2):
        expected = [rate for rate in rates for _ in range(each)]
        weights, history = trained(settings(7 * each))
        assert all(map(torch.equal, weights, by_hand(expected)))
        assert history.steps == 7 * each
        assert history.amount == pytest.approx(sum(expected) / (1 - 0.9))


def test_it_is_not_the_state_after_as_many_steps_of_the_whole_training() -> None:
    compressed, other = trained(settings(14)), trained(settings(14, compressed=False))
    assert not any(map(torch.equal, compressed[0], other[0]))
    assert compressed[1].amount < other[1].amount


def test_compressed_to_all_its_steps_it_is_the_whole_training() -> None:
    compressed, whole = trained(settings(EPOCHS * PER_EPOCH)), trained(settings(None, compressed=False))
    assert all(map(torch.equal, compressed[0], whole[0]))
    assert compressed[1].losses == whole[1].losses
    assert compressed[1].amount == pytest.approx(whole[1].amount)


def test_there_must_be_steps_to_compress_to() -> None:
    with pytest.raises(ValueError, match=r"^compressed=True: must come with steps, to which"):
        settings(None)
