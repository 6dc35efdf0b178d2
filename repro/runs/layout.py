"""In which way a store's files lie, as a number in a small file of its own. Free of torch.

    layout      "1"; a store without the file is of version 1, as all were before there was one

A store of a newer version is refused before anything in it is read or written; an older one would be brought to this
version here.
"""

from pathlib import Path
from typing import Final

from ..errors import SettingError
from ..files.regular import read_regular
from ..files.text import write_text
from ..words import printable

LAYOUT: Final = 1
MARKER: Final = "layout"
BESIDE: Final = "store"  # the folder in the artifacts that sessions kept runs in before, and that bundles have


def require_layout(root: Path) -> None:
    """SettingError: the store in this folder is of a newer version than this one, or does not say which it is of."""
    try:
        text = read_regular(root / MARKER, most=2**20).decode("ascii", "replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as error:
        text = str(error)
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) >= 1):
        raise SettingError(
            f"--store {root}: its file {MARKER} must hold the version of the store's layout, {LAYOUT} say "
            f"({printable(text)})"
        )
    if int(text) > LAYOUT:
        raise SettingError(
            f"--store {root}: its layout is version {text}, and this program knows those up to {LAYOUT}; update it, "
            "or name another folder"
        )


def mark(root: Path) -> None:
    """Leave word in a store of which version it is."""
    if not (root / MARKER).exists():
        write_text(root / MARKER, f"{LAYOUT}\n")
