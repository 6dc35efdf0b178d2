"""The paper's claims, a file for each section; ``pytest --pyargs claims`` runs those that are installed."""
