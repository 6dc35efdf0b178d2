"""What is said of a regime above everything else: in what it is reduced, and of which tasks."""

from dataclasses import replace

import pytest
from reports import entry
from worlds import conditions

from repro.experiment.regimes import PAPER, QUICK, Regime
from repro.report.bundle import session_of
from repro.report.page.claims import filters, sentences
from repro.report.page.session import banners

FEWER_EPOCHS = replace(PAPER, scales={**PAPER.scales, "C1-CIFAR10": PAPER.scales["C1-CIFAR10"].changed(epochs=10)})


@pytest.mark.parametrize(
    ("regime", "says"),
    [
        (QUICK, "reduced data and training. It shows trends, and"),
        (FEWER_EPOCHS, "reduced data and training of C1-CIFAR10. It shows trends there, and"),
        (PAPER.overridden(pgd_restarts=3), "measured otherwise than at the paper's scale. It shows trends, and"),
        (PAPER.overridden(seeds=2), ""),
    ],
)
def test_a_regime_is_called_reduced_where_it_is(regime: Regime, says: str) -> None:
    session = session_of(replace(conditions(), regime=regime), command="pytest claims", seconds=1.0)
    (*_, found) = [*(banner.says for banner in banners(session, regime) if "regime" in banner.word), ""][:1]
    assert found.startswith(says)
    assert bool(found) is bool(says)


def test_an_outcome_that_has_two_words_is_one_choice() -> None:
    """Of tasks at the paper's own scale it is another than of those that are reduced."""
    found = {
        one.name: one for one in filters(sentences([entry(), entry(verdict="trend seen"), entry(outcome="fails")]))
    }
    assert dict(found["verdict"].options)["holds"] == "reproduced or trend seen"
    assert len(found["verdict"].options) == 2
