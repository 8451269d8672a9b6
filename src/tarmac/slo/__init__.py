"""Objectives as mathematics: what is counted, what may fail, and how fast that may be used up.

Pure: no input or output, no PromQL. `render` makes rules of it, `gates` hold rules against it.
"""
