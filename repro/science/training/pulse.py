"""How far the training at hand is, told after each epoch to whoever listens in this process. Free of torch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[int, float], None]  # of the epochs that are done, and the mean loss of the last one
_listeners: list[Listener] = []


@contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """Have a listener told while the block runs."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell(epochs: int, loss: float) -> None:
    """Tell who listens that another epoch is done."""
    for listener in _listeners:
        listener(epochs, loss)
