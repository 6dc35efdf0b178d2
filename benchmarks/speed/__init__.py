"""Hot paths as ratios: training, attacks, and lambda1, each beside the tools that a user would otherwise take."""
