"""What a report says of where it was made: its commit and the versions of its packages. Free of torch."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any, Final

PACKAGES: Final = ("torch", "torchvision", "numpy", "scipy", "matplotlib", "pytest", "pytest-xdist")


def commit(folder: Path) -> dict[str, Any]:
    """The commit of the checkout that holds ``folder`` and whether it has changes; None outside one.

    A package that is installed within another project's checkout is no part of that: its files are not tracked there.
    """
    head = _git(folder, "rev-parse", "HEAD") if _git(folder, "ls-files", ".") else None
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": head, "dirty": bool(changes) if head else None}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.decode("utf-8", errors="replace").strip()


def versions() -> dict[str, str]:
    """Python and the packages that numbers may depend on."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in PACKAGES}}
