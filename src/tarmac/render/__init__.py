"""Plan -> files: a folder for each topic, a file for each family of artifacts. Pure.

Renderers do not import each other; `parts/` and its like hold what those of a topic share.
"""

from __future__ import annotations

#: Modules and folders here that extensions share: `registry.load` does not look for one in them.
SHARED = ("assets", "collect", "in_memory", "renderer", "texts", "tree")

#: The group of entry points in which other packages offer theirs.
ENTRY_POINTS = "tarmac.renderers"
