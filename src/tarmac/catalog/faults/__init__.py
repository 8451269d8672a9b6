"""What can go wrong on purpose: a file for each fault, which says how it is proven and undone.

Faults do not import each other, and touch a system through its `Target` alone.
"""

from __future__ import annotations

#: Modules here that the faults share: `registry.load` does not look for one in them.
SHARED = ("fault", "repeating")
