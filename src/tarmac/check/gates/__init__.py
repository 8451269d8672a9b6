"""Checks of a plan and its artifacts: a folder for each topic, a file for each gate.

Gates print nothing and do not import each other.
"""

from __future__ import annotations

#: Modules and folders here that extensions share: `registry.load` does not look for one in them.
SHARED = ("gate", "inputs", "live", "subject", "views")
