"""Tells whether a node would run differently from how it runs now."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from tarmac.base.launch import reveal
from tarmac.plan.plan import Node
from tarmac.run.local.host.sources import digest_of


def fingerprint(node: Node, secrets: Mapping[str, str]) -> str:
    """Digest a node's launch, its secrets' values, and the time and size of its source files."""
    launch = node.launch
    digest = hashlib.sha256(repr(launch).encode())
    texts = [*launch.env.values(), *(file.content for file in launch.files)]
    for value in texts:
        digest.update(reveal(value, secrets).encode())
    # A service started outside Tarmac reloads its own edits.
    digest.update(
        b"stopped"
        if node.stopped
        else b"outside"
        if node.outside
        else digest_of(launch.sources).encode()
    )
    return digest.hexdigest()
