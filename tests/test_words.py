import pytest

from repro.words import counted, did_you_mean, near, span


@pytest.mark.parametrize(("number", "text"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (1024, "1,024 runs")])
def test_one_is_in_the_singular(number: int, text: str) -> None:
    assert counted(number, "run") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0, "0 seconds"), (0.4, "0 seconds"), (1.2, "1 second"), (59, "59 seconds"), (119, "119 seconds")),
        *((120, "2.0 minutes"), (150, "2.5 minutes"), (600, "10 minutes"), (7199, "120 minutes")),
        *((7200, "2.0 hours"), (36_000, "10 hours"), (172_799, "48 hours")),
        *((172_800, "2.0 days"), (8_640_000, "100 days")),
    ],
)
def test_a_duration_is_told_in_the_largest_unit_that_fits_twice(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("word", "known", "found"),
    [
        ("m1-mnist", ["StdCNN-MNIST", "M1-MNIST"], "M1-MNIST"),  # small letters are a likely mistake
        ("sqrt", ["LR", "LR/BS"], ""),
        ("--epoch", ["--epochs", "--seeds"], "--epochs"),
    ],
)
def test_what_a_mistyped_word_was_meant_to_be(word: str, known: list[str], found: str) -> None:
    assert near(word, known, most=1) == ([found] if found else [])
    assert did_you_mean(word, known) == (f"; did you mean {found}?" if found else "")
