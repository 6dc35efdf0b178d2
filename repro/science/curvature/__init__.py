"""The Hessian of the training loss: its products with directions, and its top eigenvalue.

The search is in ``lanczos``, the product by differentiating twice in ``twice``, by hand in ``by_hand`` and the layers
it knows (``directional``, ``still``).
"""
