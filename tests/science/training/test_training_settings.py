from typing import Any

import pytest

from repro.experiment.precisions import SAYS
from repro.experiment.recipes import LR
from repro.science.training.settings import TrainingSettings

SOUND: dict[str, Any] = {"sgd": LR().sgd(64), "batch_size": 64, "epochs": 2, "seed": 0}


@pytest.mark.parametrize("name", ["batch_size", "epochs", "steps"])
@pytest.mark.parametrize("count", [0, -3])
def test_a_count_below_one_is_refused_with_its_name_and_value(name: str, count: int) -> None:
    with pytest.raises(ValueError, match=rf"^{name}={count}: must be at least 1$"):
        TrainingSettings(**{**SOUND, name: count})


def test_a_precision_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"^precision='float16': must be one of float32, tf32, bfloat16$"):
        TrainingSettings(**SOUND, precision="float16")


@pytest.mark.parametrize("precision", SAYS)
def test_the_least_of_every_count_and_each_precision_are_taken(precision: str) -> None:
    settings = TrainingSettings(sgd=LR().sgd(1), batch_size=1, epochs=1, seed=0, steps=1, precision=precision)
    assert (settings.batch_size, settings.epochs, settings.steps, settings.precision) == (1, 1, 1, precision)


def test_a_training_goes_on_to_its_last_epoch_in_float32_on_images_as_they_are_unless_told_otherwise() -> None:
    settings = TrainingSettings(**SOUND)
    assert (settings.augmented, settings.steps, settings.precision) == (False, None, "float32")
