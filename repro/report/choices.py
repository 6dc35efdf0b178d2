"""What the paper leaves open and how this harness reads it: listed in every report."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from ..experiment.trained_as import HE, POOL_LAST, SAYS, UNSTANDARDISED


@dataclass(frozen=True)
class Choice:
    """One open point: what is open, our reading, why, and where in the code it is made.

    ``unless``: the other reading (see ``trained_as``) that a session may have been told to follow instead.
    """

    open: str
    reading: str
    why: str
    where: str
    unless: str = ""


CHOICES: Final = (
    Choice(
        "batch-size grid",
        "64, 128, 256, 512, 1024 at the paper's scale; where data are reduced batches may be, too, and another batch "
        "size than 64 is then the one at which LR and LR/BS coincide",
        "LR and LR/BS coincide at 64, and the paper's axes end near 1000",
        "repro.experiment.regimes.GRID",
    ),
    Choice(
        "scale of the input and unit of epsilon",
        "MNIST and Fashion-MNIST standardised with MNIST's constants, epsilon 0.3 in those units (0.0924 of a pixel's "
        "range); CIFAR-10 in [0, 1]",
        "the code of Yao et al. loads MNIST and CIFAR-10 so and adds epsilon to that; for MNIST and Fashion-MNIST this "
        "departs from Section 1, where each pixel value is perturbed by at most epsilon, but at 0.3 of a pixel's range "
        "PGD leaves next to nothing of any network; it is measured beside, as epsilon-in-pixels, and by the strongest "
        "attack as sound-attack-in-pixels",
        "repro.experiment.datasets",
        UNSTANDARDISED,
    ),
    Choice(
        "PGD",
        "40 steps of 0.01 at epsilon 0.3 at the paper's scale, in proportion elsewhere; one random start; an image "
        "counts as broken once any iterate is misclassified",
        "the setting of Madry et al. for MNIST",
        "repro.experiment.readings",
    ),
    Choice(
        "the loss that attacks climb",
        "cross-entropy decides; what the strongest attack leaves, on cross-entropy and on the margin form, is measured "
        "beside it, as sound-attack",
        "the paper's equation names the training cost, which saturates in float32",
        "repro.science.attacks.attacks",
    ),
    Choice(
        "lambda1",
        "largest algebraic eigenvalue of the mean training loss on a fixed part of the training images, in evaluation "
        "mode, without augmentation",
        "the paper does not say which loss, mode or images; the drivers of Yao et al. take test images, and the test "
        "loss is measured beside, as lambda1-test",
        "repro.science.curvature.hessian",
    ),
    Choice(
        "layers of M1, StdCNN and C1",
        "convolutions without padding, ReLU after each convolution and hidden layer, pooling as in the table; C1 pads "
        "its convolutions by 2, pools 3x3 by 2 with padding 1 and applies batch norm after pooling",
        "Table 1 read literally; C1's padding and strides are those of the code of Yao et al., whose network it is",
        "repro.science.networks.models",
        POOL_LAST,
    ),
    Choice("initial weights", "PyTorch's defaults", "the paper names none", "repro.science.networks.models", HE),
    Choice(
        "augmentation", "CIFAR-10's training images only: crops with 4 pixels of zero padding, flips",
        "Appendix A says of all three data sets, and of testing too, that they were augmented suitably, and describes "
        "only this: a departure where it means more", "repro.science.data.augmentation",
    ),
    Choice(
        "weight decay under Benchmark", "none",
        "the paper excludes it for LR and LR/BS and leaves Benchmark's to Yao et al.; in their code the script that "
        "trains C1 has none, another, which trains ResNets alone, 5e-4: a departure on ResNet18 if that is meant",
        "repro.experiment.recipes",
    ),
    Choice(
        "which paper Benchmark is from",
        "the settings that Appendix A names: learning rate 0.01, momentum 0.9, halved every 5 epochs",
        "Section 2 takes them from Yao et al. (2018a), Appendix A from Yao et al. (2018b): a departure if the former "
        "is meant", "repro.experiment.recipes",
    ),
    Choice(
        "validation images", "the last 5,000 (10,000) of a fixed shuffle of the training set; not used",
        "the paper gives their number only", "repro.science.data.splits",
    ),
    Choice("seeds", "5 at the paper's scale", "the paper shows no spread", "repro.experiment.regimes.PAPER"),
    Choice(
        "diverged runs",
        "test accuracy counts as chance (10%); under attack, and of lambda1, its batch size is left out, and what is "
        "decided only without it is undecided",
        "a network of NaNs gives every image the same class, under any attack",
        "repro.verdicts.curves",
    ),
)  # fmt: skip


def choices(trained_as: Collection[str]) -> tuple[Choice, ...]:
    """All choices of a session, with the other reading where it followed one."""
    return tuple(
        replace(choice, reading=SAYS[choice.unless], why="asked for") if choice.unless in trained_as else choice
        for choice in CHOICES
    )
