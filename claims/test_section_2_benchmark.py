"""Section 2: the setting of Yao et al., which the paper calls Benchmark."""

from repro.claims import (
    BENCHMARK,
    C1_CIFAR10,
    FGSM,
    LAMBDA1,
    M1_MNIST,
    PGD,
    TASKS,
    TEST_ACCURACY,
    Awaiting,
    Curve,
    Drops,
    Rises,
    claim,
    factor,
    points,
)

SHOWN = tuple(TASKS.values())  # figures 1 to 21 show all six


@claim(
    "benchmark-generalisation-drops",
    section="2",
    says="Under Benchmark, test accuracy falls as the batch size grows.",
    on=SHOWN,
    curves=lambda task: Curve(task, BENCHMARK, TEST_ACCURACY),
    holds_if=Drops(at_least=points(0.5)),
    because="half a point is 50 of 10,000 test images: more than twice the standard error of an accuracy near 99%",
)
def test_test_accuracy_drops_under_benchmark(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "benchmark-robustness-drops",
    section="2",
    says="Under Benchmark, adversarial accuracy falls as the batch size grows.",
    on=SHOWN,
    attack=(FGSM, PGD),
    curves=lambda task, attack: Curve(task, BENCHMARK, attack),
    holds_if=Drops(at_least=points(1)),
    because="one point is the least that can be seen on the paper's axes, which run from 0 to 100",
)
def test_adversarial_accuracy_drops_under_benchmark(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "benchmark-curvature-rises",
    section="2",
    says="Under Benchmark, lambda1 grows with the batch size.",
    on=SHOWN,
    curves=lambda task: Curve(task, BENCHMARK, LAMBDA1),
    holds_if=Rises(at_least=factor(1.25)),
    because="equal runs differ by a factor of about 1.4 between seeds; less than 1.25 is no growth to speak of",
)
def test_curvature_rises_under_benchmark(verdict):
    assert verdict.reproduced, verdict.evidence


@claim(
    "benchmark-matches-yao",
    section="2",
    says="Under Benchmark, test accuracy and lambda1 resemble those of Yao et al.; adversarial accuracies do not.",
    on=(M1_MNIST, C1_CIFAR10),
    measure=(TEST_ACCURACY, LAMBDA1, FGSM),
    curves=lambda task, measure: Curve(task, BENCHMARK, measure),
    holds_if=Awaiting("the numbers that Yao et al. print are not at hand, and are not quoted from memory"),
    because="a comparison needs its other side",
)
def test_benchmark_matches_yao_et_al(verdict):
    assert verdict.reproduced, verdict.evidence
