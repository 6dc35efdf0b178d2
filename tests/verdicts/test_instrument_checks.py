import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binom
from worlds import same_examples

from repro.verdicts.curves import FGSM, LAMBDA1, PGD, TEST_ACCURACY, Measure
from repro.verdicts.instrument_checks import ALPHA, CHECKS, Check, allowance, failed, unchecked

SOUND = {
    "images": 32.0,
    "clean_accuracy": 0.9375,
    "noise_accuracy": 0.9375,
    "fgsm_accuracy": 0.875,  # saturation: what the paper's attacks leave, and no check looks at
    "fgsm_sound_accuracy": 0.6875,
    "fgsm_margin_accuracy": 0.6875,
    "pgd_accuracy": 0.90625,
    "pgd_sound_accuracy": 0.65625,
    "pgd_margin_accuracy": 0.65625,
    "pgd_half_accuracy": 0.8125,
    "pgd_double_accuracy": 0.25,
    "pgd_large_accuracy": 0.0,
    "transfer_accuracy": 0.875,
    "saturated": 0.8125,
    "right_without_gradient": 0.0,
    "disagreement": 1e-6,
    "lambda1": 20.0,
    "lambda1_residual": 0.15,
    "lambda1_smallest": -2.0,
    "lambda1_products": 7,
    "lambda1_elsewhere": 14.0,
    "lambda1_error": 4.0,
}
NAMES = [check.name for check in CHECKS]
COUNTED = [check for check in CHECKS if check.counted]
SIZES = st.integers(16, 2_000)
counted = pytest.mark.parametrize("check", COUNTED, ids=lambda check: check.name)

# What each check is about: the numbers of which the first must not be above the next, or must not be large by itself.
ORDERS: dict[str, list[tuple[str, ...]]] = {
    "gradient-not-zero": [("right_without_gradient",)],
    "large-epsilon-leaves-nothing": [("pgd_large_accuracy",)],
    "pgd-beats-fgsm": [("pgd_margin_accuracy", "fgsm_margin_accuracy")],
    "pgd-falls-with-epsilon": [
        ("pgd_double_accuracy", "pgd_margin_accuracy"),
        ("pgd_margin_accuracy", "pgd_half_accuracy"),
    ],
    "fgsm-beats-noise": [("fgsm_margin_accuracy", "noise_accuracy")],
    "pgd-beats-noise": [("pgd_half_accuracy", "noise_accuracy")],
    "fgsm-beats-transfer": [("fgsm_sound_accuracy", "transfer_accuracy")],
    "pgd-beats-transfer": [("pgd_sound_accuracy", "transfer_accuracy")],
}
orders = pytest.mark.parametrize(("name", "order"), [(name, order) for name in ORDERS for order in ORDERS[name]])


def broken(order: tuple[str, ...], images: int, excess: float, base: float = 0.3) -> dict[str, float]:
    """Sound numbers, but that those of one order stand ``excess`` apart the wrong way."""
    numbers = {**SOUND, "images": float(images)}
    if len(order) == 1:
        return {**numbers, order[0]: excess}
    return {**numbers, order[0]: base + excess, order[1]: base}


def names(numbers: dict[str, float], of: Measure | None = None) -> list[str]:
    return list(failed(numbers, of))


def of_name(name: str) -> Check:
    return next(check for check in CHECKS if check.name == name)


# --- all of them ---


def test_a_sound_instrument_passes_every_check() -> None:
    assert failed(SOUND) == {}
    assert unchecked(SOUND) == []


def test_every_check_of_shares_is_spoken_of_here_and_no_name_comes_twice() -> None:
    assert set(ORDERS) == {check.name for check in COUNTED}
    assert len(set(NAMES)) == len(NAMES)


def test_each_measure_falls_with_its_own_checks_alone() -> None:
    wrong = {**SOUND, "fgsm_sound_accuracy": 0.999, "transfer_accuracy": 0.7, "pgd_half_accuracy": 0.0}
    wrong |= {"lambda1_residual": 5.0}
    assert names(wrong, FGSM) == ["fgsm-beats-transfer"]
    assert names(wrong, PGD) == ["pgd-falls-with-epsilon"]
    assert names(wrong, LAMBDA1) == ["lambda1-converged"]
    assert names(wrong, TEST_ACCURACY) == []
    random = {**SOUND, "disagreement": 0.3}
    assert names(random, FGSM) == names(random, PGD) == names(random, LAMBDA1) == ["same-logits"]


@pytest.mark.parametrize("absent", ["left out", "None"])
def test_a_check_without_its_numbers_is_named_and_not_passed(absent: str) -> None:
    wrong = {**SOUND, "pgd_large_accuracy": 1.0}
    numbers: dict[str, Any] = {name: value for name, value in wrong.items() if name != "transfer_accuracy"}
    if absent == "None":
        numbers["transfer_accuracy"] = None
    assert unchecked(numbers) == ["fgsm-beats-transfer", "pgd-beats-transfer"]
    assert unchecked(numbers, FGSM) == ["fgsm-beats-transfer"]
    assert unchecked(numbers, LAMBDA1) == []
    assert names(numbers) == ["large-epsilon-leaves-nothing"]
    without_count = {name: value for name, value in SOUND.items() if name != "images"}
    assert unchecked(without_count) == [check.name for check in COUNTED]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_fails_its_check(check: Check, value: float) -> None:
    for number in check.needs:
        found = failed({**SOUND, number: value})
        assert f"{number} is {value}" in found[check.name]


def test_a_failure_says_what_should_be_what_was_found_and_what_chance_allows() -> None:
    ((name, sentence),) = failed({**SOUND, "pgd_large_accuracy": 0.875}).items()
    assert name == "large-epsilon-leaves-nothing"
    assert sentence == (
        "PGD over half of a pixel's range, which can make any image grey, leaves next to nothing right; "
        "pgd_large_accuracy is 0.875, clean_accuracy is 0.9375: off by 0.875 on 32 images, "
        f"where {allowance(32, 0.02):.3g} may be chance"
    )


def test_a_share_of_no_images_is_refused() -> None:
    with pytest.raises(ValueError, match="images=0: a share needs at least one image"):
        failed({**SOUND, "images": 0.0})


# --- shares of images ---


@orders
@given(SIZES, st.floats(0, 1))
@same_examples
def test_noise_within_the_allowance_never_fails(name: str, order: tuple[str, ...], images: int, part: float) -> None:
    count = math.floor(part * round(allowance(images, of_name(name).tolerated) * images))
    assert name not in names(broken(order, images, count / images))


@orders
@given(SIZES, st.integers(1, 10_000))
@same_examples
def test_one_image_more_than_the_allowance_always_fails(
    name: str, order: tuple[str, ...], images: int, more: int
) -> None:
    count = round(allowance(images, of_name(name).tolerated) * images) + more
    assume(count <= 0.7 * images)
    assert name in names(broken(order, images, count / images))


@orders
def test_a_clear_violation_fails_on_as_few_as_32_images(name: str, order: tuple[str, ...]) -> None:
    assert name in names(broken(order, 32, 0.5))
    assert all(name not in names(broken(order, images, 0.0)) for images in (1, 32, 10_000))


@orders
@given(SIZES, st.floats(0, 0.7), st.floats(0, 0.7))
@same_examples
def test_what_fails_still_fails_when_it_is_worse(
    name: str, order: tuple[str, ...], images: int, one: float, other: float
) -> None:
    better, worse = sorted((one, other))
    assert (name in names(broken(order, images, better))) <= (name in names(broken(order, images, worse)))


@counted
@given(SIZES)
@same_examples
def test_a_sound_instrument_fails_less_than_once_in_ten_thousand(check: Check, images: int) -> None:
    """Images in the wrong order are binomial: scipy's own tail at the allowance, and one image below it."""
    most = round(allowance(images, check.tolerated) * images)
    assert binom.sf(most, images, check.tolerated) <= ALPHA <= 1e-3
    assert binom.sf(most - 1, images, check.tolerated) > ALPHA


@counted
def test_more_images_allow_less_for_chance(check: Check) -> None:
    allowed = [allowance(images, check.tolerated) for images in (32, 128, 1024, 10_000)]
    assert all(more < fewer for fewer, more in pairwise(allowed))
    assert check.tolerated < allowed[-1] < check.tolerated + 0.02
    assert allowed[0] < 0.4


@pytest.mark.parametrize("number", ["pgd_large_accuracy", "right_without_gradient"])
@given(SIZES)
@same_examples
def test_a_network_at_chance_that_cannot_be_attacked_is_sound(number: str, images: int) -> None:
    """A constant network: of ten balanced classes it has no more right than this but once in ten thousand."""
    most = binom.isf(ALPHA, images, 0.1) / images
    still = {key: most for key in SOUND if key.endswith("accuracy")}
    assert names({**SOUND, **still, number: most, "images": float(images)}) == []
    learnt = dict.fromkeys(still, most + 0.1)
    assert names({**SOUND, **learnt, "pgd_large_accuracy": 0.0, number: most + 0.1, "images": float(images)}) != []


# --- the eigenvalue ---


@pytest.mark.parametrize(
    ("name", "number", "good", "bad"),
    [
        ("lambda1-converged", "lambda1_residual", 0.2, 0.21),
        ("lambda1-is-the-top", "lambda1_elsewhere", 25.9, 26.1),
        ("lambda1-not-of-one-image", "lambda1_error", 9.9, 10.1),
    ],
)
@given(scale=st.floats(1e-6, 1e6), worse=st.floats(1, 1e6))
@same_examples
def test_each_bound_of_lambda1_is_a_share_of_it(
    name: str, number: str, good: float, bad: float, scale: float, worse: float
) -> None:
    scaled = {key: value * scale for key, value in SOUND.items() if key.startswith("lambda1")}
    assert names({**SOUND, **scaled, number: good * scale}) == []
    assert names({**SOUND, **scaled, number: bad * scale * worse}) == [name]


def test_a_negative_top_is_judged_by_its_size() -> None:
    """At a maximum of the loss every eigenvalue is negative, and one nearer to zero is the larger."""
    negative = {**SOUND, "lambda1": -1.0, "lambda1_smallest": -9.0, "lambda1_residual": 0.005, "lambda1_error": 0.5}
    assert names({**negative, "lambda1_elsewhere": -1.5}) == []
    assert names({**negative, "lambda1_elsewhere": -0.5}) == ["lambda1-is-the-top"]


def test_a_flat_loss_has_a_sound_eigenvalue_of_zero() -> None:
    flat = {**SOUND, **dict.fromkeys([key for key in SOUND if key.startswith("lambda1")], 0.0)}
    assert names(flat) == []
    assert names({**flat, "lambda1_elsewhere": 1.0}) == ["lambda1-is-the-top"]


def test_rounding_of_a_large_negative_end_is_no_residual() -> None:
    assert names({**SOUND, "lambda1": 1e-7, "lambda1_residual": 1e-5, "lambda1_smallest": -7.0}) != []
    tiny = {"lambda1": 1e-7, "lambda1_residual": 1e-6, "lambda1_elsewhere": -1e-9, "lambda1_error": 1e-8}
    assert names({**SOUND, **tiny, "lambda1_smallest": -7.0}) == []
