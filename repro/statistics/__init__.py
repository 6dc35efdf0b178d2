"""How a curve becomes a decision. Knows numpy and scipy; no torch, no runs, no pytest."""
