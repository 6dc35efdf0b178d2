"""A report names the processors and the versions of torch that its runs were trained by where there were several."""

import pytest

from repro.report.mixed import trained_on

ONE, OTHER = {"processor": "one", "torch": "2.11.0+cpu"}, {"processor": "other", "torch": "2.11.1"}
NEWER = {"processor": "one", "torch": "2.12.0"}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([ONE, ONE, ONE], ()),
        ([ONE, OTHER, OTHER], ("other (2 runs)", "one (1 run)")),
        ([ONE, {}, OTHER], ("one (1 run)", "other (1 run)")),  # a record of before there was a processor in it
        ([ONE, {**ONE, "torch": "2.11.3"}, ONE], ()),  # what is mended rounds alike
        ([ONE, NEWER, NEWER], ("torch 2.12 (2 runs)", "torch 2.11 (1 run)")),
        ([ONE, {"processor": "one"}, NEWER], ("torch 2.11 (1 run)", "torch 2.12 (1 run)")),
        ([ONE, OTHER, NEWER], ("one, torch 2.11 (1 run)", "one, torch 2.12 (1 run)", "other, torch 2.11 (1 run)")),
    ],
)
def test_what_differs_is_named_with_its_runs(told: list[dict[str, str]], expected: tuple[str, ...]) -> None:
    assert trained_on(told) == expected
