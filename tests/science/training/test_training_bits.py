"""A training on a CPU is to the last bit the plain loop, and so is one whose steps are recorded and replayed."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.experiment.precisions import BFLOAT16, FLOAT32
from repro.experiment.recipes import BENCHMARK, LR, LR_BS, SGD, Recipe
from repro.experiment.tasks import TASKS, Task
from repro.science.computing.inputs import preferred_layout
from repro.science.computing.streams import stream
from repro.science.data.augmentation import crop_and_flip
from repro.science.networks.dropout import Dropout
from repro.science.networks.models import build
from repro.science.training.graphs import REHEARSALS, Captured
from repro.science.training.settings import TrainingSettings
from repro.science.training.steps import Step
from repro.science.training.training import CAPTURED, EAGER, History, Training, train

CPU, COUNT, BATCH_SIZE, SEED = torch.device("cpu"), 22, 8, 3  # two batches of 8 and a last one of 6
NAMES = ("StdCNN-MNIST", "M1-MNIST", "C1-CIFAR10", "ResNet18-CIFAR10")  # dropout; neither; augmentation, batch norm
WIDTH = 2


def pixels(task: Task) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    shape = (COUNT, task.dataset.channels, task.dataset.side, task.dataset.side)
    return torch.rand(shape, generator=generator), torch.arange(COUNT) % 10


def plain_loop(task: Task, sgd: SGD, epochs: int) -> tuple[dict[str, Tensor], list[float]]:
    """What the training is, written out: fused SGD, dropout from the global random state."""
    model, (images, labels) = build(task, SEED, WIDTH), pixels(task)
    layout = preferred_layout(model)
    model.to(memory_format=layout).train()
    images = images.contiguous(memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), lr=sgd.learning_rate, momentum=sgd.momentum, fused=True)
    order = torch.Generator().manual_seed(stream(SEED, "order"))
    augmentation = torch.Generator().manual_seed(stream(SEED, "augmentation"))
    means = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(SEED, "dropout"))
        for epoch in range(epochs):
            total = torch.zeros(())
            optimizer.param_groups[0]["lr"] = sgd.learning_rate_at(epoch)
            for batch in torch.randperm(COUNT, generator=order).split(BATCH_SIZE):
                x = images[batch]
                if task.dataset.augmented:
                    x = crop_and_flip(x, augmentation)
                loss = F.cross_entropy(model(x), labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.detach() * len(batch)
            means.append(total.item() / COUNT)
    return model.state_dict(), means


def settings(task: Task, sgd: SGD, epochs: int) -> TrainingSettings:
    augmented = task.dataset.augmented
    return TrainingSettings(sgd=sgd, batch_size=BATCH_SIZE, epochs=epochs, seed=SEED, augmented=augmented)


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("recipe", [LR(), BENCHMARK], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_a_training_is_the_plain_loop_to_the_last_bit(name: str, recipe: Recipe) -> None:
    task, sgd = TASKS[name], recipe.sgd(BATCH_SIZE)
    model = build(task, SEED, WIDTH)
    history = train(model, *pixels(task), settings(task, sgd, 6))
    weights, losses = plain_loop(task, sgd, 6)
    assert same(model.state_dict(), weights)
    assert list(history.losses) == losses
    assert history.execution == EAGER
    assert not same(weights, build(task, SEED, WIDTH).state_dict())


class Again:
    """Records on a CPU, where to replay is to do the work again; ``refusing`` says at which recording it breaks."""

    def __init__(self, refusing: int | None = None, spoiling: bool = False) -> None:
        self.refusing, self.spoiling, self.recorded, self.replayed, self.asides = refusing, spoiling, 0, 0, 0

    def aside(self) -> AbstractContextManager[object]:
        self.asides += 1
        return nullcontext()

    def record(self, work: Callable[[], None], generators: Iterable[torch.Generator]) -> Callable[[], object]:
        self.recorded += 1
        if self.recorded == self.refusing:
            for generator in generators if self.spoiling else ():
                generator.manual_seed(0)
            raise RuntimeError("operation not permitted\nwhen stream is capturing")

        def replay() -> None:
            self.replayed += 1
            work()

        return replay


def recorded(
    task: Task, recorder: Again, recipe: Recipe, at: Iterable[int] = ()
) -> tuple[dict[str, Tensor], History, dict[int, dict[str, Tensor]]]:
    model, seen = build(task, SEED, WIDTH), {}

    def look(history: History) -> None:
        seen[history.steps] = {name: value.clone() for name, value in model.state_dict().items()}

    data, chosen = pixels(task), settings(task, recipe.sgd(BATCH_SIZE), 6)
    training = Training(model, *data, chosen, at_steps=dict.fromkeys(at, look), recorder=recorder)
    while training.advance():
        pass
    training.close()
    return model.state_dict(), training.history(), seen


@pytest.mark.parametrize("recipe", [LR(), LR(0.5), BENCHMARK], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_rehearsing_and_replaying_steps_alters_no_bit_of_a_run(name: str, recipe: Recipe) -> None:
    task, recorder = TASKS[name], Again()
    weights, history, seen = recorded(task, recorder, recipe, at=(2, 4))
    expected, losses = plain_loop(task, recipe.sgd(BATCH_SIZE), 6)
    assert same(weights, expected)
    assert list(history.losses) == losses
    assert (recorder.recorded, recorder.asides, recorder.replayed) == (2, 2, 3 * 6)  # two sizes of batches
    assert history.execution == CAPTURED
    assert set(seen) == {2, 4}
    assert not same(seen[2], seen[4])


@pytest.mark.parametrize("spoiling", [False, True], ids=["refused", "refused, generators spoilt"])
@pytest.mark.parametrize("refusing", [1, 2])
@pytest.mark.parametrize("name", ["StdCNN-MNIST", "C1-CIFAR10"])
def test_a_run_whose_capture_is_refused_goes_on_eagerly_and_says_why(name: str, refusing: int, spoiling: bool) -> None:
    task, recorder = TASKS[name], Again(refusing, spoiling)
    weights, history, _ = recorded(task, recorder, LR_BS(0.9))
    assert same(weights, plain_loop(task, LR_BS(0.9).sgd(BATCH_SIZE), 6)[0])
    assert history.execution == "eager: RuntimeError: operation not permitted when stream is capturing"
    assert recorder.recorded == refusing  # it is not tried again
    assert recorder.replayed == 2 * (refusing - 1)


class Late(Again):
    """A driver's last word is often that something failed before."""

    def record(self, work: Callable[[], None], generators: Iterable[torch.Generator]) -> Callable[[], object]:
        try:
            return super().record(work, generators)
        except RuntimeError:
            raise ValueError("invalidated by a previous error") from None


def test_a_refusal_is_told_with_what_it_began_with() -> None:
    _, history, _ = recorded(TASKS["M1-MNIST"], Late(refusing=1), LR())
    assert history.execution == (
        "eager: ValueError: invalidated by a previous error "
        "(first: RuntimeError: operation not permitted when stream is capturing)"
    )


class Breaking(nn.Linear):
    """Logits, but in training mode."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            raise RuntimeError("broken in training")
        return super().forward(x.flatten(1))


def test_a_step_that_breaks_breaks_the_training_as_it_would_eagerly() -> None:
    task = TASKS["StdCNN-MNIST"]
    training = Training(Breaking(784, 10), *pixels(task), settings(task, LR().sgd(8), 1), recorder=Again())
    with pytest.raises(RuntimeError, match="broken in training"):
        training.advance()


def test_the_network_is_left_as_it_was_found() -> None:
    task = TASKS["StdCNN-MNIST"]
    model = build(task, SEED)
    dropout = next(part for part in model.children() if isinstance(part, Dropout))
    training = Training(model, *pixels(task), settings(task, LR().sgd(8), 1))
    training.advance()
    assert dropout.generator is not None
    assert any(p.grad is not None for p in model.parameters())
    training.close()
    assert [part.generator for part in model.children() if isinstance(part, Dropout)] == [None]
    assert all(p.grad is None for p in model.parameters())  # they may lie in the memory of graphs


def step_of(model: nn.Module, momentum: float) -> Step:
    task = TASKS["C1-CIFAR10"]  # augmented
    step = Step(model, *pixels(task), settings(task, SGD(0.1, momentum), 1))
    step.begin_epoch(torch.arange(COUNT).flip(0))
    step.set_rate(0.1)
    return step


def everything(step: Step) -> dict[str, Tensor]:
    """All that decides how a training goes on."""
    parts = {**step.model.state_dict(), **step.random_states(), "cursor": step._cursor, "loss": step.loss_sum}
    momenta = {f"momentum {i}": buffer for i, (_, buffer) in enumerate(step.descent.momenta)}
    return {name: value.clone() for name, value in {**parts, **momenta}.items()}


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("before", [0, 2])
def test_rehearsals_change_all_that_steps_change_and_all_of_it_is_put_back(before: int, momentum: float) -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 2, 5), nn.BatchNorm2d(2), nn.Flatten(), Dropout(0.5), nn.Linear(2 * 28 * 28, 10)
    )
    step = step_of(network.train(), momentum)
    for _ in range(before):
        step(BATCH_SIZE)
    kept, drawn = everything(step), torch.get_rng_state()
    with step.undisturbed():
        for _ in range(REHEARSALS):
            step.rehearse(BATCH_SIZE)
        torch.rand(3)
        during = everything(step)
    assert not [name for name in kept if torch.equal(during[name], kept[name]) and not name.startswith("cursor")]
    after = everything(step)
    momenta = [name for name in after if name not in kept]
    assert all(torch.equal(after[name], kept[name]) for name in kept)
    assert bool(momenta) == (momentum > 0 and before == 0)
    assert not any(after[name].any() for name in momenta)
    assert torch.equal(torch.get_rng_state(), drawn)


def test_rehearsing_late_in_an_epoch_stays_within_its_images() -> None:
    step = step_of(nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10)), 0.0)
    for size in (8, 8):
        step(size)
    captured = Captured(step, Again())
    captured(6)
    assert captured.refused is None
    assert step._cursor.item() == COUNT


@pytest.mark.parametrize("name", ["StdCNN-MNIST", "M1-MNIST"])
def test_training_in_bfloat16_keeps_weights_in_float32_and_ends_elsewhere_but_near(name: str) -> None:
    task, found = TASKS[name], {}
    for precision in (FLOAT32, BFLOAT16):
        model = build(task, SEED)
        chosen = replace(settings(task, LR(0.9).sgd(BATCH_SIZE), 3), precision=precision)
        history = train(model, *pixels(task), chosen)
        assert {value.dtype for value in model.state_dict().values()} == {torch.float32}
        found[precision] = model.state_dict(), history
    (ours, history), (theirs, its_history) = found[FLOAT32], found[BFLOAT16]
    assert not same(ours, theirs)
    assert its_history.losses == pytest.approx(history.losses, rel=2e-2)
    start = build(task, SEED).state_dict()
    moved = sum((ours[name] - start[name]).norm() for name in start)
    assert sum((ours[name] - theirs[name]).norm() for name in start) < 0.2 * moved
