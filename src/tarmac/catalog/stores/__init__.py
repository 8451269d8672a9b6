"""Store and broker kinds, one file each: their outputs, and how each provider starts one.

A kind is data and pure functions; `local` starts what they describe. No kind imports another.
"""

from __future__ import annotations

#: Modules and folders here that extensions share: `registry.load` does not look for one in them.
SHARED = (
    "backup",
    "contents",
    "context",
    "kind",
    "programs",
    "protocols",
    "provider",
    "read_only",
    "lease",
    "made_servers",
    "replication",
    "rotation",
    "setup",
    "snapshot",
    "statistics",
)
