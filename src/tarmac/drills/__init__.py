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
    "evidence_of_run",
    "experiments",
    "explain",
    "exporting",
    "failover_entry",
    "game_day",
    "game_day_form",
    "handover",
    "health_check",
    "journal",
    "junit",
    "load",
    "marks",
    "method",
    "needs",
    "probes",
    "quick",
    "read_drill",
    "recovery",
    "report",
    "running_system",
    "schedule",
    "section_checks",
    "sections",
    "session",
    "steady_state",
    "takeover",
    "timeline",
    "under_load",
    "windows",
)
