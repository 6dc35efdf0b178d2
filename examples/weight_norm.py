"""A measure of one's own: the Euclidean norm of a network's weights, which training makes larger."""

from repro.claims import factor, measure


def norm(network, *_):
    """Of all weights together; the images and labels that come with the network are not needed for it."""
    return sum(float(weights.detach().square().sum()) for weights in network.parameters()) ** 0.5


WEIGHT_NORM = measure(
    "weight_norm",
    norm,
    label="norm of the weights",
    matters=factor(1.02),
    because="equal runs of this small network differ by less than a hundredth",
)
