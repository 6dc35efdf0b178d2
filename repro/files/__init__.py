"""Files and locks that hold on any machine: UTF-8, whole or not at all, and freed when their holder dies.

``text`` reads and writes, ``regular`` reads what is of unknown origin, ``staged`` puts several files in place at once,
``aside`` keeps what is damaged, ``locks`` locks. Imports errors and words alone.
"""
