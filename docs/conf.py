"""How Sphinx builds these pages. Nothing is fetched: ``make docs`` works without a network."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the reference is that of the checkout which the pages lie in

project = "A paper's claims as tests"
author = "the contributors"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = project
html_copy_source = html_show_copyright = False

myst_heading_anchors = 3  # headings down to ### can be linked to
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"  # the signature has what no text speaks of
autodoc_default_options = {"members": True, "show-inheritance": True}
