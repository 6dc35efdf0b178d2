"""Writes what was found into the README and docs/findings.md.

python -m tests.published
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # what the tests share

from .document import DOCUMENT, answer, document
from .findings import ROOT, page, report
from .laptop import laptop, paragraph

if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(page(readme.read_text("utf-8"), report(), answer(), paragraph(laptop())), "utf-8")
    DOCUMENT.write_text(document(), "utf-8")
