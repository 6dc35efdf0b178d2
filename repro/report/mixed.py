"""Whether the runs of a report were trained on several kinds of processor, or by several minor versions of torch.

Both round differently. Free of torch.
"""

from collections import Counter
from collections.abc import Iterable

from ..runs.lacking import minor
from ..runs.store import Record
from ..words import counted


def trained_on(records: Iterable[Record]) -> tuple[str, ...]:
    """What tells these trainings apart, each with its number of runs, the most first; empty for nothing.

    That is the processor, the version of torch, or both together; a record that does not say counts for nothing.
    """
    found = Counter[tuple[str, str]]()
    for record in records:
        torch = str(record.get("torch") or "")
        found[str(record.get("processor") or ""), f"torch {minor(torch)}" if torch else ""] += 1
    differ = [len({kind[part] for kind in found} - {""}) > 1 for part in (0, 1)]
    told = Counter[str]()
    for kind, runs in found.items():
        told[", ".join(word for word, differs in zip(kind, differ, strict=True) if word and differs)] += runs
    ordered = sorted((kind for kind in told if kind), key=lambda kind: (-told[kind], kind))
    return tuple(f"{kind} ({counted(told[kind], 'run')})" for kind in ordered)
