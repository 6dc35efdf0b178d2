from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import SettingError
from repro.experiment.datasets import CIFAR10, MNIST
from repro.experiment.readings import (
    ALL_PARTS,
    BY_DEFAULT,
    NAMES,
    Epsilon,
    Reading,
    alternative,
    require_within_pixels,
)

FIRST = Reading(test_images=None, attacked_images=500, pgd_steps=40, hessian_images=4096)


def test_forty_steps_at_epsilon_0_3_are_madry_s_hundredths() -> None:
    assert FIRST.pgd_step_size(0.3) == pytest.approx(0.01, rel=1e-12)


def test_an_attack_that_could_turn_black_into_white_and_go_on_is_refused_in_one_line() -> None:
    require_within_pixels("Task", replace(FIRST, given_epsilon=Epsilon(1 / MNIST.std, "network")), MNIST)
    too_large = replace(FIRST, given_epsilon=Epsilon(4.0, "network"))
    with pytest.raises(SettingError, match=r"^Task: epsilon 1\.232 .* must be at most 1 of a pixel's range$"):
        require_within_pixels("Task", too_large, MNIST)


@given(steps=st.integers(1, 1000), epsilon=st.floats(0, 1))
def test_the_steps_together_reach_four_thirds_of_epsilon(steps: int, epsilon: float) -> None:
    assert steps * replace(FIRST, pgd_steps=steps).pgd_step_size(epsilon) == pytest.approx(4 / 3 * epsilon)


def test_epsilon_is_read_in_the_network_s_units_unless_pixels_are_asked_for() -> None:
    pixels = replace(FIRST, epsilon_unit="pixels")
    assert FIRST.epsilon(MNIST) == pytest.approx(0.3 * 0.3081)
    assert pixels.epsilon(MNIST) == 0.3
    assert FIRST.epsilon(CIFAR10) == pixels.epsilon(CIFAR10) == 0.02


# --- alternatives ---

CHANGES = {
    "sound-attack": {},
    "epsilon-in-pixels": {"parts": ("attacks",), "epsilon_unit": "pixels", "attacked_images": 125},
    "sound-attack-in-pixels": {"parts": ("attacks",), "epsilon_unit": "pixels", "attacked_images": 125},
    "pgd-10-restarts-3": {"parts": ("attacks",), "pgd_steps": 10, "pgd_restarts": 3},
    "lambda1-test": {"parts": ("curvature",), "curvature_of": "test", "hessian_images": 1024},
    "lambda1-1024": {"parts": ("curvature",), "hessian_images": 1024},
    "lambda1-4096": {"parts": ("curvature",), "hessian_images": 4096},
    "lambda1-all": {"parts": ("curvature",), "hessian_images": None},
}


@pytest.mark.parametrize("name", NAMES)
def test_an_alternative_changes_what_its_name_says_and_nothing_else(name: str) -> None:
    found = alternative(name, FIRST, MNIST)
    assert found.name == name
    assert found.reading == replace(FIRST, **CHANGES[name])
    assert "\n" not in found.says


@pytest.mark.parametrize("name", NAMES)
def test_an_alternative_measures_the_values_that_it_gives(name: str) -> None:
    found = alternative(name, FIRST, MNIST)
    if found.free:
        assert found.reading == FIRST
        assert found.part == "attacks"
    else:
        (part,) = found.reading.parts
        assert part == found.part


def test_only_values_that_the_first_reading_has_are_free() -> None:
    assert [name for name in NAMES if alternative(name, FIRST, MNIST).free] == ["sound-attack"]


@pytest.mark.parametrize("name", ["", "lambda1", "lambda1-", "lambda1-17", "hinge"])
def test_an_unknown_alternative_is_a_key_error(name: str) -> None:
    with pytest.raises(KeyError):
        alternative(name, FIRST, MNIST)


@pytest.mark.parametrize(("images", "fewer"), [(None, 2500), (96, 24), (1, 1)])
def test_what_is_measured_by_default_is_on_a_part_of_the_images(images: int | None, fewer: int) -> None:
    first = replace(FIRST, attacked_images=images, hessian_images=images)
    free, pixels, strongest, of_test = (alternative(name, first, MNIST) for name in BY_DEFAULT)
    assert free.free
    assert pixels.reading.attacked_images == fewer
    assert strongest.reading == pixels.reading
    assert [one.strongest for one in (free, pixels, strongest, of_test)] == [True, False, True, False]
    assert of_test.reading.hessian_images == fewer
    assert f"on {fewer:,} images" in pixels.says
    assert f"on {fewer:,} test images" in of_test.says


def test_the_first_reading_measures_everything() -> None:
    assert FIRST.parts == ALL_PARTS
