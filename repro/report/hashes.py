"""How a page shows that a claim was declared in advance: its hash beside the margin, and what was declared before."""

from typing import Any

Entry = dict[str, Any]


def asked(entry: Entry) -> str:
    """What the effect had to be, with the hash of the declaration."""
    return f"{entry['asked']} `{entry['declared']}`" if "declared" in entry else str(entry["asked"])


def mark(entry: Entry) -> str:
    """A note for one line of a table or a summary: whether the store knows another declaration of the claim."""
    return " (declared differently before)" if entry.get("declared_before") else ""


def history(entry: Entry) -> str:
    """The paragraph at a claim: every other declaration it was decided under from the same store; empty if none."""
    lines = [
        f"- `{old['declared']}`, {old['asked']}: {old['verdict']} on {old['date'][:10]} ({old['regime']} regime); "
        f"changed since: {'; '.join(old['changes'])}"
        for old in entry.get("declared_before", ())
    ]
    if not lines:
        return ""
    head = f"**Declared differently before** (now `{entry['declared']}`), with results of the same store at hand:"
    return "\n".join([head, "", *lines])
