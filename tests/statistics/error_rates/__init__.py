"""How often the decisions are wrong, and how often they decide, in worlds whose truth is known."""
