"""Kuzushiji-MNIST as a data set: ten cursive Japanese characters in MNIST's layout (Clanuwat et al. 2018)."""

from repro.claims import dataset

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

KUZUSHIJI = dataset(
    "KMNIST",  # torchvision's name for it; a data set that it does not know says by `read` how it is read
    channels=1,
    side=28,
    train=55_000,
    validation=5_000,
    test=10_000,
    epsilon=0.1,  # of a pixel's range, since it is not standardised
    files={f"KMNIST/raw/{name}": "" for name in FILES},  # with an MD5 in place of "", a damaged file is refused
)
