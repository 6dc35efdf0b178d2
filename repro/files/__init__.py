"""Text files and locks that hold on any machine: UTF-8, whole or not at all, and freed when their holder dies.

Imports errors alone. Offers ``read_text``, ``write_text`` (``text``) and ``locked`` (``locks``).
"""
