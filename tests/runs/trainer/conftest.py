"""What the tests of the trainer share: a data set of a few hundred images, and which trainings were begun."""

from typing import Any

import pytest

from repro.experiment.regimes import QUICK
from repro.runs import trainer
from repro.runs.conditions import Conditions
from repro.science.data import surrogate
from repro.science.data.sources import Source
from repro.science.training.settings import TrainingSettings


@pytest.fixture(scope="module")
def conditions(tmp_path_factory: pytest.TempPathFactory) -> Conditions:
    """The surrogate of MNIST with a few hundred images."""
    folder = tmp_path_factory.mktemp("surrogate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surrogate, "TRAIN", 300)
        patch.setattr(surrogate, "TEST", 100)
        surrogate.surrogate("MNIST", folder)
    return Conditions(QUICK, {"MNIST": Source("MNIST", "surrogate", folder)}, "cpu")


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seeds of the trainings that were begun."""
    begun: list[int] = []
    train = trainer.train

    def counted(model: Any, images: Any, labels: Any, settings: TrainingSettings, **further: Any) -> Any:
        begun.append(settings.seed)
        return train(model, images, labels, settings, **further)

    monkeypatch.setattr(trainer, "train", counted)
    return begun
