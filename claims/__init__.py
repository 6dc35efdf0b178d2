"""The paper's claims: one file for each of its sections; ``pytest --pyargs claims`` runs them where they are installed."""
