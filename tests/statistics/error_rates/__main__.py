"""All error rates, as a table and as data.

    python -m tests.statistics.error_rates

Takes about eight minutes on one core, and comes to the same numbers every time. Writes `rates.json` beside this file
and the tables of `docs/statistics.md`. The exit status is 1 if the upper bound of a wrong "holds" is 6% or more.
"""

import json
import sys
from pathlib import Path
from typing import Final

from .rates import COUNT, LOOKS, SEED, SEQUENCES, advised, all_rates, one_sided_divergence, sequential
from .tables import page
from .worlds import WORLDS

DATA: Final = Path(__file__).with_name("rates.json")
PAGE: Final = Path(__file__).parents[3] / "docs" / "statistics.md"


def main() -> int:
    rows, following = all_rates(), advised()
    found = {
        "seed": SEED,
        "worlds_each": COUNT,
        "sequences_each": SEQUENCES,
        "looks": LOOKS,
        "worlds": {world.name: world.says for world in WORLDS},
        "rows": rows,
        "one_sided_divergence": one_sided_divergence(),
        "sequential": sequential(),
        "advised": following,
    }
    DATA.write_text(json.dumps(found, indent=1) + "\n")
    PAGE.write_text(page(PAGE.read_text(), found))
    wrongly = [row["holds_upper"] for row in following if row["effect"] == 0]
    worst = max(*(row["wrong_holds_upper"] for row in rows), *wrongly)
    print(f"{len(rows)} rows in {DATA} and {PAGE}; largest upper bound of a wrong 'holds': {100 * worst:.2f}%")
    return 0 if worst < 0.06 else 1


if __name__ == "__main__":
    sys.exit(main())
