"""Drills of a running system: load, a fault, and whether the system held what it promises.

A file for each kind of drill; what they share stands beside them (`SHARED`).
"""

from __future__ import annotations

#: Modules and folders here that the drills share: `registry.load` does not look for one in them.
SHARED = (
    "abort",
    "checks",
    "comparison",
    "drill",
    "drill_file",
    "experiments",
    "explain",
    "game_day",
    "game_day_form",
    "journal",
    "junit",
    "load",
    "marks",
    "method",
    "quick",
    "recovery",
    "report",
    "running_system",
    "schedule",
    "sections",
    "steady_state",
    "timeline",
    "under_load",
    "windows",
)
