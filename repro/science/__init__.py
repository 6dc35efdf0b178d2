"""What is trained and measured. Knows torch; knows nothing of claims, stores or pytest.

What a plan needs of it (``data.sources``, ``measuring.checks``, ``training.settings``) is free of torch.
"""
