"""The Hessian of the training loss: its products with directions, and its top eigenvalue.

The search is in ``lanczos``, the product in ``hessian``, the derivatives that it is made of in ``twice``.
"""
