"""``python -m repro``; see repro.cli."""

import sys

from .cli import main

sys.exit(main())
