"""Section 3: learning rate over batch size kept constant (LR/BS, without momentum)."""

from repro.claims import (
    BENCHMARK,
    FGSM,
    LAMBDA1,
    LR,
    LR_BS,
    PGD,
    TASKS,
    TEST_ACCURACY,
    ChangesLess,
    Curve,
    Flat,
    Higher,
    Lower,
    NotWorse,
    claim,
)

SHOWN = tuple(TASKS.values())  # figures 1 to 21 show all six
OTHERS = (LR(), BENCHMARK)  # the recipes that LR/BS is compared with


@claim(
    "ratio-keeps-generalisation",
    section="3",
    says="With learning rate over batch size constant, test accuracy varies very little with the batch size.",
    on=SHOWN,
    curves=lambda task: Curve(task, LR_BS(), TEST_ACCURACY),
    holds_if=Flat,
)
def test_test_accuracy_is_flat(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "ratio-keeps-robustness",
    section="abstract, 3",
    says="With learning rate over batch size constant, adversarial accuracy is roughly constant across batch sizes.",
    on=SHOWN,
    attack=(FGSM, PGD),
    curves=lambda task, attack: Curve(task, LR_BS(), attack),
    holds_if=Flat,
    aspect="flat",
)
def test_adversarial_accuracy_is_flat(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "ratio-keeps-robustness",
    section="1",
    says="With learning rate over batch size constant, adversarial accuracy does not degrade as the batch size grows.",
    on=SHOWN,
    attack=(FGSM, PGD),
    curves=lambda task, attack: Curve(task, LR_BS(), attack),
    holds_if=NotWorse,
    aspect="not worse",
)
def test_adversarial_accuracy_does_not_degrade(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "ratio-keeps-curvature",
    section="3",
    says="With learning rate over batch size constant, lambda1 varies very little with the batch size.",
    on=SHOWN,
    curves=lambda task: Curve(task, LR_BS(), LAMBDA1),
    holds_if=Flat,
)
def test_curvature_is_flat(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "ratio-changes-less",
    section="(3)",
    says="With learning rate over batch size constant, the batch size changes less than under the other recipes.",
    extended_to=SHOWN,  # the plots that the paper shows beside each other say it, and its text only in part
    measure=(TEST_ACCURACY, FGSM, PGD, LAMBDA1),
    than=OTHERS,
    curves=lambda task, measure, than: (Curve(task, LR_BS(), measure), Curve(task, than, measure)),
    holds_if=ChangesLess,
)
def test_the_batch_size_changes_less(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "ratio-is-flatter",  # Section 3 says so of Jastrzebski et al.
    section="1",
    says="At large batch size, constant learning rate over batch size ends in flatter minima than the other recipes.",
    on=SHOWN,
    than=OTHERS,
    curves=lambda task, than: (Curve(task, LR_BS(), LAMBDA1), Curve(task, than, LAMBDA1)),
    holds_if=Lower,
)
def test_minima_are_flatter(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "ratio-generalises-better",
    section="abstract",
    says="At large batch size, constant learning rate over batch size generalises better than the other recipes.",
    on=SHOWN,
    than=OTHERS,
    curves=lambda task, than: (Curve(task, LR_BS(), TEST_ACCURACY), Curve(task, than, TEST_ACCURACY)),
    holds_if=Higher,
)
def test_test_accuracy_is_higher(verdict):
    assert verdict.reproduced, verdict.evidence
