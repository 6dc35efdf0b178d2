"""What was found: the README's table and docs/findings.md are made from the reports that are published in artifacts."""
