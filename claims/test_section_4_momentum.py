"""Section 4 and the introduction: momentum, under fixed learning rate (4.1) and under LR/BS (4.2)."""

from repro.claims import (
    FGSM,
    LAMBDA1,
    LR,
    LR_BS,
    MOMENTA_OF_LR,
    MOMENTA_OF_RATIO,
    PGD,
    SHOWN_WITH_MOMENTA,
    TEST_ACCURACY,
    Curve,
    Mostly,
    OnAverage,
    Same,
    SmallerChange,
    claim,
    factor,
    points,
)

LINES = {"LR": MOMENTA_OF_LR, "LR/BS": MOMENTA_OF_RATIO}


def by_momentum(task, under, measure=LAMBDA1):
    """The curves of a measure of one recipe at each of its momenta, the smallest first."""
    return tuple(Curve(task, recipe, measure) for recipe in LINES[under])


def ends(task, recipe, measure):
    """The curves of a measure of one recipe without momentum and with the largest."""
    return Curve(task, recipe(0.0), measure), Curve(task, recipe(0.9), measure)


@claim(
    "momentum-lowers-curvature",
    section="1, 4",
    says="Momentum lowers lambda1 in most cases, with fixed learning rate and with LR/BS.",
    on=SHOWN_WITH_MOMENTA,
    under=("LR", "LR/BS"),
    curves=by_momentum,
    holds_if=Mostly("lower"),
    because="most is more than half",
    lines=(MOMENTA_OF_LR, MOMENTA_OF_RATIO),
    aspect="mostly",
)
def test_momentum_lowers_curvature_in_most_cells(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "momentum-lowers-curvature",
    section="1, 4",
    says="Momentum lowers lambda1, with fixed learning rate and with LR/BS.",
    on=SHOWN_WITH_MOMENTA,
    under=("LR", "LR/BS"),
    curves=by_momentum,
    holds_if=OnAverage("lower", by=factor(1.25)),
    because="equal runs differ by a factor of about 1.4 between seeds; less than 1.25 is no difference to speak of",
    lines=(MOMENTA_OF_LR, MOMENTA_OF_RATIO),
    aspect="mean",
)
def test_momentum_lowers_curvature_on_average(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "momentum-helps-generalisation",
    section="4.1",
    says="With fixed learning rate, larger momentum gives better test accuracy.",
    on=SHOWN_WITH_MOMENTA,
    curves=lambda task: ends(task, LR, TEST_ACCURACY),
    holds_if=OnAverage("higher", by=points(0.5)),
    because="half a point is 50 of 10,000 test images: more than twice the standard error of an accuracy near 99%",
    lines=(MOMENTA_OF_LR,),
)
def test_momentum_helps_test_accuracy(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "momentum-helps-robustness",
    section="1, 4.1",
    says="With fixed learning rate, larger momentum gives a more robust network in most cases.",
    on=SHOWN_WITH_MOMENTA,
    attack=(FGSM, PGD),
    curves=lambda task, attack: by_momentum(task, "LR", attack),
    holds_if=Mostly("higher"),
    because="most is more than half",
    lines=(MOMENTA_OF_LR,),
    aspect="mostly",
)
def test_momentum_helps_robustness_in_most_cells(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "momentum-helps-robustness",
    section="4.1",
    says="With fixed learning rate, larger momentum gives better adversarial accuracy.",
    on=SHOWN_WITH_MOMENTA,
    attack=(FGSM, PGD),
    curves=lambda task, attack: ends(task, LR, attack),
    holds_if=OnAverage("higher", by=points(1)),
    because="one point is the least that can be seen on the paper's axes, which run from 0 to 100",
    lines=(MOMENTA_OF_LR,),
    aspect="mean",
)
def test_momentum_helps_robustness_on_average(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "momentum-matters-little-under-ratio",
    section="4.2",
    says="With LR/BS, momentum plays no significant role for accuracy and robustness.",
    on=SHOWN_WITH_MOMENTA,
    measure=(TEST_ACCURACY, FGSM, PGD),
    curves=lambda task, measure: ends(task, LR_BS, measure),
    holds_if=Same(within=points(5)),
    because="the margin of being roughly constant in Section 3",
    lines=(MOMENTA_OF_RATIO,),
    aspect="same",
)
def test_momentum_matters_little_under_ratio(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "momentum-matters-little-under-ratio",
    section="4.2",
    says="Momentum matters less for accuracy and robustness with LR/BS than with fixed learning rate.",
    on=SHOWN_WITH_MOMENTA,
    measure=(TEST_ACCURACY, FGSM, PGD),
    curves=lambda task, measure: (*ends(task, LR_BS, measure), *ends(task, LR, measure)),
    holds_if=SmallerChange(by=points(1)),
    because="one point is the least that can be seen on the paper's axes, which run from 0 to 100",
    lines=(MOMENTA_OF_LR, MOMENTA_OF_RATIO),
    aspect="less than with LR",
)
def test_momentum_matters_less_than_under_fixed_learning_rate(verdict):
    assert verdict.reproduced, verdict.evidence
