"""What befalls a worker at a step of its training; a worker has it with ``--preload``, or by Dask's configuration.

``MISHAP`` is what: "dies" (killed as by ``kill -9``), "loses-scheduler" (that process is killed), "tells" (the file
``MISHAP_TOLD`` is made, and training goes on when it is gone), "loses-gpu" (CUDA fails, as far as it says).
``MISHAP_FILE`` has a line for each training that began, with the worker's process and the step that it went on from;
what befalls, befalls those from number ``MISHAP_FROM`` to ``MISHAP_TO``, counted from 1, at step ``MISHAP_STEP``.
States of trainings are kept after every epoch.
"""

import os
import signal
import time
from pathlib import Path
from typing import Any

from repro.runs import trainer, unfinished

ENVIRONMENT = os.environ
train = getattr(trainer.train, "uninterrupted", trainer.train)  # Dask may load this file twice


def interrupted(*arguments: Any, at_steps: Any, start: Any, **further: Any) -> Any:
    file = Path(ENVIRONMENT["MISHAP_FILE"])
    with file.open("a") as lines:
        lines.write(f"{os.getpid()} {start.steps if start else 0}\n")
    number = len(file.read_text().splitlines())
    if int(ENVIRONMENT.get("MISHAP_FROM", "1")) <= number <= int(ENVIRONMENT.get("MISHAP_TO", "1")):
        step = int(ENVIRONMENT.get("MISHAP_STEP", "2"))
        at_steps = {**at_steps, step: lambda _: befall(ENVIRONMENT["MISHAP"])}
    return train(*arguments, at_steps=at_steps, start=start, **further)


def befall(what: str) -> None:
    if what == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "loses-gpu":
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    elif what == "loses-scheduler":
        os.kill(int(ENVIRONMENT["MISHAP_SCHEDULER"]), signal.SIGKILL)
    else:
        told = Path(ENVIRONMENT["MISHAP_TOLD"])
        told.touch()
        while told.exists():
            time.sleep(0.05)


interrupted.uninterrupted = train  # type: ignore[attr-defined]
trainer.train = interrupted  # type: ignore[assignment]
unfinished.EVERY = 0.0
