"""What is trained and measured. Knows torch; knows nothing of claims, stores or pytest.

``tasks`` and ``recipes`` are free of torch, so that a plan can be made without it.
"""
