"""What was found at the paper's own scale: the README's table is made from the report in ``artifacts/published``."""
