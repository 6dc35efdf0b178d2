"""Which paper a session's claims are of."""

from collections.abc import Iterator

import pytest

from repro.errors import SettingError
from repro.experiment import papers
from repro.experiment.papers import THIS, Paper, entered, paper


@pytest.fixture(autouse=True)
def nothing_entered() -> Iterator[None]:
    before = [*papers._ENTERED]
    papers._ENTERED.clear()
    yield
    papers._ENTERED[:] = before


def test_it_is_this_one_unless_another_is_entered() -> None:
    assert entered() == THIS
    for _ in range(2):  # by a conftest that is read twice
        paper("Another", central="it-drops", says="that it drops")
    assert entered() == Paper("Another", "it-drops", "that it drops")


def test_two_papers_in_one_session_are_refused_and_so_is_one_without_a_claim() -> None:
    paper("One", central="it-drops", says="that it drops")
    with pytest.raises(SettingError, match=r"'Two'.*: a session's claims are of one paper, and 'One' was entered"):
        paper("Two", central="it-rises", says="that it rises")
    assert entered().title == "One"
    with pytest.raises(SettingError, match="must have a title, a central claim and what that says"):
        paper("Three", central="", says="that it is flat")
