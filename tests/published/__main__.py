"""Writes what was found into the README.

python -m tests.published
"""

from .findings import ROOT, page, report

if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(page(readme.read_text("utf-8"), report()), "utf-8")
