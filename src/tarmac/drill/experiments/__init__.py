"""A drill's faults as the experiments of a chaos tool in a cluster: a file for each tool.

For `tarmac drill SYSTEM NAME --export TOOL --env ENV`; what the tools share stands beside them.
"""

from __future__ import annotations

#: Modules here that the tools share: `registry.load` does not look for one in them.
SHARED = ("experiment", "export", "litmus_objects", "manifests", "network_chaos", "workflows")
