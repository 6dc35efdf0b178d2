"""The paper's four networks, and the dropout they share."""
