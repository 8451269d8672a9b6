"""The kinds of drills, one file each: `canary`, `chaos`, `restore` and the like."""

from __future__ import annotations

#: The group of entry points in which a package offers a `Drill`.
ENTRY_POINTS = "tarmac.drills"
