"""A network of two layers, and the task of training it on Kuzushiji-MNIST."""

from kuzushiji import KUZUSHIJI

from repro.claims import Reading, Scale, network, study, task


def two_layers(dataset, **_):
    """Pixels (N, 1, 28, 28) to logits (N, 10), by way of 64 hidden units."""
    from torch import nn  # here, so that listing claims does not wait for it

    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(dataset.channels * dataset.side**2, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


TASK = task(network("TwoLayers", two_layers), KUZUSHIJI)

study(
    TASK,
    quick=Scale(
        epochs=40,
        batch_sizes=(64, 256),
        seeds=3,
        train_images=4096,
        reading=Reading(test_images=1024, attacked_images=256, pgd_steps=8, hessian_images=512),
    ),
)
