"""Builds what is really applied: the objects of kustomizations and of charts, with their places.

`folder` and `disk_tree` call `units`; nothing here judges, and nothing is written but to a cache.
"""
