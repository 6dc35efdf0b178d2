import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import same_examples

from repro.experiment.tasks import TASKS
from repro.runs.rates import BUILT_IN, Rates, Speed, Timing, proportional

POINTS = st.dictionaries(st.integers(1, 4096), st.floats(1e-6, 1e3), min_size=1, max_size=5).map(
    lambda points: tuple(sorted(points.items()))
)


@given(points=POINTS)
@same_examples
def test_a_timing_goes_through_what_was_measured(points: tuple[tuple[int, float], ...]) -> None:
    for images, seconds in points:
        assert Timing(points).at(images) == pytest.approx(seconds)


@given(points=POINTS, images=st.integers(1, 100_000))
@same_examples
def test_a_timing_is_never_negative_and_grows_at_most_in_proportion_beyond_the_largest(
    points: tuple[tuple[int, float], ...], images: int
) -> None:
    size, seconds = points[-1]
    found = Timing(points).at(images)
    assert found > 0
    if images > size:
        assert found <= seconds * images / size * (1 + 1e-9)
        assert len(points) == 1 or found >= seconds


def test_a_timing_follows_lines_between_and_beyond_its_points() -> None:
    timing = Timing(((10, 3.0), (20, 5.0), (40, 6.0)))
    assert [timing.at(n) for n in (0, 5, 15, 30, 80)] == pytest.approx([0, 2, 4, 5.5, 8])
    assert Timing(((10, 3.0), (20, 12.0))).at(5) == pytest.approx(1.5)  # its line would end below nothing
    assert Timing(((10, 3.0),)).at(30) == pytest.approx(9)


@pytest.mark.parametrize("points", [(), ((2, 1.0), (1, 2.0)), ((0, 1.0),), ((1, -1.0),), ((1, float("nan")),)])
def test_a_timing_of_nonsense_is_refused(points: tuple[tuple[int, float], ...]) -> None:
    with pytest.raises(ValueError, match="points="):
        Timing(points)


def resnets(**seconds: float) -> Rates:
    """A ResNet18 whose step takes so many seconds at a width."""
    speeds = {
        int(name.removeprefix("w")): Speed(*[Timing(((1, s),))] * 4, fixed=1.0, kept=2.0) for name, s in seconds.items()
    }
    return Rates("made up", "cpu", {"ResNet18": speeds}, 0.0, 0.0, 0.0)


def test_between_two_widths_seconds_follow_the_power_that_joins_them() -> None:
    rates = resnets(w4=1.0, w64=16.0)  # as the width, not as its square
    assert rates.speed("ResNet18", 16).step.at(1) == pytest.approx(4)
    assert rates.speed("ResNet18", 64).step.at(1) == 16


def test_beyond_the_widths_that_were_measured_seconds_grow_as_the_square() -> None:
    rates = resnets(w4=1.0, w16=8.0)
    wide = rates.speed("ResNet18", 64)
    assert wide.step.at(1) == pytest.approx(8 * 16)
    assert (wide.fixed, wide.kept) == (1.0, 2.0)
    assert rates.speed("ResNet18", 2).step.at(1) == pytest.approx(1 / 4)


def test_there_are_built_in_rates_of_every_network_of_the_paper() -> None:
    assert set(BUILT_IN.networks) == {task.architecture for task in TASKS.values()}
    assert BUILT_IN.speed("ResNet18", 4).step.at(64) == pytest.approx(64 / 25 / 256)


def test_a_proportional_network_costs_the_same_an_image_at_every_batch_size() -> None:
    step = proportional(100.0).step
    assert [step.at(n) / n for n in (1, 64, 1000)] == pytest.approx([0.01] * 3)
