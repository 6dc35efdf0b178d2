"""The checkout whose claims a report is checked with: this program's own, or one that the user names.

A report may be a stranger's, and to collect a file is to run it. So no file is collected because a report names it, and
none that lies in the report's folder or that a link leads to elsewhere.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import SettingError
from ..words import printable

OWN: Final = Path(__file__).resolve().parents[2]
CLAIMS: Final = "claims"
PATTERNS: Final = ("test_*.py", "*_test.py")  # pytest's own


@dataclass(frozen=True)
class Checkout:
    """A checkout; ``bundle`` is the folder of the report that is checked, which is no claim's. Both are resolved."""

    root: Path
    bundle: Path | None = None
    folder: str = CLAIMS

    @property
    def claims(self) -> Path:
        """The folder of its claims."""
        return self.root / self.folder

    def holds(self, file: str | Path) -> bool:
        """Whether a path that starts from the root leads to a place among the claims, wherever links lead."""
        try:
            place = (self.root / file).resolve()
        except (OSError, ValueError, RuntimeError):  # a name that no file can have, a link to itself
            return False
        return place.is_relative_to(self.claims) and not self._reported(place)

    def files(self) -> list[Path]:
        """The files of its claims, as pytest finds them; each by itself, for of a folder pytest takes what is in it."""
        found = {path for pattern in PATTERNS for path in self.claims.rglob(pattern) if path.is_file()}
        return sorted(path for path in found if self.holds(path) and not self._hidden(path))

    def _reported(self, place: Path) -> bool:
        """Whether it lies in a bundle among the claims. The bundle that holds this checkout is the author's own."""
        bundle = self.bundle
        return bundle is not None and self.claims in bundle.parents and place.is_relative_to(bundle)

    def _hidden(self, path: Path) -> bool:
        return any(part.startswith(".") for part in path.relative_to(self.claims).parts)


def checkout(root: Path | None, bundle: Path | None, folder: str) -> Checkout:
    """The checkout in ``root``, or for None the one that this program lies in. SettingError: there is none.

    ``folder`` is where its claims lie.
    """
    bundle = bundle and bundle.resolve()
    found = Checkout(OWN if root is None else root.resolve(), bundle, folder)
    if not found.claims.is_relative_to(found.root) or found.claims.resolve() == found.root:
        raise SettingError(f"--claims {printable(folder)}: must be a folder in the checkout, {found.root}")
    if bundle is not None and found.root != OWN and found.root.is_relative_to(bundle):
        raise SettingError(f"--root {root}: lies in the report's own folder, {bundle}; must be a checkout of yours")
    if not found.claims.is_dir() or found.claims.resolve() != found.claims:
        how = f"the checkout of this program, {OWN}" if root is None else f"--root {root}"
        raise SettingError(f"{how}: has no folder {folder} of its own; --root must name a checkout that has")
    return found
