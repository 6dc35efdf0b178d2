"""When a GPU is lost to a process. After a fault such as an illegal memory access CUDA answers all with an error."""

from collections.abc import Iterator
from typing import Final

STATUS: Final = 70  # of a process that ended so; sysexits.h calls it an internal software error


def lost_gpu(error: BaseException) -> bool:
    """Whether CUDA itself failed; that it had too little memory for something is no such failure."""
    return any(
        type(one).__name__ == "AcceleratorError" or (isinstance(one, RuntimeError) and "CUDA error" in str(one))
        for one in _chain(error)
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
