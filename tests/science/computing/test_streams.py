from hypothesis import given
from hypothesis import strategies as st

from repro.science.computing.streams import stream

PURPOSES = ("order", "dropout", "augmentation", "pgd start")


def test_the_streams_of_the_first_seed() -> None:
    """Another value would train other weights under the keys of stored runs."""
    assert [stream(0, purpose) for purpose in PURPOSES] == [
        2774440215086976078,
        3781572974984256883,
        6306564561944723890,
        1693806248984733137,
    ]


@given(seed=st.integers(0, 2**63 - 1), other=st.integers(0, 2**63 - 1))
def test_each_purpose_and_each_seed_has_a_stream_of_its_own(seed: int, other: int) -> None:
    values = [stream(s, purpose) for s in {seed, other} for purpose in PURPOSES]
    assert len(set(values)) == len(values)
    assert all(0 <= value < 2**63 for value in values)
