import pytest

from repro.words import counted


@pytest.mark.parametrize(("number", "text"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (1024, "1,024 runs")])
def test_one_is_in_the_singular(number: int, text: str) -> None:
    assert counted(number, "run") == text
