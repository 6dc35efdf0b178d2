"""Images: where they come from, how they are split, what stands in for them, and how they are augmented.

Imports the experiment. ``sources`` is free of torch.
"""
