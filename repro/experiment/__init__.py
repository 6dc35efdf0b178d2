"""What an experiment is made of: tasks, recipes, readings, regimes, departures. Free of torch.

Imports errors and files. A data set and a network are named in ``tasks``, a recipe in ``recipes``, the size of an
attack and of a search in ``readings``, the grid of batch sizes in ``regimes``.
"""
